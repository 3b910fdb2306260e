/** 我的学籍: where a signed-in student starts. */

import { call } from "./api.js";
import { cells, h, plainButton, toast } from "./dom.js";
import { remember, remembered } from "./session.js";
import { STEP_HINTS } from "./steps.js";

/** Every enrolment of this WeChat user; without one, straight on to the feature code. */
export async function listPage({ go, signal }) {
  const { items } = await call("GET", "/enrolments", undefined, signal);
  if (items.length === 0) {
    go("code", { replace: true });
    return null;
  }
  return h(
    "div",
    { class: "stack" },
    cells(`${remembered().user} 的学籍`, items.map((item) => showItem(item, go))),
    h("div", { class: "actions" }, plainButton("添加学籍(输入特征码)", "add-enrolment", () => go("code"))),
    signOutButton(go),
  );
}

function showItem(item, go) {
  return h(
    "button",
    { type: "button", class: "cell link", "data-testid": "enrolment-item", "data-student-no": item.student_no, onclick: () => go(`e/${item.id}`) },
    h("span", { class: "cell-label two" }, h("b", {}, `${item.name} ${item.student_no}`), h("small", {}, `${item.institution} · ${item.level} · ${item.major}`)),
    h("span", { class: "cell-value" }, h("span", { class: "tag", "data-status": item.status.value }, item.status.label), h("small", {}, STEP_HINTS[item.next_step])),
  );
}

/** Leave, so that another simulated user can sign in. */
export function signOutButton(go) {
  return plainButton("切换微信用户", "logout-button", () => {
    remember({ token: null, code: null });
    toast("已退出登录");
    go("login", { replace: true });
  }, "text");
}
