/** The first page: the code, typed, scanned or carried by a picture; below, the student's own enrolments. */

const client = require('../../services/client');
const codes = require('../../services/codes');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { ApiError } = require('../../services/errors');
const { presentCard } = require('../../services/enrolments');
const phone = require('../../services/wx');

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    code: '',
    cards: /** @type {ReturnType<typeof presentCard>[]} */ ([]),
    /** unknown (not signed in), empty, ready, failed */
    listState: 'unknown',
  },

  onLoad(options) {
    const code = codes.readOptions(options);
    if (code) this.setData({ code });
  },

  onShow() {
    if (client.isSignedIn()) this.fetchList();
    else this.setData({ cards: [], listState: 'unknown' });
  },

  onUnload() {
    guard.leave(this);
  },

  async onPullDownRefresh() {
    if (client.isSignedIn()) await this.fetchList();
    phone.stopPullDown();
  },

  async fetchList() {
    try {
      const { items } = await client.call('GET', '/enrolments');
      const now = Date.now();
      const cards = items.map((/** @type {any} */ item) => presentCard(item, now));
      guard.set(this, { cards, listState: cards.length ? 'ready' : 'empty' });
    } catch (error) {
      // The code can be entered all the same: the list is no reason to stop anybody.
      if (this.data.listState !== 'ready') guard.set(this, { listState: 'failed' });
    }
  },

  onType(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    this.setData({ code: event.detail.value, error: null });
  },

  onLook() {
    return guard.run(this, 'look', () => this.look(codes.normalise(this.data.code)));
  },

  async look(/** @type {string} */ code) {
    if (!codes.isCode(code)) {
      const message = code ? '特征码是 4 到 8 位字母或数字，请核对学校通知' : '请输入特征码';
      throw new ApiError({ status: 0, code: 'feature_code_malformed', message });
    }
    draft.put('code', await client.call('GET', `/codes/${code}`));
    phone.go(`/pages/college/college?code=${code}`);
  },

  onScan() {
    return guard.run(this, 'scan', async () => {
      const scanned = await phone.scan();
      if (!scanned) return;
      const code = codes.readScan(scanned);
      if (!code) throw new ApiError({ status: 0, code: 'scan_unknown', message: '这不是采集用的二维码，请扫学校通知里的码' });
      this.setData({ code });
      await this.look(code);
    });
  },

  onList() {
    return guard.run(this, 'list', async () => {
      await this.fetchList();
    });
  },

  onOpen(/** @type {WechatMiniprogram.CustomEvent} */ event) {
    phone.go(`/pages/status/status?id=${event.currentTarget.dataset.id}`);
  },

  onAct() {
    this.onHelp();
  },

  onHelp() {
    phone.go('/pages/help/help');
  },

  onPrivacy() {
    phone.go('/pages/privacy/privacy');
  },
});
