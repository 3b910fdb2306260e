/** 微信登录: choose which simulated WeChat user holds the phone. */

import { call } from "./api.js";
import { actionButton, cells, field, form, h, plainButton } from "./dom.js";
import { remember, remembered } from "./session.js";
import * as wx from "./wx.js";

const KEPT_USERS = 5;

/** The page that trades a wx.login code for the server's token. */
export function loginPage({ go }) {
  const { user = "demo-student-1", users = [] } = remembered();
  const errors = h("div", {});
  const name = field("微信用户", "user-input", { value: user, maxlength: 60, autocapitalize: "none", enterkeyhint: "go" });
  const button = actionButton({ label: "微信一键登录", testid: "login-button", errors, run: () => login(name.input.value, go) });
  return form(
    h("div", { class: "hero" }, h("div", { class: "logo", "aria-hidden": "true" }), h("p", { class: "hero-title" }, "高校图像信息采集"), h("p", { class: "fine" }, "毕业证书电子注册照片")),
    cells("模拟的微信用户(任意名字,同名即同一人)", name.row),
    users.length > 1 ? h("div", { class: "chips", "aria-label": "用过的用户" }, users.map((each) => plainButton(each, "user-choice", () => { name.input.value = each; }, "chip"))) : null,
    errors,
    button,
  );
}

async function login(typed, go) {
  const user = typed.trim() || "demo-student-1";
  const { token } = await call("POST", "/login", { code: await wx.login(user) });
  const others = (remembered().users ?? []).filter((each) => each !== user);
  remember({ token, user, users: [user, ...others].slice(0, KEPT_USERS), code: null });
  go("list", { replace: true });
}
