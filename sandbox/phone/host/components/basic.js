/** view text button navigator icon progress rich-text cover-view root-portal */

import { report } from "../errors.js";
import { tell } from "./index.js";

const HOVER = { hoverClass: [String, "none"], hoverStopPropagation: [Boolean, false], hoverStartTime: [Number, 50], hoverStayTime: [Number, 400] };
const OPEN_TYPES = new Set(["", "contact", "share", "openSetting", "feedback", "agreePrivacyAuthorization"]);
const ICONS = { success: "✓", success_no_circle: "✓", info: "i", warn: "!", waiting: "…", cancel: "✕", download: "↓", search: "⌕", clear: "✕" };

function takesHover({ el }) {
  el.dataset.hoverHost = "";
}

export function basic(phone) {
  const view = { properties: HOVER, events: [], made: (_comp, parts) => takesHover(parts) };
  return {
    view,
    "cover-view": view,
    "root-portal": { properties: { enable: [Boolean, true] }, events: [] },
    text: {
      properties: { selectable: [Boolean, false], userSelect: [Boolean, false], space: [String, ""], decode: [Boolean, false] }, events: [],
      changed: {
        selectable: (value, _comp, { el }) => el.classList.toggle("selectable", value),
        userSelect: (value, _comp, { el }) => el.classList.toggle("selectable", value),
        space: (value, _comp, { el }) => el.classList.toggle("keeps-space", value !== ""),
      },
    },
    button: makeButton(phone),
    navigator: makeNavigator(phone),
    icon: {
      properties: { type: [String, ""], size: [null, 23], color: [String, ""] }, events: [], hasSlot: false,
      changed: {
        type: (value, _comp, { el }) => { el.textContent = ICONS[value] ?? ""; el.dataset.type = value; },
        size: (value, _comp, { el }) => { el.style.fontSize = typeof value === "number" ? `${value}px` : value; },
        color: (value, _comp, { el }) => { el.style.color = value; },
      },
    },
    progress: makeProgress(),
    "rich-text": {
      properties: { nodes: [null, ""], space: [String, ""], userSelect: [Boolean, false] }, events: [], hasSlot: false,
      changed: { nodes: (value, _comp, { el }) => el.replaceChildren(...makeNodes(value)) },
    },
  };
}

function makeButton(phone) {
  return {
    properties: {
      ...HOVER, hoverClass: [String, "button-hover"], size: [String, "default"], type: [String, "default"], plain: [Boolean, false], disabled: [Boolean, false],
      loading: [Boolean, false], formType: [String, ""], openType: [String, ""], sessionFrom: [String, ""],
    },
    events: ["contact", "opensetting", "agreeprivacyauthorization"],
    made(comp, parts) {
      takesHover(parts);
      comp.addListener("tap", () => press(comp, parts.el, phone));
    },
    changed: {
      type: (value, _comp, { el }) => { el.dataset.type = value; },
      size: (value, _comp, { el }) => { el.dataset.size = value; },
      plain: (value, _comp, { el }) => { el.classList.toggle("plain", value); },
      disabled: (value, _comp, { el }) => { el.disabled = value; },
      loading: (value, _comp, { el }) => { el.classList.toggle("loading", value); },
      openType: (value) => { if (!OPEN_TYPES.has(value)) report("wxml", `button has no open-type ${value}`); },
    },
  };
}

function press(comp, el, phone) {
  const { formType, openType, disabled } = comp.data;
  if (disabled) return;
  if (formType === "submit" || formType === "reset") el.closest("wx-form")?.hostComponent[formType === "submit" ? "submitForm" : "resetForm"]?.();
  if (openType === "share") phone.share();
  else if (openType === "openSetting") phone.permissions.openSetting().then((detail) => tell(comp, "opensetting", detail));
  else if (openType === "agreePrivacyAuthorization") { phone.permissions.agreePrivacy(); tell(comp, "agreeprivacyauthorization", { errMsg: "agreePrivacyAuthorization:ok" }); }
  else if (openType === "contact" || openType === "feedback") phone.showNote({ title: openType === "contact" ? "客服会话（模拟）" : "意见反馈（模拟）", icon: "none" });
}

function makeNavigator(phone) {
  return {
    properties: { ...HOVER, hoverClass: [String, "navigator-hover"], url: [String, ""], openType: [String, "navigate"], delta: [Number, 1], target: [String, "self"] },
    events: [],
    made(comp, parts) {
      takesHover(parts);
      parts.el.setAttribute("role", "link");
      parts.el.tabIndex = 0;
      parts.el.addEventListener("keydown", (event) => event.key === "Enter" && parts.el.click());
      comp.addListener("tap", () => {
        const { openType, url, delta } = comp.data;
        const calls = { navigate: "navigateTo", redirect: "redirectTo", reLaunch: "reLaunch", navigateBack: "navigateBack", exit: "exitMiniProgram" };
        if (!calls[openType]) report("wxml", `navigator has no open-type ${openType}`);
        else phone.wx[calls[openType]]({ url, delta, fail: () => {} });
      });
    },
  };
}

function makeProgress() {
  return {
    properties: {
      percent: [Number, 0], showInfo: [Boolean, false], strokeWidth: [null, 6], borderRadius: [null, 0], activeColor: [String, ""], backgroundColor: [String, ""],
      active: [Boolean, false], activeMode: [String, "backwards"], duration: [Number, 30], fontSize: [null, 16], color: [String, ""],
    },
    events: ["activeend"], hasSlot: false,
    made(_comp, parts) {
      const bar = document.createElement("div");
      parts.el.setAttribute("role", "progressbar");
      parts.el.append(bar);
    },
    changed: {
      percent(value, comp, { el }) {
        el.setAttribute("aria-valuenow", String(value));
        el.firstElementChild.style.width = `${Math.max(0, Math.min(100, value))}%`;
        el.dataset.info = comp.data.showInfo ? `${value}%` : "";
      },
      strokeWidth: (value, _comp, { el }) => { el.style.height = typeof value === "number" ? `${value}px` : value; },
      activeColor: (value, _comp, { el }) => { el.firstElementChild.style.backgroundColor = value; },
      backgroundColor: (value, _comp, { el }) => { el.style.backgroundColor = value; },
    },
  };
}

const RICH_TAGS = new Set("a abbr b blockquote br code dd div dl dt em h1 h2 h3 h4 h5 h6 hr i li ol p s small span strong sub sup table tbody td th thead tr u ul".split(" "));

function makeNodes(nodes) {
  if (typeof nodes === "string") return [document.createTextNode(nodes.replace(/<[^>]*>/g, ""))];
  return (nodes ?? []).flatMap((node) => {
    if (node.type === "text") return [document.createTextNode(node.text)];
    if (!RICH_TAGS.has(node.name)) return report("wxml", `rich-text takes no <${node.name}>`) ?? [];
    const element = document.createElement(node.name);
    if (node.attrs?.class) element.className = node.attrs.class;
    if (node.attrs?.style) element.style.cssText = node.attrs.style;
    element.append(...makeNodes(node.children ?? []));
    return [element];
  });
}
