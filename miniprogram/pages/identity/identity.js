/** 核对身份: name and number against the college's roster, with consent. Nothing typed is kept on the phone. */

const client = require('../../services/client');
const codes = require('../../services/codes');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { ApiError } = require('../../services/errors');
const phone = require('../../services/wx');

/** As the server names them. */
const RELATIONS = ['父亲', '母亲', '其他监护人'];

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    code: '',
    shown: /** @type {ReturnType<typeof codes.present> | null} */ (null),
    name: '',
    number: '',
    hasConsent: false,
    isWhole: false,
    /** Under 14: the server asked for a guardian. */
    needsGuardian: false,
    guardianName: '',
    relation: '',
    relations: RELATIONS,
  },

  onLoad(options) {
    this.setData({ code: options.code || '' });
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  onRetry() {
    return guard.load(this, async () => {
      return { shown: codes.present(await draft.openCode(this.data.code, client), Date.now()) };
    });
  },

  onName(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    this.setData({ name: event.detail.value, error: null });
  },

  onNumber(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    this.setData({ number: event.detail.value, error: null });
  },

  onGuardian(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    this.setData({ guardianName: event.detail.value, error: null });
  },

  onRelation(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    this.setData({ relation: event.detail.value, error: null });
  },

  onConsent(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    this.setData({ hasConsent: event.detail.value.length > 0, error: null });
  },

  onMore() {
    this.setData({ isWhole: !this.data.isWhole });
  },

  onBind() {
    return guard.run(this, 'bind', async () => {
      this.requireFilled();
      const { shown, name, number, code } = this.data;
      const enrolment = await this.sendIdentity({
        feature_code: code,
        name: name.trim(),
        id_number: number.trim(),
        consent_version: shown ? shown.consent.version : '',
      });
      // Who came from a photo that waits for the new consent goes back to it.
      if (phone.isBelow('pages/preview/preview')) phone.back();
      else phone.replace(`/pages/status/status?id=${enrolment.id}`);
    });
  },

  /** @param {Record<string, unknown>} identity */
  async sendIdentity(identity) {
    const { needsGuardian, guardianName, relation } = this.data;
    const guardian = needsGuardian ? { guardian: { name: guardianName.trim(), relation } } : {};
    try {
      return await client.call('POST', '/enrolments', { ...identity, ...guardian });
    } catch (error) {
      if (error instanceof ApiError && error.code === 'guardian_needed') this.setData({ needsGuardian: true, hasConsent: false });
      throw error;
    }
  },

  requireFilled() {
    const { name, number, hasConsent, needsGuardian, guardianName, relation } = this.data;
    /** @type {[boolean, string][]} */
    const missing = [
      [!name.trim(), '请填写姓名'],
      [!number.trim(), '请填写身份证号'],
      [needsGuardian && !guardianName.trim(), '请填写监护人姓名'],
      [needsGuardian && !relation, '请选择监护人与学生的关系'],
      [!hasConsent, '请先阅读告知书，再勾选同意'],
    ];
    const first = missing.find(([isMissing]) => isMissing);
    if (first) throw new ApiError({ status: 0, code: 'incomplete', message: first[1] });
  },

  /** The text changed while it was being read: show the new one, and ask again. */
  onAct(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    if (event.detail.action !== 'consent') {
      phone.go('/pages/help/help');
      return;
    }
    this.setData({ hasConsent: false, isWhole: true });
    draft.take('code');
    this.onRetry();
  },
});
