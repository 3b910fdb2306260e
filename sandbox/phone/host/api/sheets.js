/** toast, loading, modal, action sheet. */

import { h, hostButton } from "../dom.js";
import { report } from "../errors.js";
import { ask, hideNote, openSheet, showNote } from "../sheets.js";

const LONGEST_BUTTON = 4;
const MOST_ITEMS = 6;

export function sheets() {
  return {
    asynchronous: {
      showToast: ({ title, icon = "success", duration = 1500, mask = false }) => showNote({ title: requireText(title, "title"), icon, duration, mask }),
      hideToast: () => hideNote("toast"),
      showLoading: ({ title, mask = false }) => showNote({ title: requireText(title, "title"), isBusy: true, mask }),
      hideLoading: () => hideNote("loading"),
      showModal,
      showActionSheet,
    },
  };
}

function requireText(text, name) {
  if (typeof text !== "string" || !text) throw new Error(`parameter error: parameter.${name} should be String`);
  return text;
}

async function showModal({ title = "", content = "", showCancel = true, cancelText = "取消", confirmText = "确定", editable = false, placeholderText = "" }) {
  for (const text of [cancelText, confirmText]) if (text.length > LONGEST_BUTTON) report("wx", `showModal: a button has at most ${LONGEST_BUTTON} characters (${text})`);
  const field = editable ? h("input", { class: "host-field", "aria-label": title || "内容", placeholder: placeholderText, testid: "modal-input" }) : null;
  if (field) field.value = content;
  const confirm = await ask({
    testid: "modal", title, text: editable ? "" : content, content: field, confirm: confirmText, cancel: showCancel ? cancelText : "", confirmId: "modal-confirm", cancelId: "modal-cancel",
  });
  return { confirm, cancel: !confirm, ...(editable && { content: confirm ? field.value : "" }) };
}

async function showActionSheet({ itemList, alertText = "" }) {
  if (!Array.isArray(itemList) || !itemList.length) throw new Error("parameter error: itemList");
  if (itemList.length > MOST_ITEMS) {
    report("wx", `showActionSheet: at most ${MOST_ITEMS} items`);
    throw new Error("itemList should not be larger than 6");
  }
  const tapIndex = await openSheet({
    testid: "action-sheet", label: alertText || "请选择", dismissed: -1,
    make: (close) => [
      alertText ? h("p", { class: "sheet-text" }, alertText) : null,
      ...itemList.map((item, place) => hostButton(item, "action-item", () => close(place))),
      hostButton("取消", "action-cancel", () => close(-1), "apart"),
    ],
  });
  if (tapIndex < 0) throw new Error("cancel");
  return { tapIndex };
}
