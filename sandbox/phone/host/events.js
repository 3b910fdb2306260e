/** Fingers, mouse and keyboard → the events of WXML; and whether something happens in a tap. */

const TAP_DISTANCE_PX = 10;
const LONG_PRESS_MS = 350;
const NATIVE = ["transitionend", "animationstart", "animationiteration", "animationend"];

/** What the user did last: sheets of money and messages ask for it. */
export const gesture = { isInTap: false, taps: 0, lastTapAt: -Infinity, afterPayment: false };

/** Let code that follows at once (promises included) count as part of the tap. */
function inTap(action) {
  gesture.isInTap = true;
  gesture.taps += 1;
  gesture.lastTapAt = performance.now();
  setTimeout(() => { gesture.isInTap = false; });
  action();
}

export class Events {
  constructor(framework, root) {
    this.framework = framework;
    this.root = root;
    this.press = null;
    const listen = (type, handler) => root.addEventListener(type, handler, { capture: true, passive: type !== "touchmove" });
    listen("touchstart", (event) => this.touch("touchstart", event, () => this.begin(event.target, event.changedTouches[0])));
    listen("touchmove", (event) => this.touch("touchmove", event, () => this.move(event.changedTouches[0])));
    listen("touchend", (event) => this.touch("touchend", event, () => this.end(event)));
    listen("touchcancel", (event) => this.touch("touchcancel", event, () => this.cancel()));
    listen("mousedown", (event) => event.button === 0 && !this.isRepeat(event) && this.begin(event.target, event));
    listen("mousemove", (event) => !this.isRepeat(event) && this.move(event));
    listen("mouseup", (event) => !this.isRepeat(event) && this.end(event));
    listen("click", (event) => this.click(event));
    for (const type of NATIVE) listen(type, (event) => this.tell(event.target, type, {}));
  }

  /** A touch is followed by mouse events that repeat it. */
  isRepeat(event) {
    if (event.sourceCapabilities) return event.sourceCapabilities.firesTouchEvents;
    return performance.now() - (this.touchedAt ?? -Infinity) < 800;
  }

  touch(type, event, then) {
    this.touchedAt = performance.now();
    const touches = [...event.touches].map(describeTouch);
    const changedTouches = [...event.changedTouches].map(describeTouch);
    const isCaught = this.tell(event.target, type, {}, { touches, changedTouches });
    if (isCaught && type === "touchmove" && event.cancelable) event.preventDefault();
    then();
  }

  tell(node, type, detail, fields) {
    const element = this.framework.findElement(node);
    return element && !isDisabled(node) ? this.framework.dispatch(element, type, detail, fields) : false;
  }

  begin(target, { clientX: x, clientY: y }) {
    this.cancel();
    const hover = showHover(this.framework, target);
    this.press = { target, x, y, hover, isLong: false, timer: setTimeout(() => this.hold(), LONG_PRESS_MS) };
  }

  hold() {
    if (!this.press) return;
    const { target, x, y } = this.press;
    for (const type of ["longpress", "longtap"]) {
      const element = this.framework.findElement(target);
      if (element && hasListener(element, type)) this.press.isLong = true;
      this.tell(target, type, { x, y });
    }
  }

  move({ clientX, clientY }) {
    const { press } = this;
    if (press && Math.hypot(clientX - press.x, clientY - press.y) > TAP_DISTANCE_PX) this.cancel();
  }

  end(event) {
    const { press } = this;
    if (!press) return;
    this.cancel();
    if (press.isLong || !press.target.isConnected) return;
    const touch = { identifier: 0, pageX: press.x, pageY: press.y, clientX: press.x, clientY: press.y };
    if (event.type === "mouseup" && !press.target.contains(event.target) && !event.target.contains(press.target)) return;
    inTap(() => this.tell(press.target, "tap", { x: press.x, y: press.y }, { touches: [touch], changedTouches: [touch] }));
  }

  cancel() {
    if (!this.press) return;
    clearTimeout(this.press.timer);
    this.press.hover?.();
    this.press = null;
  }

  /** A key or a screen reader presses without a finger. */
  click(event) {
    if (event.detail !== 0) return;
    if (event.target.closest("input, textarea, select")) return;
    inTap(() => this.tell(event.target, "tap", { x: 0, y: 0 }));
  }
}

/**
 * A tap acts when the finger is lifted; the browser's click follows and would hit whatever lies there
 * by then: a sheet that the tap opened, a field of the next page. Such clicks are dropped.
 */
export function dropStrayClicks() {
  let pressed = null;
  const layerOf = (node) => node.closest?.(".page, .shade") ?? null;
  for (const type of ["touchstart", "mousedown"]) {
    document.addEventListener(type, (event) => {
      if (type === "touchstart" || !event.sourceCapabilities?.firesTouchEvents) pressed = { node: event.target, layer: layerOf(event.target) };
    }, { capture: true, passive: true });
  }
  document.addEventListener("click", (event) => {
    if (event.detail === 0 || !pressed) return;
    if (pressed.node.isConnected && pressed.layer === layerOf(event.target)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, { capture: true });
}

function describeTouch({ identifier, pageX, pageY, clientX, clientY }) {
  return { identifier, pageX, pageY, clientX, clientY };
}

function isDisabled(node) {
  return Boolean((node instanceof Element ? node : node.parentElement)?.closest("button[disabled]"));
}

function hasListener(element, type) {
  for (let each = element; each; each = each.parentNode) if (each.hasListener?.(type)) return true;
  return false;
}

/** Put on the hover class of the nearest element that has one; returns how to take it off. */
function showHover(framework, target) {
  const node = (target instanceof Element ? target : target.parentElement)?.closest("[data-hover-host]");
  if (!node || isDisabled(node)) return null;
  const { hoverClass } = node.hostComponent.data;
  if (!hoverClass || hoverClass === "none") return null;
  const names = framework.scopedClass(node.hostComponent, hoverClass);
  node.classList.add(...names);
  return () => setTimeout(() => node.classList.remove(...names), 70);
}
