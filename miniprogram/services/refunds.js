/** A paid order in words: what was paid, and how asking for it back stands. */

const { showAnswered, showTime, showYuan } = require('./format');

/** @typedef {import('../types/model').Refund} Refund */

const QUESTION = { title: '申请退款', content: '请写下原因，不超过 200 个字。学校在 7 个工作日内答复。' };
/** A refund that finance agreed to or made: money comes back by the way it went. */
const COMES_BACK = new Set(['refunding', 'refunded', 'partly_refunded']);

/** What became of it, in the colours of every other state. */
const TONES = /** @type {Record<string, string>} */ ({
  requested: 'amber',
  refused: 'red',
  accepted: 'blue',
  refunding: 'blue',
  refunded: 'green',
  partly_refunded: 'green',
});

/** @param {Refund} refund */
function presentRefund(refund) {
  const { request } = refund;
  return {
    number: refund.out_trade_no,
    institution: refund.institution,
    amount: showYuan(refund.amount_fen),
    hasReceipt: refund.has_receipt,
    facts: [
      { key: 'paid-at', label: '支付时间', text: showTime(refund.paid_at) || '还没有支付' },
      { key: 'order-number', label: '商户订单号', text: refund.out_trade_no },
      { key: 'transaction', label: '微信支付单号', text: refund.transaction_id },
    ].filter(({ text }) => text),
    state: request ? request.state : '',
    label: refund.label,
    reason: request ? request.reason : '',
    answer: request ? request.answer : '',
    when: request ? showAnswered(request) : '',
    tone: TONES[refund.order_state] || (request && TONES[request.state]) || 'grey',
    canRequest: refund.can_request,
    words: explain(refund),
  };
}

/** @param {Refund} refund */
function explain(refund) {
  if (refund.order_state === 'refunded') return '款项已退回付款的微信账户。要继续采集，请重新缴费。';
  if (COMES_BACK.has(refund.order_state)) return '款项会退回付款的微信账户，到账后微信会通知你。';
  const may = refund.request ? '可以再次申请' : '可以申请';
  if (refund.can_request) return `照片采集（锁定）以前${may}。学校同意后退回付款的微信账户，照片不再提交审核。`;
  return `${refund.why_not}。`;
}

module.exports = { presentRefund, QUESTION };
