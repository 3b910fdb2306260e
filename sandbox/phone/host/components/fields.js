/** input and textarea: a real field inside, whose own events stay inside. */

import { report } from "../errors.js";
import { convertUnits } from "../styles.js";
import { tell } from "./index.js";

const SHARED = {
  value: [String, ""], placeholder: [String, ""], placeholderStyle: [String, ""], placeholderClass: [String, "input-placeholder"], disabled: [Boolean, false],
  maxlength: [Number, 140], cursorSpacing: [null, 0], focus: [Boolean, false], autoFocus: [Boolean, false], confirmType: [String, "done"], confirmHold: [Boolean, false],
  adjustPosition: [Boolean, true], holdKeyboard: [Boolean, false], cursor: [Number, -1], selectionStart: [Number, -1], selectionEnd: [Number, -1], name: [String, ""],
};
const EVENTS = ["input", "focus", "blur", "confirm", "keyboardheightchange"];
const MODES = { text: "text", number: "numeric", idcard: "text", digit: "decimal", nickname: "text", "safe-password": "text" };

export function fields(phone) {
  return {
    input: {
      properties: { ...SHARED, type: [String, "text"], password: [Boolean, false], alwaysEmbed: [Boolean, false] },
      events: EVENTS, hasSlot: false,
      made: (comp, parts) => makeField(comp, parts, "input"),
      changed: {
        ...followers(),
        type(value, comp, { field }) {
          if (!(value in MODES)) report("wxml", `input has no type ${value}`);
          field.inputMode = MODES[value] ?? "text";
          field.type = comp.data.password ? "password" : "text";
        },
        password: (value, _comp, { field }) => { field.type = value ? "password" : "text"; },
      },
      attached: (comp, parts) => { dressPlaceholder(phone, comp, parts); focusLater(comp, parts); },
    },
    textarea: {
      properties: { ...SHARED, autoHeight: [Boolean, false], showConfirmBar: [Boolean, true], fixed: [Boolean, false], disableDefaultPadding: [Boolean, false] },
      events: [...EVENTS, "linechange"], hasSlot: false,
      made: (comp, parts) => makeField(comp, parts, "textarea"),
      changed: { ...followers(), autoHeight: (value, _comp, { el }) => el.classList.toggle("grows", value) },
      attached: (comp, parts) => { dressPlaceholder(phone, comp, parts); focusLater(comp, parts); },
    },
  };
}

function makeField(comp, parts, tag) {
  const field = document.createElement(tag);
  if (tag === "input") field.type = "text";
  field.autocomplete = "off";
  field.setAttribute("autocapitalize", "off");
  field.setAttribute("autocorrect", "off");
  field.spellcheck = false;
  parts.field = field;
  parts.el.append(field);
  parts.el.formValue = () => field.value;
  parts.el.formReset = () => comp.setData({ value: "" });
  field.addEventListener("input", (event) => {
    event.stopPropagation();
    comp.setData({ value: field.value });
    if (tag === "textarea" && comp.data.autoHeight) grow(field);
    tell(comp, "input", { value: field.value, cursor: field.selectionStart, keyCode: 0 });
  });
  field.addEventListener("focus", () => tell(comp, "focus", { value: field.value, height: 0 }));
  field.addEventListener("blur", () => tell(comp, "blur", { value: field.value, cursor: field.selectionStart }));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || (tag === "textarea" && comp.data.confirmType === "return")) return;
    if (tag === "textarea" && event.shiftKey) return;
    if (tag === "input") tell(comp, "confirm", { value: field.value });
  });
  parts.el.addEventListener("click", (event) => event.target === parts.el && field.focus());
}

/** A class styles the placeholder on a phone; here its computed style is carried over. */
function dressPlaceholder(phone, comp, { el, field }) {
  const probe = document.createElement("span");
  probe.className = phone.framework.scopedClass(comp, comp.data.placeholderClass).join(" ");
  probe.style.cssText = convertUnits(comp.data.placeholderStyle);
  el.append(probe);
  const { color, fontSize, fontWeight, letterSpacing } = getComputedStyle(probe);
  const isOwn = color !== getComputedStyle(el).color;
  if (isOwn) field.style.setProperty("--placeholder-colour", color);
  field.style.setProperty("--placeholder-size", fontSize);
  field.style.setProperty("--placeholder-weight", fontWeight);
  field.style.setProperty("--placeholder-spacing", letterSpacing);
  probe.remove();
}

function grow(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function followers() {
  return {
    value: (value, _comp, { field }) => { if (field.value !== value) field.value = value; },
    placeholder: (value, _comp, { field }) => { field.placeholder = value; },
    disabled: (value, _comp, { field }) => { field.disabled = value; },
    maxlength: (value, _comp, { field }) => { if (value >= 0) field.maxLength = value; else field.removeAttribute("maxlength"); },
    confirmType: (value, _comp, { field }) => { field.enterKeyHint = { done: "done", next: "next", search: "search", send: "send", go: "go", return: "enter" }[value] ?? "done"; },
    focus: (value, _comp, { field }) => { if (field.isConnected) { if (value) field.focus(); else field.blur(); } },
    name: (value, _comp, { el }) => { el.dataset.formName = value; },
  };
}

function focusLater(comp, { field }) {
  if (comp.data.focus || comp.data.autoFocus) requestAnimationFrame(() => field.focus({ preventScroll: true }));
  if (comp.data.autoHeight) requestAnimationFrame(() => grow(field));
}
