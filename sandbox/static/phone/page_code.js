/** 特征码: the code decides the college, the mode and the fee; the student only confirms. */

import { call } from "./api.js";
import { actionButton, cell, cells, field, form, h, plainButton } from "./dom.js";
import { showClosed, showTime, showWindow, showYuan } from "./format.js";
import { signOutButton } from "./page_list.js";
import { remember, remembered } from "./session.js";

/** Ask for the code, show what it opens, go on only on the student's word. */
export function codePage({ go, signal }) {
  const errors = h("div", {});
  const result = h("div", { "aria-live": "polite" });
  const code = field("特征码", "code-input", {
    value: remembered().code ?? readScene(), maxlength: 20, placeholder: "学校通知中的 4–8 位字母数字", autocapitalize: "none", spellcheck: "false", enterkeyhint: "search",
  });
  code.input.addEventListener("input", () => result.replaceChildren());
  const look = actionButton({
    label: "查询", testid: "code-button", errors,
    run: async () => {
      result.replaceChildren();
      const found = await call("GET", `/codes/${encodeURIComponent(code.input.value.trim() || " ")}`, undefined, signal);
      result.replaceChildren(showCode(found, go));
      result.querySelector("[data-testid=college-name]").scrollIntoView({ block: "nearest" });
    },
  });
  return form(
    cells("请输入学校发给您的特征码(不分大小写)", code.row),
    errors, look, result, signOutButton(go),
  );
}

/** The code that a mini-program picture carries: /phone?scene=y0814v */
function readScene() {
  return new URLSearchParams(location.search).get("scene") ?? "";
}

function showCode(code, go) {
  return h(
    "div",
    { class: "stack", "data-testid": "code-result", "data-open": String(code.is_open) },
    cells(
      "请确认学校和采集信息",
      cell("院校", code.institution, "college-name"),
      cell("采集类型", code.mode, "mode"),
      cell("采集费", code.fee_fen ? showYuan(code.fee_fen) : "免费", "fee"),
      cell("采集时间", showWindow(code.opens_at, code.closes_at), "window"),
      code.next_cutoff_at ? cell("本批次截止", showTime(code.next_cutoff_at), "next-cutoff") : null,
      cell("支付方式", code.pay_first ? "先支付,后拍照" : "照片通过检测后支付", "pay-order"),
    ),
    h("section", { class: "group" }, h("h2", { class: "group-title" }, `个人信息告知书(${code.consent.version})`), h("div", { class: "prose", tabindex: "0", "data-testid": "consent-text" }, code.consent.text)),
    code.is_open
      ? plainButton("是我的学校,下一步", "code-continue", () => { remember({ code: code.feature_code }); go("identity"); }, "primary")
      : h("p", { class: "box warn", "data-testid": "code-closed" }, showClosed(code.opens_at, code.closes_at)),
  );
}
