/** Building blocks of the pages: elements, cells, buttons that cannot be pressed twice. */

/**
 * Create an element. `attrs` sets attributes; `on…` adds listeners; `null`, `false` are left out.
 * Text is always text: nothing from the server is ever parsed as HTML.
 */
export function h(tag, attrs = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attrs)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...shown(children));
  return node;
}

/** Replace what a node holds; `null` and `false` are left out. */
export function fill(node, ...children) {
  node.replaceChildren(...shown(children));
}

function shown(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** A group of rows, as mini-programs show them. */
export function cells(title, ...rows) {
  return h("section", { class: "group" }, title && h("h2", { class: "group-title" }, title), h("div", { class: "cells" }, rows));
}

/** One row: a label on the left, a value on the right. */
export function cell(label, value, testid, attrs = {}) {
  return h(
    "div",
    { class: "cell" },
    h("span", { class: "cell-label" }, label),
    h("span", { class: "cell-value", "data-testid": testid, ...attrs }, value ?? "—"),
  );
}

/** A labelled text field in a row. */
export function field(label, testid, attrs = {}) {
  const id = `field-${testid}`;
  const input = h("input", { id, "data-testid": testid, class: "cell-input", autocomplete: "off", ...attrs });
  return { row: h("div", { class: "cell" }, h("label", { class: "cell-label", for: id }, label), input), input };
}

/** A form whose Enter key presses its action button and that never leaves the page. */
export function form(...children) {
  return h("form", { class: "stack", novalidate: true, onsubmit: (event) => event.preventDefault() }, ...children);
}

/** A plain button that only navigates or toggles. */
export function plainButton(label, testid, onclick, kind = "default") {
  return h("button", { type: "button", class: `button ${kind}`, "data-testid": testid, onclick }, label);
}

/**
 * A button that runs an asynchronous action once: it stays disabled and says so while the action
 * runs, and while a Retry-After of an earlier refusal has not passed.
 */
export function actionButton({ label, testid, kind = "primary", errors, run }) {
  // "submit" makes the Enter key press it where it stands in a form.
  const button = h("button", { type: "submit", class: `button ${kind}`, "data-testid": testid }, label);
  button.addEventListener("click", () => press(button, label, errors, run));
  return button;
}

async function press(button, label, errors, run) {
  if (button.disabled) return;
  setBusy(button, true);
  const slow = setTimeout(() => { button.textContent = "网络较慢,请稍候…"; }, 5000);
  errors.replaceChildren();
  let waitS = 0;
  try {
    await run();
  } catch (error) {
    if (error.name !== "AbortError") {
      errors.replaceChildren(errorBox(error));
      errors.firstElementChild.scrollIntoView({ block: "nearest" });
      waitS = error.retryAfterS ?? 0;
    }
  } finally {
    clearTimeout(slow);
    setBusy(button, false);
    button.textContent = label;
  }
  if (waitS > 0) countDown(button, label, waitS);
}

function setBusy(button, isBusy) {
  button.disabled = isBusy;
  button.classList.toggle("busy", isBusy);
  if (isBusy) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}

/** Keep a button disabled for so many seconds and show the remaining ones. */
export function countDown(button, label, seconds) {
  const end = Date.now() + seconds * 1000;
  button.disabled = true;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left <= 0 || !button.isConnected) {
      button.disabled = false;
      button.textContent = label;
      return;
    }
    button.textContent = `${label}(${left} 秒后可重试)`;
    setTimeout(tick, 250);
  };
  tick();
}

/** What went wrong, in the words of the server. */
export function errorBox(error) {
  return h(
    "div",
    { class: "box error", role: "alert", "data-testid": "error", "data-code": error.code ?? "unexpected" },
    h("p", {}, error.message || "出错了,请稍后再试"),
    error.retryAfterS ? h("p", { class: "fine", "data-testid": "retry-after" }, `请在 ${error.retryAfterS} 秒后再试`) : null,
    error.code === "consent_outdated" ? h("p", {}, h("a", { href: "#/code", "data-testid": "consent-again" }, "阅读新的《个人信息告知书》并重新确认")) : null,
    error.requestId ? h("p", { class: "fine" }, `编号 ${error.requestId}`) : null,
  );
}

/** Something is under way. */
export function loading(text) {
  return h("p", { class: "loading", role: "status", "data-testid": "loading" }, h("i", { class: "spinner", "aria-hidden": "true" }), text);
}

/** A short message above everything, as wx.showToast gives. */
export function toast(text) {
  const node = document.getElementById("toast");
  node.textContent = text;
  node.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { node.hidden = true; }, 2600);
}
