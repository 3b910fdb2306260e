/** A sheet over the page: one at a time, closed with its answer or with the visit. */

import { h } from "./dom.js";

/**
 * Show what `make(close)` returns; resolves with what `close` is given, or null when the visit ends
 * first. The page behind cannot be reached meanwhile, and focus returns to where it was.
 */
export function openSheet(signal, make) {
  const root = document.getElementById("sheet-root");
  const page = document.getElementById("page");
  const opener = document.activeElement;
  return new Promise((resolve) => {
    const close = (answer) => {
      root.replaceChildren();
      page.removeAttribute("inert");
      if (opener?.isConnected) opener.focus();
      resolve(answer);
    };
    signal.addEventListener("abort", () => close(null), { once: true });
    page.setAttribute("inert", "");
    root.replaceChildren(h("div", { class: "sheet-back" }, make(close)));
    root.querySelector("button.primary").focus();
  });
}
