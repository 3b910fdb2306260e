/** What WeChat itself lays over a page: dialogs and sheets. One at a time; Escape closes. */

import { h, hostButton } from "./dom.js";

let queue = Promise.resolve();

let yielding = () => {};

/**
 * Open a sheet and wait for its answer. `make(close)` returns the content; `dismissed` is the answer
 * of Escape and of a tap beside it, undefined when it must be answered. One of the kind "aside" keeps
 * nothing from being tapped: it gives way to the next tap beside it and to the next sheet.
 */
export function openSheet({ testid, label, kind = "bottom", dismissed, make }) {
  yielding();
  const opened = queue.then(() => new Promise((resolve) => {
    const before = document.activeElement;
    const layer = document.getElementById("sheets");
    const close = (answer) => {
      yielding = () => {};
      document.removeEventListener("pointerdown", giveWay, true);
      layer.replaceChildren();
      before?.focus?.({ preventScroll: true });
      resolve(answer);
    };
    const giveWay = (event) => { if (!panel.contains(event.target)) close(dismissed); };
    const isAside = kind === "aside";
    const panel = h("div", { class: `sheet ${kind}`, role: "dialog", "aria-modal": String(!isAside), "aria-label": label, tabindex: "-1", testid });
    panel.append(...[make(close)].flat().filter(Boolean));
    const shade = h("div", { class: `shade ${kind}` }, panel);
    shade.addEventListener("keydown", (event) => event.key === "Escape" && dismissed !== undefined && close(dismissed));
    shade.addEventListener("click", (event) => event.target === shade && dismissed !== undefined && close(dismissed));
    layer.replaceChildren(shade);
    if (isAside) {
      yielding = () => close(dismissed);
      document.addEventListener("pointerdown", giveWay, true);
      return;
    }
    (panel.querySelector("[data-focus], input, .strong") ?? panel).focus({ preventScroll: true });
  }));
  queue = opened.catch(() => {});
  return opened;
}

/** A dialog with two buttons; true for the strong one. */
export function ask({ testid, title, text, confirm, cancel, confirmId, cancelId, content = null }) {
  return openSheet({
    testid, label: title || text, kind: "middle",
    make: (close) => [
      title ? h("h2", {}, title) : null,
      text ? h("p", { class: "sheet-text" }, text) : null,
      content,
      h("div", { class: "sheet-actions" },
        cancel ? hostButton(cancel, cancelId, () => close(false), "flat") : null,
        hostButton(confirm, confirmId, () => close(true), "flat strong")),
    ],
  });
}

const toasts = { timer: 0 };

/** Show a short note; `isBusy` keeps it until it is hidden. */
export function showNote({ title, icon = "success", duration = 1500, isBusy = false, mask = false }) {
  clearTimeout(toasts.timer);
  const place = document.getElementById("toast-place");
  const note = h("div", { class: `toast ${isBusy ? "busy" : icon}`, role: "status", "aria-live": "polite", testid: isBusy ? "loading" : "toast" },
    icon !== "none" || isBusy ? h("span", { class: `toast-icon ${isBusy ? "spin" : icon}`, "aria-hidden": "true" }) : null, h("span", {}, title));
  place.className = mask ? "masked" : "";
  place.replaceChildren(note);
  if (!isBusy) toasts.timer = setTimeout(() => hideNote("toast"), duration);
}

/** Take the note away, if it is of that kind. */
export function hideNote(testid) {
  const place = document.getElementById("toast-place");
  if (place.firstElementChild?.dataset.testid !== testid) return;
  place.replaceChildren();
  place.className = "";
}
