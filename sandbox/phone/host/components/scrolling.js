/** scroll-view, swiper and swiper-item. */

import { tell } from "./index.js";

export function scrolling() {
  return { "scroll-view": makeScrollView(), swiper: makeSwiper(), "swiper-item": { properties: { itemId: [String, ""] }, events: [] } };
}

function makeScrollView() {
  return {
    properties: {
      scrollX: [Boolean, false], scrollY: [Boolean, false], scrollTop: [null, 0], scrollLeft: [null, 0], scrollIntoView: [String, ""], scrollWithAnimation: [Boolean, false],
      enableFlex: [Boolean, false], enhanced: [Boolean, false], showScrollbar: [Boolean, true], bounces: [Boolean, true], upperThreshold: [null, 50], lowerThreshold: [null, 50],
      refresherEnabled: [Boolean, false], refresherTriggered: [Boolean, false], enablePassive: [Boolean, false],
    },
    events: ["scroll", "scrolltoupper", "scrolltolower", "refresherrefresh"],
    made(comp, { el }) {
      el.tabIndex = 0;
      el.addEventListener("scroll", () => {
        tell(comp, "scroll", { scrollTop: el.scrollTop, scrollLeft: el.scrollLeft, scrollHeight: el.scrollHeight, scrollWidth: el.scrollWidth });
        if (el.scrollTop + el.clientHeight >= el.scrollHeight - Number(comp.data.lowerThreshold)) tell(comp, "scrolltolower", { direction: "bottom" });
        if (el.scrollTop <= Number(comp.data.upperThreshold)) tell(comp, "scrolltoupper", { direction: "top" });
      });
    },
    changed: {
      scrollX: (value, _comp, { el }) => el.classList.toggle("scroll-x", value),
      scrollY: (value, _comp, { el }) => el.classList.toggle("scroll-y", value),
      scrollTop: (value, _comp, { el }) => { el.scrollTop = Number(value); },
      scrollLeft: (value, _comp, { el }) => { el.scrollLeft = Number(value); },
      enableFlex: (value, _comp, { el }) => el.classList.toggle("flex", value),
      scrollIntoView: (value, comp) => { if (value) comp.ownerShadowRoot.querySelector(`#${value}`)?.getBackendElement()?.scrollIntoView({ block: "nearest" }); },
    },
  };
}

function makeSwiper() {
  return {
    properties: {
      current: [Number, 0], indicatorDots: [Boolean, false], indicatorColor: [String, ""], indicatorActiveColor: [String, ""], circular: [Boolean, false],
      autoplay: [Boolean, false], interval: [Number, 5000], duration: [Number, 500], vertical: [Boolean, false],
    },
    events: ["change", "animationfinish"],
    made(comp, { el }) {
      el.tabIndex = 0;
      el.addEventListener("scrollend", () => {
        const current = Math.round(comp.data.vertical ? el.scrollTop / el.clientHeight : el.scrollLeft / el.clientWidth);
        if (current !== comp.data.current) {
          comp.setData({ current });
          tell(comp, "change", { current, source: "touch" });
        }
        tell(comp, "animationfinish", { current, source: "touch" });
      });
    },
    changed: {
      vertical: (value, _comp, { el }) => el.classList.toggle("vertical", value),
      current: (value, _comp, { el }) => { if (el.isConnected) el.scrollTo({ left: value * el.clientWidth, behavior: "smooth" }); },
    },
  };
}
