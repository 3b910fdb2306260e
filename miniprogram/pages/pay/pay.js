/** 缴费: what it costs and until when, and one button. Who owes nothing never sees it. */

const config = require('../../config');
const client = require('../../services/client');
const draft = require('../../services/draft');
const guard = require('../../services/guard');
const { showBatch, showTime, showYuan } = require('../../services/format');
const { askInPassing } = require('../../services/messages');
const { payFee, WORDS } = require('../../services/payment');
const phone = require('../../services/wx');

/** Outcomes that leave the student here, to pay or not. */
const STAYS = new Set(['cancelled', 'closed']);

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    id: '',
    isWaiting: false,
    shown: /** @type {any} */ (null),
  },

  onLoad(options) {
    this.setData({ id: options.id || '' });
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  onRetry() {
    return guard.load(this, async () => {
      const enrolment = await client.call('GET', `/enrolments/${this.data.id}`);
      if (enrolment.next_step !== 'pay' || enrolment.fee_fen === 0) {
        this.leave();
        return null;
      }
      return {
        shown: {
          institution: enrolment.institution,
          who: `${enrolment.name} ${enrolment.student_no}`,
          fee: showYuan(enrolment.fee_fen),
          batch: showBatch(enrolment.target_batch),
          cutoff: showTime(enrolment.target_cutoff_at),
          isFirst: !enrolment.photo,
        },
      };
    });
  },

  onPay() {
    return guard.run(this, 'pay', async () => {
      try {
        const outcome = await payFee(this.data.id, {
          call: client.call,
          pay: async (payment) => {
            await phone.pay(payment);
            this.askInPassing();
          },
          isLeft: () => guard.isLeft(this),
          onWait: () => guard.set(this, { isWaiting: true }),
        });
        phone.toast(WORDS[outcome]);
        if (STAYS.has(outcome)) return;
        if (outcome === 'late') draft.put(`late ${this.data.id}`, true);
        this.leave();
      } finally {
        guard.set(this, { isWaiting: false });
      }
    });
  },

  /** WeChat lets a payment be followed by the question, like a tap. */
  askInPassing() {
    const { id } = this.data;
    askInPassing('wait_review', `paid ${id}`, config.templates, {
      askMessages: phone.askMessages,
      tellServer: (templates) => client.call('POST', `/enrolments/${id}/messages`, { templates }),
      read: phone.read,
      write: phone.write,
      nowMs: Date.now(),
    });
  },

  onLater() {
    this.leave();
  },

  leave() {
    if (!guard.isLeft(this)) phone.goOrReturn('pages/status/status', `id=${this.data.id}`);
  },

  onAct() {
    phone.go(`/pages/help/help?id=${this.data.id}`);
  },
});
