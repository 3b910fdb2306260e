/**
 * The one file that touches the insides of WeChat's component framework (glass-easel 0.12.1): how
 * elements are named, where events come from, what an event looks like, how data-* reaches the DOM.
 */

import { report } from "./errors.js";
import { convertUnits } from "./styles.js";

/** Elements that are real ones of the browser, so that keyboards and screen readers know them. */
const REAL = new Set(["button", "label"]);
const MOST_SET_BYTES = 1024 * 1024;
const EMPTY_TEMPLATE = { content: () => () => ({ C: () => {}, B: Object.create(null) }) };
const FIELD_ATTRIBUTE = /^(aria-|data-)/;
const ARIA = ("role label labelledby describedby hidden live atomic busy checked selected expanded pressed disabled invalid required modal level haspopup controls current orientation "
  + "valuenow valuemin valuemax valuetext posinset setsize").split(" ");
/** Properties that every built-in has. */
const COMMON = { hidden: [Boolean, false], ...Object.fromEntries(ARIA.map((name) => [`aria${name[0].toUpperCase()}${name.slice(1)}`, [null, null]])) };

/** @typedef {{el: HTMLElement, field: HTMLElement|null}} Parts */

export class Framework {
  constructor(glassEasel, adapter) {
    this.core = glassEasel;
    this.adapter = adapter;
    this.env = new adapter.MiniProgramEnv();
    this.backend = new glassEasel.CurrentWindowBackendContext();
    this.tuneBackend();
    this.tuneEvents();
    this.tuneElements();
    this.tuneSetData();
    this.associated = this.env.associateBackend(this.backend);
    this.space = this.env.createCodeSpace("", true);
    glassEasel.addGlobalErrorListener((error, method, component) => {
      report("script", error, readStack(error) || `${component?.is ?? ""} ${method ?? ""}`.trim());
      return false;
    });
    glassEasel.addGlobalWarningListener((message, component) => {
      report("framework", message, component?.is ?? String(component || ""));
      return false;
    });
  }

  tuneBackend() {
    const { backend } = this;
    backend.document = {
      createElement: (tag) => makeElement(tag),
      createTextNode: (text) => document.createTextNode(text),
      createDocumentFragment: () => document.createDocumentFragment(),
    };
    // Events come from events.js; listeners of the framework would let native input and change events through.
    backend.setListenerStats = () => {};
    backend.onEvent = () => {};
  }

  /** What a handler gets: plain data, as on a phone, and no way into the framework. */
  tuneEvents() {
    const describe = (element) => ({ id: element.id ?? "", dataset: { ...element.dataset }, offsetLeft: 0, offsetTop: 0 });
    this.core.Event.prototype.wrapShadowedEvent = function wrap(target, mark, current) {
      const shown = Object.create(this);
      const plain = { target: describe(target), currentTarget: describe(current), mark: mark ?? {}, detail: this.detail, touches: this.touches ?? [], changedTouches: this.changedTouches ?? [] };
      for (const [name, value] of Object.entries(plain)) Object.defineProperty(shown, name, { value, enumerable: true });
      return shown;
    };
  }

  tuneElements() {
    const { prototype } = this.core.Element;
    const { setDataset } = prototype;
    prototype.setDataset = function set(name, value) {
      setDataset.call(this, name, value);
      const attribute = `data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      this.getBackendElement()?.setAttribute(attribute, typeof value === "object" ? JSON.stringify(value) : String(value));
    };
  }

  tuneSetData() {
    const { prototype } = this.adapter.component.ComponentCaller;
    const { setData } = prototype;
    prototype.setData = function set(data, callback) {
      checkData(data, this.is);
      setData.call(this, data, callback);
    };
  }

  /**
   * Define a built-in component. `made(comp, parts)` builds inner elements; `changed.name(value, comp, parts)`
   * follows an attribute; with `hasSlot` false nothing may stand inside.
   */
  defineBuiltIn(name, { properties = {}, hasSlot = true, made = null, changed = {}, attached = null, detached = null }) {
    const space = this.space.getComponentSpace();
    const builder = space.define(name).options({ virtualHost: false });
    if (!hasSlot) builder.template(EMPTY_TEMPLATE);
    for (const [key, [type, value]] of Object.entries({ ...COMMON, ...properties })) {
      const follow = changed[key] ?? followCommon(key);
      builder.property(key, { type, value, observer(fresh) { if (this.parts) follow?.(fresh, this, this.parts); } });
    }
    builder.lifetime("created", function created() {
      // Made for a page that is gone already: nobody sees it.
      this.parts = { el: this.getBackendElement() ?? makeElement("gone"), field: null };
      this.parts.el.hostComponent = this;
      made?.(this, this.parts);
      for (const key of Object.keys(changed)) changed[key](this.data[key], this, this.parts);
    });
    if (attached) builder.lifetime("attached", function enter() { attached(this, this.parts); });
    if (detached) builder.lifetime("detached", function leave() { detached(this, this.parts); });
    space.setGlobalUsingComponent(name, builder.registerComponent());
  }

  /** Register the four files of a page or component. */
  register(path, { config, template, scope, run }) {
    this.space.addComponentStaticConfig(path, config);
    this.space.addStyleSheet(path, undefined, scope);
    this.space.addCompiledTemplate(path, template);
    this.space.componentEnv(path, run);
  }

  /** Create a page's root; it is not in the document yet. */
  createPage(path) {
    const root = this.associated.createRoot("page", this.space, path);
    return { root, caller: root.get(), el: root.getComponent().getBackendElement() };
  }

  attach(root, parent) {
    const place = document.createComment("page");
    parent.append(place);
    root.attach(parent, place);
  }

  release(root) {
    root.release();
  }

  /** `show`, `hide` and `resize` of the components of a page. */
  tellComponents(root, moment, argument) {
    root.getComponent().triggerPageLifetime(moment, argument === undefined ? [] : [argument]);
  }

  triggerLifetime(root, name) {
    root.getComponent().triggerLifetime(name, []);
  }

  /** Dispatch an event of the screen; returns whether a handler caught it with `catch`. */
  dispatch(element, type, detail, fields = {}) {
    const event = new this.core.Event(type, detail, { bubbles: true, composed: true, capturePhase: true, extraFields: fields });
    this.core.Event.dispatchEvent(element, event);
    return event.getEventBubbleStatus() === 1;
  }

  /** The framework's element at or above a node. */
  findElement(node) {
    for (let each = node; each; each = each.parentNode) if (each.__wxElement) return each.__wxElement;
    return null;
  }

  /** A class name as the sheets of the component that owns `component` know it. */
  scopedClass(component, name) {
    const owner = component.ownerShadowRoot?.getHostNode();
    const scope = owner?.getComponentOptions().styleScope;
    const prefix = scope === undefined || scope === null ? "" : this.space.getComponentSpace().styleScopeManager.queryName(scope);
    return name.split(/\s+/).filter(Boolean).map((each) => (prefix ? `${prefix}--${each}` : each));
  }
}

/** `hidden` and `aria-*`: straight to the element, or to the field inside it. */
function followCommon(key) {
  if (key === "hidden") return (value, _comp, { el }) => { el.hidden = value; };
  if (!(key in COMMON)) return null;
  const name = `aria-${key.slice(4).toLowerCase()}`;
  return (value, _comp, { el }) => {
    if (value === null || value === undefined || value === "") (el.hostComponent.parts.field ?? el).removeAttribute(name);
    else el.setAttribute(name, String(value));
  };
}

function makeElement(tag) {
  const element = document.createElement(REAL.has(tag) ? tag : `wx-${tag}`);
  if (tag === "button") element.type = "button";
  const { setAttribute } = Element.prototype;
  element.setAttribute = (name, value) => {
    // A strict policy refuses style attributes; the CSSOM may.
    if (name === "style") element.style.cssText = convertUnits(String(value));
    else {
      const { field } = element.hostComponent?.parts ?? {};
      if (name === "aria-role") setAttribute.call(field ?? element, "role", value);
      else if (field && FIELD_ATTRIBUTE.test(name)) field.setAttribute(name, value);
      else setAttribute.call(element, name, value);
    }
  };
  return element;
}

function checkData(data, where) {
  if (typeof data !== "object" || data === null) return report("setData", "not an object", where);
  for (const [name, value] of Object.entries(data)) if (value === undefined) report("setData", `${name} is set to undefined`, where);
  let text = "";
  try {
    text = JSON.stringify(data);
  } catch (error) {
    report("setData", error, where);
  }
  if (text.length > MOST_SET_BYTES) report("setData", `${text.length} bytes at once, a phone takes ${MOST_SET_BYTES}`, where);
  return undefined;
}

function readStack(error) {
  return String(error?.stack ?? "").match(/miniprogram\/[^\s)]+/)?.[0] ?? "";
}
