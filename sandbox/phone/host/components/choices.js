/** checkbox radio switch and their groups, picker, label. */

import { report } from "../errors.js";
import { h, hostButton } from "../dom.js";
import { openSheet } from "../sheets.js";
import { tell } from "./index.js";

let groups = 0;

export function choices() {
  return {
    label: { properties: { for: [String, ""] }, events: [], made: (comp, parts) => forward(comp, parts.el) },
    "checkbox-group": {
      properties: { name: [String, ""] }, events: ["change"],
      made: (comp, { el }) => { el.formValue = () => readBoxes(el); },
      changed: { name: (value, _comp, { el }) => { el.dataset.formName = value; } },
    },
    "radio-group": {
      properties: { name: [String, ""] }, events: ["change"],
      made(_comp, { el }) {
        el.setAttribute("role", "radiogroup");
        el.dataset.group = `group-${(groups += 1)}`;
        el.formValue = () => el.querySelector("input:checked")?.value ?? "";
      },
      changed: { name: (value, _comp, { el }) => { el.dataset.formName = value; } },
    },
    checkbox: makeBox("checkbox"),
    radio: makeBox("radio"),
    switch: makeSwitch(),
    picker: makePicker(),
  };
}

function readBoxes(el) {
  return [...el.querySelectorAll("input[type=checkbox]:checked")].map(({ value }) => value);
}

/** `for` names an id of the same component; without it the browser's own label finds what is inside. */
function forward(comp, el) {
  comp.addListener("tap", () => {
    if (!comp.data.for) return;
    const target = comp.ownerShadowRoot.querySelector(`#${comp.data.for}`)?.getBackendElement();
    const field = target?.hostComponent?.parts.field;
    if (field && !el.contains(field)) field.click();
  });
}

function makeBox(type) {
  return {
    properties: { value: [String, ""], checked: [Boolean, false], disabled: [Boolean, false], color: [String, ""] },
    events: [],
    made(comp, parts) {
      const field = document.createElement("input");
      field.type = type;
      parts.field = field;
      parts.el.prepend(field);
      parts.el.addEventListener("click", (event) => {
        if (event.target !== field && !parts.el.closest("label")) field.click();
      });
      field.addEventListener("change", (event) => {
        event.stopPropagation();
        const group = parts.el.closest("wx-checkbox-group, wx-radio-group");
        if (type === "radio") clearOthers(group, field);
        comp.setData({ checked: field.checked });
        if (group) tell(group.hostComponent, "change", { value: type === "radio" ? field.value : readBoxes(group) });
      });
    },
    changed: {
      value: (value, _comp, { field }) => { field.value = value; },
      checked: (value, _comp, { field }) => { field.checked = value; },
      disabled: (value, _comp, { field }) => { field.disabled = value; },
      color: (value, _comp, { field }) => { field.style.accentColor = value; },
    },
    attached(_comp, { el, field }) {
      const group = el.closest("wx-checkbox-group, wx-radio-group");
      if (!group) report("wxml", `<${type}> stands outside of a ${type}-group: nobody hears its change`);
      if (type === "radio" && group) field.name = group.dataset.group;
    },
  };
}

function clearOthers(group, chosen) {
  for (const each of group?.querySelectorAll("wx-radio") ?? []) {
    if (each.hostComponent.parts.field !== chosen) each.hostComponent.setData({ checked: false });
  }
}

function makeSwitch() {
  return {
    properties: { checked: [Boolean, false], disabled: [Boolean, false], type: [String, "switch"], color: [String, ""], name: [String, ""] },
    events: ["change"], hasSlot: false,
    made(comp, parts) {
      const field = document.createElement("input");
      field.type = "checkbox";
      field.setAttribute("role", "switch");
      parts.field = field;
      parts.el.append(field);
      parts.el.formValue = () => field.checked;
      field.addEventListener("change", (event) => {
        event.stopPropagation();
        comp.setData({ checked: field.checked });
        tell(comp, "change", { value: field.checked });
      });
    },
    changed: {
      checked: (value, _comp, { field }) => { field.checked = value; },
      disabled: (value, _comp, { field }) => { field.disabled = value; },
      color: (value, _comp, { field }) => { field.style.setProperty("--switch", value); },
      name: (value, _comp, { el }) => { el.dataset.formName = value; },
    },
  };
}

function makePicker() {
  return {
    properties: {
      mode: [String, "selector"], range: [null, []], rangeKey: [String, ""], value: [null, 0], start: [String, ""], end: [String, ""], fields: [String, "day"],
      headerText: [String, ""], disabled: [Boolean, false], name: [String, ""],
    },
    events: ["change", "cancel", "columnchange"],
    made(comp, { el }) {
      el.formValue = () => comp.data.value;
      comp.addListener("tap", () => !comp.data.disabled && pick(comp));
    },
    changed: {
      mode: (value) => { if (!["selector", "date"].includes(value)) report("wxml", `picker: mode ${value} is not in the subset`); },
      name: (value, _comp, { el }) => { el.dataset.formName = value; },
    },
  };
}

async function pick(comp) {
  const { mode, headerText } = comp.data;
  const chosen = await openSheet({
    testid: "picker-sheet", label: headerText || "请选择", dismissed: null,
    make: (close) => [headerText ? h("h2", {}, headerText) : null, ...(mode === "date" ? makeDate(comp, close) : makeOptions(comp, close)), hostButton("取消", "picker-cancel", () => close(null))],
  });
  if (chosen === null) return tell(comp, "cancel");
  comp.setData({ value: chosen });
  return tell(comp, "change", { value: chosen });
}

function makeOptions(comp, close) {
  const { range, rangeKey, value } = comp.data;
  return [h("div", { class: "options" }, (range ?? []).map((option, place) =>
    h("button", { type: "button", class: "option", "aria-pressed": String(Number(value) === place), testid: "picker-option", onclick: () => close(String(place)) }, rangeKey ? option[rangeKey] : String(option))))];
}

function makeDate(comp, close) {
  const field = h("input", { type: "date", class: "host-field", "aria-label": "日期", value: comp.data.value || "", min: comp.data.start || null, max: comp.data.end || null });
  return [field, hostButton("确定", "picker-confirm", () => close(field.value), "strong")];
}
