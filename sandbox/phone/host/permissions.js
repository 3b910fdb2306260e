/** WeChat's privacy prompt and the permissions behind it, remembered for each user. */

import { h, hostButton } from "./dom.js";
import { ask, openSheet } from "./sheets.js";

const SCOPES = { "scope.camera": "使用你的摄像头", "scope.writePhotosAlbum": "保存图片到你的相册" };
/** What WeChat answers when the student refuses. */
const REFUSED = { privacy: 104, system: 103 };

export class Permissions {
  constructor(phone) {
    this.phone = phone;
    this.asking = null;
    const { switches } = phone;
    if (switches.privacy === "agreed") this.write({ privacy: true, ...Object.fromEntries(Object.keys(SCOPES).map((scope) => [scope, true])) });
    for (const name of (switches.deny ?? "").split(",").filter(Boolean)) {
      const scope = Object.keys(SCOPES).find((each) => each.toLowerCase().includes(name.toLowerCase())) ?? `scope.${name}`;
      this.write({ [scope]: false });
    }
  }

  read() {
    return this.phone.storage.readOwn("permissions") ?? {};
  }

  write(values) {
    this.phone.storage.writeOwn("permissions", { ...this.read(), ...values });
  }

  /** The official prompt, where it was not agreed to before; throws `errno 104` on a refusal. */
  async requirePrivacy() {
    if (this.read().privacy) return;
    this.asking ??= this.askPrivacy().finally(() => { this.asking = null; });
    if (!await this.asking) throw refuse("privacy permission is not authorized", REFUSED.privacy);
    this.agreePrivacy();
  }

  agreePrivacy() {
    this.write({ privacy: true });
  }

  askPrivacy() {
    const { name } = this.phone;
    return ask({
      testid: "privacy-sheet", title: "用户隐私保护提示", confirm: "同意", cancel: "拒绝", confirmId: "privacy-agree", cancelId: "privacy-refuse",
      text: `感谢使用${name}。使用前请阅读并同意《${name}小程序隐私保护指引》。小程序将按指引处理你的摄像头、相册和身份信息。`,
    });
  }

  /** Privacy first, then the permission itself. */
  async require(scope) {
    await this.requirePrivacy();
    const known = this.read()[scope];
    if (known === true) return;
    if (known === false) throw refuse("auth deny", REFUSED.system);
    const allowed = await ask({
      testid: "permission-sheet", title: "", text: `${this.phone.name} 申请${SCOPES[scope] ?? scope}`, confirm: "允许", cancel: "拒绝", confirmId: "permission-allow", cancelId: "permission-refuse",
    });
    this.write({ [scope]: allowed });
    if (!allowed) throw refuse("auth deny", REFUSED.system);
  }

  describe() {
    const known = this.read();
    return Object.fromEntries(Object.keys(SCOPES).filter((scope) => scope in known).map((scope) => [scope, known[scope]]));
  }

  /** WeChat's own page of permissions. */
  async openSetting() {
    await openSheet({
      testid: "setting-sheet", label: "设置", dismissed: null,
      make: (close) => [
        h("h2", {}, "设置"),
        ...Object.entries(SCOPES).map(([scope, words]) => {
          const field = h("input", { type: "checkbox", role: "switch", checked: this.read()[scope] === true, testid: `setting-${scope.slice(6)}`, onchange: () => this.write({ [scope]: field.checked }) });
          return h("label", { class: "setting" }, h("span", {}, words), field);
        }),
        hostButton("完成", "setting-done", () => close(null), "strong"),
      ],
    });
    return { errMsg: "openSetting:ok", authSetting: this.describe() };
  }
}

function refuse(reason, errno) {
  return Object.assign(new Error(reason), { errno });
}
