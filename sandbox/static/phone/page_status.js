/** 采集情况: where the enrolment stands, and the one next step. */

import { call, poll } from "./api.js";
import { actionButton, cell, cells, h, plainButton, toast } from "./dom.js";
import { showTime, showYuan } from "./format.js";
import { waitingNote } from "./page_photo.js";
import { askForMessages } from "./messages.js";
import { pay } from "./payment.js";
import { STEP_TITLES } from "./steps.js";
import { showStandardPhoto, showVerdict } from "./verdict.js";
import { askUntil } from "./waiting.js";

const ORDER_STATES = {
  open: "待支付", paid: "已支付", closed: "已关闭", refunding: "退款中", refunded: "已退款", quarantined: "已收款,待核对",
};
const PAID_MESSAGES = {
  paid: "支付成功",
  cancelled: null,
  late: "支付结果还在确认,稍后会自动更新",
  closed: "订单已关闭,请重新支付",
  quarantined: "已收到款项,财务正在核对",
};
const TOLD_LATER = new Set(["wait_check", "wait_review", "recapture"]);
const REPLACEABLE = new Set(["pay", "wait_review"]);
const WITHDRAWABLE = new Set(["received", "checked"]);
const CHECK_MS = 2000;
const CHECK_FOR_MS = 5 * 60 * 1000;

/** The page of one enrolment. */
export async function statusPage(context, enrolmentId) {
  const enrolment = await call("GET", `/enrolments/${enrolmentId}`, undefined, context.signal);
  if (enrolment.next_step === "wait_check") watchCheck(enrolment.photo, context);
  return h(
    "div",
    { class: "stack", "data-testid": "enrolment", "data-id": enrolment.id },
    showHead(enrolment),
    showReview(enrolment),
    showStep(enrolment, context),
    showFacts(enrolment),
    enrolment.photo ? showPhoto(enrolment.photo, context.signal) : null,
    showHistory(enrolment.history),
    h("div", { class: "actions" },
      actionButton({ label: "刷新", testid: "refresh-button", kind: "default", errors: h("div", {}), run: () => context.reload() }),
      plainButton("我的学籍", "list-button", () => context.go("list"), "text")),
  );
}

function showHead(enrolment) {
  return h("div", { class: "card head" },
    h("p", { class: "fine" }, enrolment.institution),
    h("p", { class: "who" }, `${enrolment.name} · ${enrolment.student_no}`),
    h("p", { class: "status", "data-testid": "status-label", "data-value": enrolment.status.value }, enrolment.status.label));
}

function showReview(enrolment) {
  const review = enrolment.last_review;
  if (enrolment.next_step !== "recapture" || !review) return null;
  return h("div", { class: "box error", "data-testid": "review" },
    h("p", {}, h("b", {}, "审核意见")),
    review.reasons.length ? h("ul", {}, review.reasons.map((code, place) => h("li", { "data-testid": "review-reason", "data-code": code }, review.reason_texts[place]))) : null,
    review.note ? h("p", { "data-testid": "review-note" }, review.note) : null,
    h("p", { class: "fine" }, showTime(review.at)));
}

function showStep(enrolment, context) {
  const errors = h("div", {});
  return h("div", { class: "card step", "data-testid": "next-step", "data-step": enrolment.next_step },
    h("h2", {}, STEP_TITLES[enrolment.next_step]),
    describeStep(enrolment),
    errors,
    stepActions(enrolment, context, errors));
}

function describeStep(enrolment) {
  const batch = enrolment.target_batch ? `计入 ${enrolment.target_batch} 批次,截止 ${showTime(enrolment.target_cutoff_at)}` : "";
  const texts = {
    capture: enrolment.eligible ? `准备好浅色墙面和均匀的光线。${batch}` : `学籍状态为“${enrolment.register_status}”,不能采集。请联系${enrolment.centre.name}`,
    pay: `${enrolment.photo ? "照片已经保存,支付" : "先支付"} ${showYuan(enrolment.fee_fen)} 后${enrolment.photo ? "提交审核" : "拍照"}。${batch}`,
    wait_review: `审核结果会在这里显示。${batch}`,
    recapture: `不需要再次付费。${batch}`,
    done: `照片扫描批次 ${enrolment.batch}。如需更正请联系${enrolment.centre.name}`,
  };
  if (enrolment.next_step === "wait_check") return waitingNote(enrolment.photo);
  return h("p", { class: "fine" }, texts[enrolment.next_step]);
}

function stepActions(enrolment, context, errors) {
  const { go } = context;
  const step = enrolment.next_step;
  const toPhoto = () => go(`e/${enrolment.id}/photo`);
  return h("div", { class: "actions" },
    step === "capture" && enrolment.eligible ? plainButton("去拍照", "capture-button", toPhoto, "primary") : null,
    step === "recapture" ? plainButton("重新拍照", "recapture-button", toPhoto, "primary") : null,
    step === "pay" ? actionButton({ label: `支付 ${showYuan(enrolment.fee_fen)}`, testid: "pay-button", errors, run: () => payAndTell(enrolment, context) }) : null,
    REPLACEABLE.has(step) && enrolment.photo ? plainButton("换一张照片", "replace-button", toPhoto) : null,
    TOLD_LATER.has(step) ? messagesButton(enrolment, context, errors) : null,
    canWithdraw(enrolment) ? withdrawButton(enrolment, context, errors) : null);
}

function messagesButton(enrolment, { signal }, errors) {
  return actionButton({ label: "接收结果通知", testid: "messages-button", kind: "default", errors, run: () => askForMessages(enrolment.id, signal) });
}

function canWithdraw({ next_step: step, photo }) {
  return step !== "done" && step !== "recapture" && photo && WITHDRAWABLE.has(photo.state);
}

async function payAndTell(enrolment, context) {
  const outcome = await pay(enrolment, context.signal);
  const message = PAID_MESSAGES[outcome] ?? null;
  if (message) toast(message);
  await context.reload();
}

function withdrawButton(enrolment, context, errors) {
  return actionButton({
    label: "撤回照片", testid: "withdraw-button", kind: "text danger", errors,
    run: async () => {
      if (!await confirmWithdrawal(context.signal)) return;
      await call("DELETE", `/photos/${enrolment.photo.id}`, undefined, context.signal);
      toast("照片已撤回");
      await context.reload();
    },
  });
}

function confirmWithdrawal(signal) {
  const root = document.getElementById("sheet-root");
  return new Promise((resolve) => {
    const close = (answer) => { root.replaceChildren(); resolve(answer); };
    signal.addEventListener("abort", () => close(false), { once: true });
    root.replaceChildren(h("div", { class: "sheet-back middle" },
      h("div", { class: "modal", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "modal-text", onkeydown: (event) => event.key === "Escape" && close(false) },
        h("p", { id: "modal-text" }, "撤回后这张照片不再提交审核,需要重新拍摄。确定撤回吗?"),
        h("div", { class: "modal-actions" }, plainButton("取消", "withdraw-cancel", () => close(false), "flat"), plainButton("撤回", "withdraw-confirm", () => close(true), "flat green")))));
    root.querySelector("[data-testid=withdraw-cancel]").focus();
  });
}

function showFacts(enrolment) {
  const { order } = enrolment;
  return cells(
    "采集信息",
    cell("照片扫描批次", enrolment.batch, "batch"),
    enrolment.target_batch && enrolment.next_step !== "done" ? cell("预计批次", enrolment.target_batch, "target-batch") : null,
    enrolment.target_cutoff_at && enrolment.next_step !== "done" ? cell("批次截止", showTime(enrolment.target_cutoff_at), "target-cutoff") : null,
    cell("采集费", enrolment.fee_fen ? `${showYuan(enrolment.fee_fen)}${enrolment.fee_settled ? " 已缴清" : ""}` : "免费", "fee-state", { "data-settled": String(enrolment.fee_settled) }),
    order ? cell("订单", ORDER_STATES[order.state] ?? order.state, "order-state", { "data-state": order.state }) : null,
    cell("身份证号", enrolment.id_number, "id-number"),
    cell("层次 / 专业", `${enrolment.level} / ${enrolment.major}`, "programme"),
    cell("学习中心", [enrolment.centre.name, enrolment.centre.contact].filter(Boolean).join(" "), "centre"),
    cell("学籍状态", enrolment.register_status, "register-status"),
  );
}

function showPhoto(photo, signal) {
  return h("details", { class: "fold", open: photo.state !== "approved", "data-testid": "photo-section", "data-state": photo.state },
    h("summary", {}, `照片(${showTime(photo.submitted_at)} 提交)`),
    showStandardPhoto(photo, signal),
    photo.verdict ? showVerdict(photo) : null);
}

function showHistory(history) {
  if (!history.length) return null;
  return h("section", { class: "group" }, h("h2", { class: "group-title" }, "历史"),
    h("ol", { class: "history", "data-testid": "history" }, [...history].reverse().map((change) =>
      h("li", { "data-testid": "history-item", "data-value": change.status.value }, h("span", {}, change.status.label), h("time", { datetime: change.at }, showTime(change.at))))));
}

async function watchCheck(photo, { signal, reload }) {
  if (!photo?.poll) return;
  try {
    const answer = await askUntil(() => poll(photo.poll, signal), (each) => each.state !== "received", { everyMs: CHECK_MS, forMs: CHECK_FOR_MS, signal });
    if (answer && answer.state !== "received") await reload();
  } catch (error) {
    if (error.name !== "AbortError") toast(error.message);
  }
}
