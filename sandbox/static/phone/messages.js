/** Subscribe messages: the sheet of wx.requestSubscribeMessage. One tap allows one message each. */

import { call } from "./api.js";
import { actionButton, h, toast } from "./dom.js";
import { remembered } from "./session.js";
import { openSheet } from "./sheet.js";
import * as wx from "./wx.js";

/** Name at the server → words on the sheet and the id that a mini-program carries in its code. */
const TEMPLATES = {
  photo_rejected: ["照片退回通知", "demo-photo-rejected"],
  photo_collected: ["采集完成通知", "demo-photo-collected"],
  deadline_near: ["采集截止提醒", "demo-deadline-near"],
  refund: ["退款结果通知", "demo-refund"],
};

/** Ask which messages the student wants, tell WeChat and the server; false when none. */
export async function askForMessages(enrolmentId, signal) {
  const chosen = await openSheet(signal, (close) => makeSheet(close));
  if (!chosen?.length) return false;
  await wx.allowMessages(remembered().user, chosen.map((name) => TEMPLATES[name][1]));
  await call("POST", `/enrolments/${enrolmentId}/messages`, { templates: chosen }, signal);
  toast("好的,有结果会通知您");
  return true;
}

function makeSheet(close) {
  const boxes = Object.entries(TEMPLATES).map(([name, [label]]) => {
    const box = h("input", { type: "checkbox", id: `allow-${name}`, value: name, checked: true, "data-testid": `allow-${name}` });
    return { box, row: h("div", { class: "cell" }, h("label", { class: "cell-label", for: box.id }, label), box) };
  });
  const errors = h("div", {});
  const allow = actionButton({
    label: "允许", testid: "allow-confirm", errors,
    run: async () => close(boxes.filter(({ box }) => box.checked).map(({ box }) => box.value)),
  });
  const cancel = actionButton({ label: "不用了", testid: "allow-cancel", kind: "default", errors, run: async () => close([]) });
  return h("div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-labelledby": "sheet-title", "data-testid": "allow-sheet", onkeydown: (event) => event.key === "Escape" && cancel.click() },
    h("h2", { id: "sheet-title" }, "接收以下消息"),
    h("p", { class: "fine" }, "每项允许一次,可以收到一条"),
    h("div", { class: "cells" }, boxes.map(({ row }) => row)),
    errors, allow, cancel);
}
