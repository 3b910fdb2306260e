/** 核对身份: name and ID number against the college's roster, with consent. */

import { call } from "./api.js";
import { actionButton, cell, cells, field, form, h } from "./dom.js";
import { remembered } from "./session.js";

/** Bind the enrolment. What is typed is sent once and kept nowhere on the phone. */
export async function identityPage({ go, signal }) {
  const { code: featureCode } = remembered();
  if (!featureCode) {
    go("code", { replace: true });
    return null;
  }
  const code = await call("GET", `/codes/${encodeURIComponent(featureCode)}`, undefined, signal);
  const errors = h("div", {});
  const name = field("姓名", "name-input", { maxlength: 50, placeholder: "与身份证一致" });
  const id = field("身份证号", "id-input", { maxlength: 30, placeholder: "18 位,末位可为 X", autocapitalize: "characters", spellcheck: "false" });
  const consent = h("input", { type: "checkbox", id: "consent", "data-testid": "consent-check" });
  const bind = actionButton({
    label: "核对并绑定", testid: "bind-button", errors,
    run: async () => {
      requireFilled(name.input, id.input, consent);
      const enrolment = await call("POST", "/enrolments", {
        feature_code: featureCode, name: name.input.value, id_number: id.input.value, consent_version: code.consent.version,
      }, signal);
      go(`e/${enrolment.id}`, { replace: true });
    },
  });
  return form(
    cells(null, cell("院校", code.institution, "college-name"), name.row, id.row),
    h("div", { class: "consent" }, consent, h("label", { for: "consent" }, `我已阅读并同意《个人信息告知书》(${code.consent.version})`)),
    h("details", { class: "prose-fold" }, h("summary", {}, "查看全文"), h("div", { class: "prose" }, code.consent.text)),
    errors, bind,
  );
}

function requireFilled(name, id, consent) {
  const missing = [
    [!name.value.trim(), name, "请填写姓名"],
    [!id.value.trim(), id, "请填写身份证号"],
    [!consent.checked, consent, "请先阅读并同意《个人信息告知书》"],
  ].find(([isMissing]) => isMissing);
  if (!missing) return;
  missing[1].focus();
  throw Object.assign(new Error(missing[2]), { code: "incomplete" });
}
