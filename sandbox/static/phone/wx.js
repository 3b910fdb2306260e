/** WeChat on this phone, played by the sandbox: wx.login, wx.requestPayment, messages. */

import { ApiError } from "./api.js";

/** wx.login of the named user: a code for the server, good once. */
export async function login(user) {
  const { code } = await control("login-code", { user });
  return code;
}

/** The student confirms in the payment sheet; WeChat then calls the server back. */
export function confirmPayment(payment) {
  return control("pay", { prepay_id: readPrepayId(payment), faults: [] });
}

/** The student closes the payment sheet. */
export function cancelPayment(payment) {
  return control("cancel", { prepay_id: readPrepayId(payment) });
}

/** wx.requestSubscribeMessage: the user allows one message of each template. */
export async function allowMessages(user, templateIds) {
  for (const templateId of templateIds) await control("allow-messages", { user, template_id: templateId, count: 1 });
}

function readPrepayId(payment) {
  return payment.package.replace(/^prepay_id=/, "");
}

async function control(name, body) {
  let response;
  try {
    response = await fetch(`/control/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch {
    throw new ApiError({ status: 0, code: "offline", message: "模拟网关没有应答,请检查网络" });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ApiError({ status: response.status, code: answer.code ?? "gateway_refused", message: answer.message ?? `微信支付没有成功(${response.status})` });
  }
  return answer;
}
