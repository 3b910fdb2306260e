/** What is kept and for how long, consents, a copy, correction, deletion, and signing out. */

const config = require('../../config');
const client = require('../../services/client');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const {
  REQUESTS, PHOTO_WITHDRAWN, whereOffered, presentConsents, presentOwners, presentRequests,
} = require('../../services/consents');
const phone = require('../../services/wx');

const KEPT = [
  { what: '照片', why: '交给学信网注册学历、印在毕业证书上。没有采用的照片在批次结束后删除。' },
  { what: '姓名、证件号码', why: '核对是不是本人。加密保存，页面上只显示一部分。' },
  { what: '付款记录', why: '退款和对账用，按会计法规保存。' },
  { what: '微信标识', why: '认出是同一个微信，不读取微信昵称、头像和手机号。' },
];

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    isSignedIn: false,
    /** null: this server does not have it */
    consents: /** @type {import('../../types/model').Consent[] | null} */ (null),
    requests: /** @type {import('../../types/model').DataRequest[]} */ ([]),
    owners: /** @type {ReturnType<typeof presentOwners>} */ ([]),
    kept: KEPT,
    /** where the copy of one's data lies until it is sent on */
    copyPath: '',
    contact: config.contact,
  },

  onLoad() {
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  onRetry() {
    return guard.load(this, async () => {
      const isSignedIn = client.isSignedIn();
      return { isSignedIn, consents: null, ...(isSignedIn ? await this.fetch() : {}) };
    });
  },

  async fetch() {
    const answer = await whereOffered(() => client.call('GET', '/consents'));
    const asked = await whereOffered(() => client.call('GET', '/me/requests'));
    return {
      consents: answer === null ? null : presentConsents(answer),
      owners: presentOwners(answer),
      requests: presentRequests(asked),
    };
  },

  onContract() {
    phone.openPrivacyContract(() => phone.toast('暂时打不开，请在微信“关于小程序”里查看'));
  },

  onConsent(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    const { key } = event.currentTarget.dataset;
    const isGiven = event.detail.value;
    return guard.run(this, 'consent', async () => {
      const found = (this.data.consents || []).find((each) => each.key === key);
      if (!found) return;
      const question = { title: '撤回同意', content: PHOTO_WITHDRAWN, confirmText: '撤回' };
      if (!isGiven && found.kind === 'photo' && !await phone.confirm(question)) return;
      await client.call('PUT', '/consents', { kind: found.kind, given: isGiven, enrolment_id: found.enrolmentId });
      phone.toast(isGiven ? '已同意' : '已撤回');
    }).then(() => this.onRefresh());
  },

  /** Show the switches as the server has them, whatever happened; an error stays in view. */
  async onRefresh() {
    const { error } = this.data;
    const fetched = await this.fetch().catch(() => undefined);
    if (fetched) guard.set(this, { ...fetched, error });
  },

  onCopy() {
    return guard.run(this, 'copy', async () => {
      guard.set(this, { copyPath: await client.download('/me/copy') });
    });
  },

  /** A tap of its own: WeChat sends no file that a tap did not just ask for. */
  onSendCopy() {
    return guard.run(this, 'send', async () => {
      if (await phone.shareFile(this.data.copyPath, '我的个人信息副本.zip')) phone.toast('已发送');
    });
  },

  onRequest(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    const { kind, id } = event.currentTarget.dataset;
    return guard.run(this, String(kind), async () => {
      const { title, content } = REQUESTS[String(kind)];
      const text = await phone.ask({ title, content, isText: kind === 'correction' });
      if (text === null) return;
      await client.call('POST', '/me/requests', { kind, text, enrolment_id: id });
      phone.toast('已收到，学校会答复');
    }).then(() => this.onRefresh());
  },

  async onSignOut() {
    const question = { title: '退出登录', content: '照片和缴费都会保留。别人也用这部手机时，请同时退出微信。', confirmText: '退出' };
    if (!await phone.confirm(question)) return;
    client.signOut();
    draft.clear();
    phone.toast('已退出登录');
    phone.goHome();
  },

  onHelp() {
    phone.go('/pages/help/help');
  },
});
