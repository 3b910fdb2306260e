/** The payment sheet of WeChat, and waiting until the server knows of the money. */

import { call } from "./api.js";
import { actionButton, h, toast } from "./dom.js";
import { showYuan } from "./format.js";
import { openSheet } from "./sheet.js";
import { askUntil } from "./waiting.js";
import * as wx from "./wx.js";

const ASK_MS = 2000;
const ASK_FOR_MS = 60000;

/**
 * Open the order and the sheet. Resolves with "paid", "cancelled" or "late"; the word of the phone
 * decides nothing, only the server's order state does.
 */
export async function pay(enrolment, signal) {
  const order = await call("POST", `/enrolments/${enrolment.id}/order`, undefined, signal);
  const isConfirmed = await askInSheet(order, enrolment, signal);
  if (!isConfirmed) return "cancelled";
  const state = await askUntil(
    () => call("GET", `/orders/${order.out_trade_no}`, undefined, signal),
    (answer) => answer.state !== "open",
    { everyMs: ASK_MS, forMs: ASK_FOR_MS, signal },
  );
  return state && state.state !== "open" ? state.state : "late";
}

/** Show the sheet; true after the student confirmed, false after 取消, null when the visit ended. */
function askInSheet(order, enrolment, signal) {
  return openSheet(signal, (close) => makeSheet(order, enrolment, signal, close));
}

/** Confirm; where WeChat refuses, let the server ask about the order, so that the next tap has a new one. */
async function confirmOrAsk(order, signal) {
  try {
    await wx.confirmPayment(order.payment);
  } catch (error) {
    if (error.status) await call("GET", `/orders/${order.out_trade_no}`, undefined, signal).catch(() => {});
    throw error;
  }
}

function makeSheet(order, enrolment, signal, close) {
  const errors = h("div", {});
  const confirm = actionButton({
    label: "确认支付", testid: "pay-confirm", errors,
    run: async () => {
      await confirmOrAsk(order, signal);
      close(true);
    },
  });
  const cancel = actionButton({
    label: "取消", testid: "pay-cancel", kind: "default", errors,
    run: async () => {
      await wx.cancelPayment(order.payment).catch(() => {});
      toast("已取消支付,订单还在,可以稍后再付");
      close(false);
    },
  });
  return h("div", { class: "sheet", role: "dialog", "aria-modal": "true", "aria-labelledby": "sheet-title", "data-testid": "pay-sheet", "data-order": order.out_trade_no, onkeydown: (event) => event.key === "Escape" && cancel.click() },
    h("h2", { id: "sheet-title" }, "微信支付"),
    h("p", { class: "payee" }, enrolment.institution),
    h("p", { class: "amount", "data-testid": "pay-amount" }, showYuan(order.amount_fen)),
    h("dl", { class: "sheet-lines" }, h("dt", {}, "商品"), h("dd", {}, "学历照片采集费"), h("dt", {}, "订单号"), h("dd", { "data-testid": "out-trade-no" }, order.out_trade_no), h("dt", {}, "支付方式"), h("dd", {}, "零钱(模拟)")),
    errors, confirm, cancel);
}
