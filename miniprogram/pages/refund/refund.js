/** 缴费与退款: what was paid, the receipt of it, and asking for it back. */

const client = require('../../services/client');
const guard = require('../../services/guard');
const { presentRefund, QUESTION } = require('../../services/refunds');
const phone = require('../../services/wx');

/** @typedef {ReturnType<typeof presentRefund>} Shown */

Page({
  data: {
    ...guard.start(),
    rootFont: phone.readRootFont(),
    state: 'loading',
    id: '',
    /** null: nothing was ordered */
    shown: /** @type {Shown | null} */ (null),
    /** where the receipt lies until it is sent on */
    receiptPath: '',
  },

  onLoad(options) {
    this.setData({ id: options.id || '' });
  },

  onShow() {
    this.onRetry();
  },

  onUnload() {
    guard.leave(this);
  },

  onRetry() {
    return guard.load(this, async () => {
      const { order } = await client.call('GET', `/enrolments/${this.data.id}`);
      return { shown: order ? presentRefund(await client.call('GET', `/orders/${order.out_trade_no}/refund`)) : null };
    });
  },

  onRequest() {
    return guard.run(this, 'refund', async () => {
      const { shown } = this.data;
      if (!shown) return;
      const reason = await phone.ask({ ...QUESTION, isText: true });
      if (reason === null) return;
      const answer = await client.call('POST', `/orders/${shown.number}/refund`, { reason });
      guard.set(this, { shown: presentRefund(answer) });
      phone.toast('已收到，学校会答复');
    });
  },

  onReceipt() {
    return guard.run(this, 'receipt', async () => {
      const { shown } = this.data;
      if (shown) guard.set(this, { receiptPath: await client.download(`/orders/${shown.number}/receipt.pdf`) });
    });
  },

  /** A tap of its own: WeChat sends no file that a tap did not just ask for. */
  onSendReceipt() {
    return guard.run(this, 'send', async () => {
      const { receiptPath, shown } = this.data;
      if (shown && await phone.shareFile(receiptPath, `收据-${shown.number}.pdf`)) phone.toast('已发送');
    });
  },

  onBack() {
    phone.goOrReturn('pages/status/status', `id=${this.data.id}`);
  },

  onAct() {
    phone.go(`/pages/help/help?id=${this.data.id}`);
  },
});
