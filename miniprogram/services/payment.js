/** 缴费: the order, WeChat's sheet, and waiting until the server knows of the money. */

const { ApiError } = require('./errors');
const { askUntil } = require('./polling');

/** @typedef {import('../types/model').OpenOrder} OpenOrder */
/** @typedef {import('../types/model').OrderState} OrderState */
/** @typedef {'paid' | 'cancelled' | 'late' | 'closed' | 'held' | 'refunded'} Outcome */

const ASK_MS = 1500;
const ASK_FOR_MS = 45000;
/** States of an order that decide; `open` alone is still on its way. */
const OUTCOMES = /** @type {Record<string, Outcome>} */ ({
  paid: 'paid',
  closed: 'closed',
  quarantined: 'held',
  refunding: 'refunded',
  refunded: 'refunded',
  partly_refunded: 'paid',
});
/** Refusals to open an order that are outcomes: another phone or an earlier try was faster. */
const REFUSALS = /** @type {Record<string, Outcome>} */ ({ already_paid: 'paid', payment_under_review: 'held' });

/**
 * Pay the fee of an enrolment. The word of the phone decides nothing: only the server's order state does.
 * @param {string} enrolmentId
 * @param {{ call: (method: any, path: string, data?: unknown) => Promise<any>,
 *   pay: (payment: OpenOrder['payment']) => Promise<unknown>, isLeft?: () => boolean,
 *   onWait?: () => void, pause?: (ms: number) => Promise<void>, now?: () => number }} sides
 * @returns {Promise<Outcome>}
 */
async function payFee(enrolmentId, sides) {
  /** @type {OpenOrder} */
  let order;
  try {
    order = await sides.call('POST', `/enrolments/${enrolmentId}/order`);
  } catch (error) {
    const outcome = error instanceof ApiError ? REFUSALS[error.code] : undefined;
    if (outcome) return outcome;
    throw error;
  }
  try {
    await sides.pay(order.payment);
  } catch (error) {
    if (isCancelled(error)) return 'cancelled';
    return afterFailure(order, sides, error);
  }
  if (sides.onWait) sides.onWait();
  return waitForMoney(order, sides);
}

/**
 * WeChat refused. The server asks WeChat about the order, so that the next tap has one that works.
 * @param {OpenOrder} order @param {Parameters<typeof payFee>[1]} sides @param {unknown} error
 * @returns {Promise<Outcome>}
 */
async function afterFailure(order, sides, error) {
  const state = await sides.call('GET', `/orders/${order.out_trade_no}`);
  const outcome = OUTCOMES[state.state];
  if (outcome) return outcome;
  throw new ApiError({ status: 0, code: 'payment_failed', message: '支付没有成功，没有扣款，请再试一次', body: error });
}

/**
 * @param {OpenOrder} order @param {Parameters<typeof payFee>[1]} sides
 * @returns {Promise<Outcome>}
 */
async function waitForMoney(order, sides) {
  const answer = await askUntil(
    () => /** @type {Promise<OrderState>} */ (sides.call('GET', `/orders/${order.out_trade_no}`)),
    {
      isDone: ({ state }) => state !== 'open',
      everyMs: ASK_MS,
      forMs: ASK_FOR_MS,
      isLeft: sides.isLeft,
      pause: sides.pause,
      now: sides.now,
    },
  );
  return (answer && OUTCOMES[answer.state]) || 'late';
}

/** @param {any} error */
function isCancelled(error) {
  return /cancel/i.test(String((error && error.errMsg) || ''));
}

/** What the page says after each outcome. */
const WORDS = /** @type {Record<Outcome, string>} */ ({
  paid: '支付成功',
  cancelled: '已取消，没有扣款，可以稍后再付',
  late: '支付结果还在确认，会自动更新，不用再付',
  closed: '订单已关闭，没有扣款，请重新支付',
  held: '已收到付款，财务正在核对，不用再付',
  refunded: '这笔付款已退回，请查看采集情况',
});

module.exports = { payFee, WORDS };
