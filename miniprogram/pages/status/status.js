/** 采集情况 of one enrolment: where it stands, the one thing to do, and until when. */

const config = require('../../config');
const client = require('../../services/client');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { listAsks } = require('../../services/consents');
const enrolments = require('../../services/enrolments');
const { listOffers, askForMessages, askInPassing, WORDS } = require('../../services/messages');
const { askBeforeBatchIsLost, waitForVerdict } = require('../../services/photos');
const { askUntil } = require('../../services/polling');
const phone = require('../../services/wx');

const MONEY_MS = 3000;
const MONEY_FOR_MS = 60000;
const ASKED_AT = new Set(['wait_review', 'done']);

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    id: '',
    shown: /** @type {ReturnType<typeof enrolments.present> | null} */ (null),
    /** uses that need a consent of their own and may be asked for */
    asks: '',
  },

  /** @type {import('../../types/model').Enrolment | null} */
  enrolment: null,
  isWatching: false,

  onLoad(options) {
    this.setData({ id: options.id || '' });
  },

  onShow() {
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  async onPullDownRefresh() {
    await this.onRetry();
    phone.stopPullDown();
  },

  async onRetry() {
    await guard.load(this, async () => this.show(await client.call('GET', `/enrolments/${this.data.id}`)));
    this.watch();
    this.findAsks();
  },

  /** Only once the photo is handed in: until then one thing is asked for at a time. */
  async findAsks() {
    const { enrolment } = this;
    if (!enrolment || !ASKED_AT.has(enrolment.next_step)) return;
    const answer = await client.call('GET', '/consents').catch(() => null);
    if (!guard.isLeft(this)) this.setData({ asks: listAsks(answer, enrolment.id) });
  },

  /** @param {import('../../types/model').Enrolment} enrolment */
  show(enrolment) {
    this.enrolment = enrolment;
    draft.put('enrolment', enrolment);
    return { shown: enrolments.present(enrolment, Date.now(), config.contact) };
  },

  /** While a photo is being checked or money is on its way, the page follows by itself. */
  async watch() {
    const { enrolment } = this;
    if (this.isWatching || !enrolment) return;
    const isLeft = () => guard.isLeft(this);
    const isChecking = enrolment.next_step === 'wait_check' && enrolment.photo;
    if (!isChecking && !draft.take(`late ${enrolment.id}`)) return;
    this.isWatching = true;
    try {
      if (isChecking && enrolment.photo) {
        await waitForVerdict(client.call, `/photos/${enrolment.photo.id}`, { isLeft });
      } else {
        await askUntil(() => client.call('GET', `/enrolments/${enrolment.id}`), {
          isDone: ({ next_step: step }) => step !== 'pay', everyMs: MONEY_MS, forMs: MONEY_FOR_MS, isLeft,
        });
      }
      if (!isLeft()) guard.set(this, this.show(await client.call('GET', `/enrolments/${enrolment.id}`)));
    } catch (error) {
      guard.fail(this, error);
    } finally {
      this.isWatching = false;
    }
  },

  onAction() {
    const { enrolment } = this;
    const { shown } = this.data;
    if (!enrolment || !shown || !shown.action) return;
    const { name } = shown.action;
    if (name === 'messages') {
      this.askMessages(enrolment);
      return;
    }
    // From the first visit on: who has begun may be told before the cut-off.
    if (name === 'capture') this.askInPassing(enrolment);
    if (name === 'pay') phone.go(`/pages/pay/pay?id=${enrolment.id}`);
    else if (name === 'chsi') phone.go(`/pages/chsi/chsi?id=${enrolment.id}`);
    else this.goCapture(enrolment);
  },

  /** @param {import('../../types/model').Enrolment} enrolment */
  goCapture(enrolment) {
    phone.go(`/pages/guide/guide?id=${enrolment.id}&code=${enrolment.feature_code || ''}`);
  },

  /** @param {import('../../types/model').Enrolment} enrolment */
  askMessages(enrolment) {
    return guard.run(this, 'act', async () => {
      const outcome = await askForMessages(listOffers(enrolment.next_step, config.templates), {
        askMessages: phone.askMessages,
        tellServer: (templates) => client.call('POST', `/enrolments/${enrolment.id}/messages`, { templates }),
      });
      phone.toast(WORDS[outcome]);
    });
  },

  /** @param {import('../../types/model').Enrolment} enrolment */
  askInPassing(enrolment) {
    askInPassing(enrolment.next_step, `${enrolment.next_step} ${enrolment.id}`, config.templates, {
      askMessages: phone.askMessages,
      tellServer: (templates) => client.call('POST', `/enrolments/${enrolment.id}/messages`, { templates }),
      read: phone.read,
      write: phone.write,
      nowMs: Date.now(),
    });
  },

  onChsi() {
    phone.go(`/pages/chsi/chsi?id=${this.data.id}`);
  },

  onPrivacy() {
    phone.go('/pages/privacy/privacy');
  },

  onRefund() {
    phone.go(`/pages/refund/refund?id=${this.data.id}`);
  },

  onVerdict() {
    if (this.enrolment && this.enrolment.photo) {
      phone.go(`/pages/verdict/verdict?id=${this.enrolment.photo.id}&enrolment=${this.enrolment.id}`);
    }
  },

  onReplace() {
    if (this.enrolment) this.goCapture(this.enrolment);
  },

  onWithdraw() {
    return guard.run(this, 'withdraw', async () => {
      const { enrolment } = this;
      if (!enrolment || !enrolment.photo) return;
      const { id } = enrolment.photo;
      const content = enrolments.explainWithdrawal(enrolment, Date.now());
      if (!await phone.confirm({ title: '撤回照片', content, confirmText: '撤回' })) return;
      const answer = await askBeforeBatchIsLost(
        (isConfirmed) => client.call('DELETE', `/photos/${id}`, isConfirmed ? { confirm: true } : undefined),
        (body) => phone.confirm({ title: '会错过这个批次', content: enrolments.explainLostBatch(body), confirmText: '仍要撤回', cancelText: '不撤回' }),
      );
      if (!answer) return;
      guard.set(this, this.show(answer));
      phone.toast('照片已撤回');
    });
  },

  /** The same person's other programme: each has its own photo. */
  onOther(/** @type {WechatMiniprogram.BaseEvent} */ event) {
    phone.replace(`/pages/status/status?id=${event.currentTarget.dataset.id}`);
  },

  onAct() {
    this.onHelp();
  },

  onHome() {
    phone.goHome();
  },

  onHelp() {
    phone.go(`/pages/help/help?id=${this.data.id}`);
  },
});
