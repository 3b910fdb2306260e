/** wx.requestPayment and wx.requestSubscribeMessage: only where a student tapped. */

import { control } from "../control.js";
import { h, hostButton } from "../dom.js";
import { report } from "../errors.js";
import { gesture } from "../events.js";
import { openSheet } from "../sheets.js";

const PARTS = ["timeStamp", "nonceStr", "package", "signType", "paySign"];
const TAP_HOLDS_MS = 15000;
const MOST_TEMPLATES = 5;
let spentTap = 0;

export function payment(phone) {
  return { asynchronous: { requestPayment: (options) => requestPayment(phone, options), requestSubscribeMessage: (options) => requestMessages(phone, options) } };
}

async function requestPayment(phone, options) {
  for (const part of PARTS) {
    if (typeof options[part] !== "string" || !options[part]) {
      report("payment", `${part} should be a String`, phone.stack.top?.path);
      throw new Error(`parameter error: parameter.${part} should be String`);
    }
  }
  if (gesture.taps === spentTap || performance.now() - gesture.lastTapAt > TAP_HOLDS_MS) {
    report("payment", "requestPayment without a tap before it", phone.stack.top?.path);
    throw new Error("can only be invoked by user TAP gesture");
  }
  spentTap = gesture.taps;
  const payment = Object.fromEntries(PARTS.map((part) => [part, options[part]]));
  const order = await control("prepaid", payment);
  const outcome = await openSheet({ testid: "pay-sheet", label: "微信支付", dismissed: "cancel", make: (close) => makePaySheet(phone, order, payment, close) });
  gesture.afterPayment = true;
  setTimeout(() => { gesture.afterPayment = false; }, 1000);
  if (outcome === "cancel") {
    await control("cancel", { prepay_id: order.prepay_id }).catch(() => {});
    throw new Error("cancel");
  }
  if (outcome !== "paid") throw new Error(outcome);
}

function makePaySheet(phone, order, payment, close) {
  const refusal = h("p", { class: "sheet-refusal", role: "alert", testid: "pay-refusal", hidden: true });
  let isPaying = false;
  let outcome = "cancel";
  const pay = async () => {
    if (isPaying) return;
    isPaying = true;
    try {
      await control("pay", { prepay_id: order.prepay_id, faults: [] });
      close("paid");
    } catch (error) {
      outcome = error.message;
      refusal.textContent = error.message;
      refusal.hidden = false;
      isPaying = false;
    }
  };
  return [
    h("p", { class: "pay-to" }, order.description),
    h("p", { class: "pay-amount", testid: "pay-amount" }, `¥${(order.amount_fen / 100).toFixed(2)}`),
    h("dl", { class: "pay-facts" }, h("dt", {}, "商户单号"), h("dd", { testid: "out-trade-no" }, order.out_trade_no), h("dt", {}, "付款方式"), h("dd", {}, `零钱（${phone.user}）`)),
    refusal,
    hostButton("确认支付", "pay-confirm", pay, "strong wide"),
    hostButton("取消", "pay-cancel", () => close(outcome), "wide"),
  ];
}

async function requestMessages(phone, { tmplIds }) {
  const where = phone.stack.top?.path;
  if (!Array.isArray(tmplIds) || !tmplIds.length || tmplIds.some((id) => typeof id !== "string" || !id)) throw Object.assign(new Error("TmplIds can't be empty"), { errCode: 10001 });
  if (tmplIds.length > MOST_TEMPLATES) {
    report("messages", `more than ${MOST_TEMPLATES} templates`, where);
    throw Object.assign(new Error("Templates count out of max bound"), { errCode: 20003 });
  }
  if (!gesture.isInTap && !gesture.afterPayment) {
    report("messages", "requestSubscribeMessage outside of a tap", where);
    throw Object.assign(new Error("can only be invoked by user TAP gesture."), { errCode: 20001 });
  }
  const chosen = await openSheet({ testid: "subscribe-sheet", label: "订阅消息", kind: "aside", dismissed: [], make: (close) => makeMessageSheet(phone, tmplIds, close) });
  for (const id of chosen) await control("allow-messages", { user: phone.user, template_id: id, count: 1 });
  return Object.fromEntries(tmplIds.map((id) => [id, chosen.includes(id) ? "accept" : "reject"]));
}

function makeMessageSheet(phone, ids, close) {
  const boxes = ids.map((id) => h("input", { type: "checkbox", value: id, checked: true, testid: "subscribe-item" }));
  return [
    h("h2", {}, `${phone.name} 想向你发送以下消息`),
    ...boxes.map((box) => h("label", { class: "setting" }, h("span", {}, phone.templateTitle(box.value)), box)),
    hostButton("允许", "subscribe-allow", () => close(boxes.filter(({ checked }) => checked).map(({ value }) => value)), "strong wide"),
    hostButton("取消", "subscribe-refuse", () => close([]), "wide"),
  ];
}
