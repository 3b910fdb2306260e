/** Pages and their bar. */

import { report } from "../errors.js";

export function navigation(phone) {
  const { stack } = phone;
  const top = () => stack.top;
  return {
    asynchronous: {
      navigateTo: ({ url }) => stack.navigateTo(url),
      redirectTo: ({ url }) => stack.redirectTo(url),
      reLaunch: ({ url }) => stack.reLaunch(url),
      navigateBack: ({ delta = 1 }) => stack.navigateBack(delta),
      setNavigationBarTitle: ({ title }) => top().setBar({ title: String(title) }),
      setNavigationBarColor({ frontColor, backgroundColor }) {
        if (!["#ffffff", "#000000"].includes(frontColor)) throw new Error("invalid frontColor");
        top().setBar({ front: frontColor, background: backgroundColor });
      },
      showNavigationBarLoading: () => top().setBar({ loading: true }),
      hideNavigationBarLoading: () => top().setBar({ loading: false }),
      setBackgroundColor({ backgroundColor }) { top().background = backgroundColor; stack.dress(top()); },
      setBackgroundTextStyle() {},
      hideHomeButton() { top().isHomeHidden = true; stack.dress(top()); },
      startPullDownRefresh: () => top().pullDown(),
      stopPullDownRefresh: () => top().endPull(),
      pageScrollTo({ scrollTop, selector, duration = 300, offsetTop = 0 }) {
        const { scroller, caller } = top();
        const target = selector ? caller._$.getShadowRoot().querySelector(selector)?.getBackendElement() : null;
        if (selector && !target) throw new Error(`${selector} is not found`);
        const to = target ? target.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop + offsetTop : scrollTop;
        scroller.scrollTo({ top: to, behavior: duration ? "smooth" : "instant" });
      },
      enableAlertBeforeUnload({ message }) { top().leaveWarning = message; },
      disableAlertBeforeUnload() { top().leaveWarning = ""; },
      showShareMenu() {}, hideShareMenu() {},
    },
    plain: {
      createSelectorQuery: () => top().caller.createSelectorQuery(),
      createIntersectionObserver(owner, options) {
        if (!owner) report("wx", "createIntersectionObserver: no component");
        return owner.createIntersectionObserver(options);
      },
    },
  };
}
