/** wx.login, the privacy functions and the permissions. */

import { control } from "../control.js";
import { showNote } from "../sheets.js";

export function login(phone) {
  const { permissions } = phone;
  return {
    asynchronous: {
      async login() {
        const { code } = await control("login-code", { user: phone.user });
        return { code };
      },
      checkSession() {},
      getPrivacySetting: () => ({ needAuthorization: !permissions.read().privacy, privacyContractName: `《${phone.name}小程序隐私保护指引》` }),
      requirePrivacyAuthorize: () => permissions.requirePrivacy(),
      openPrivacyContract: () => showNote({ title: "打开《用户隐私保护指引》（模拟）", icon: "none" }),
      getSetting: () => ({ authSetting: permissions.describe() }),
      openSetting: () => permissions.openSetting(),
      authorize: ({ scope }) => permissions.require(scope),
    },
  };
}
