/** page-meta and navigation-bar: a page says how its screen looks. */

import { convertUnits } from "../styles.js";
import { tell } from "./index.js";

export function makePageParts(phone) {
  const pageOf = (el) => phone.stack.findByElement(el.closest("wx-page"));
  const meta = {
    rootFontSize: [String, ""], pageFontSize: [String, ""], pageStyle: [String, ""], rootBackgroundColor: [String, ""], backgroundColor: [String, ""],
    backgroundTextStyle: [String, ""], backgroundColorTop: [String, ""], backgroundColorBottom: [String, ""], scrollTop: [String, ""], scrollDuration: [Number, 300],
  };
  const follow = (_value, _comp, { el }) => apply(el.hostComponent, el);
  const apply = (comp, el) => {
    const page = pageOf(el);
    if (!page) return;
    const { data } = comp;
    page.el.style.cssText = convertUnits(data.pageStyle);
    if (data.pageFontSize) page.el.style.fontSize = readSize(data.pageFontSize, phone);
    page.rootFontSize = data.rootFontSize ? readSize(data.rootFontSize, phone) : "";
    page.background = data.backgroundColor || data.rootBackgroundColor;
    if (data.scrollTop !== "") page.scroller.scrollTop = Number.parseFloat(data.scrollTop);
    phone.stack.dress(page);
  };
  return {
    "page-meta": {
      properties: meta, events: ["resize", "scroll", "scrolldone"],
      changed: Object.fromEntries(Object.keys(meta).map((name) => [name, follow])),
      attached(comp, { el }) {
        apply(comp, el);
        pageOf(el)?.scroller.addEventListener("scroll", ({ target }) => tell(comp, "scroll", { scrollTop: target.scrollTop }));
      },
    },
    "navigation-bar": {
      properties: {
        title: [String, ""], loading: [Boolean, false], frontColor: [String, ""], backgroundColor: [String, ""], colorAnimationDuration: [Number, 0], colorAnimationTimingFunc: [String, ""],
      },
      events: [],
      changed: {
        title: (value, _comp, { el }) => value && pageOf(el)?.setBar({ title: value }),
        frontColor: (value, _comp, { el }) => value && pageOf(el)?.setBar({ front: value }),
        backgroundColor: (value, _comp, { el }) => value && pageOf(el)?.setBar({ background: value }),
        loading: (value, _comp, { el }) => pageOf(el)?.setBar({ loading: value }),
      },
      attached(comp, { el }) {
        const { title, frontColor, backgroundColor, loading } = comp.data;
        pageOf(el)?.setBar({ ...(title && { title }), ...(frontColor && { front: frontColor }), ...(backgroundColor && { background: backgroundColor }), loading });
      },
    },
  };
}

function readSize(text, phone) {
  return text === "system" ? `${16 * phone.screen.fontScale}px` : convertUnits(text);
}
