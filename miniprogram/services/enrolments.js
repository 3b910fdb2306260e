/** An enrolment in the words and the order of the pages that show it. */

const { explainAge, findResult, showFact } = require('./chsi');
const { showBatch, showDaysLeft, showTime, showYuan } = require('./format');
const { HINTS, explain, listSteps, showTitle } = require('./steps');

/** @typedef {import('../types/model').Enrolment} Enrolment */

/** One colour a status, everywhere: grey, blue, red, green. */
const TONES = /** @type {Record<string, string>} */ ({
  not_uploaded: 'grey', uploaded: 'blue', reuploaded: 'blue', reupload_required: 'red', collected: 'green',
});
const ORDERS = /** @type {Record<string, string>} */ ({
  open: '待支付',
  paid: '已支付',
  closed: '已关闭',
  refunding: '退款中',
  refunded: '已退款',
  partly_refunded: '已部分退款',
  quarantined: '已收款，核对中',
});
/** Where a photo stands, as far as it can still be taken back. */
const WITHDRAWABLE = new Set(['received', 'checked']);
const REPLACEABLE = new Set(['pay', 'wait_review', 'chsi_code', 'wait_money']);
const NEVER_WITHDRAWN = new Set(['done', 'recapture', 'capture']);

/** A card of the first page. @param {Enrolment} enrolment @param {number} nowMs */
function presentCard(enrolment, nowMs) {
  return {
    id: enrolment.id,
    who: `${enrolment.name} ${enrolment.student_no}`,
    studentNo: enrolment.student_no,
    institution: enrolment.institution,
    programme: [enrolment.level, enrolment.major].filter(Boolean).join(' · '),
    status: enrolment.status.label,
    value: enrolment.status.value,
    tone: toneOf(enrolment),
    hint: HINTS[enrolment.next_step] || '',
    until: needsHaste(enrolment) ? showDaysLeft(enrolment.target_cutoff_at, nowMs) : '',
  };
}

/** Held money is amber, whatever else. @param {Enrolment} enrolment */
function toneOf(enrolment) {
  return enrolment.next_step === 'wait_money' ? 'amber' : TONES[enrolment.status.value] || 'grey';
}

/** @param {Enrolment} enrolment */
function needsHaste({ next_step: step, eligible }) {
  return eligible && ['capture', 'recapture', 'pay', 'chsi_code'].includes(step);
}

/**
 * The page of one enrolment.
 * @param {Enrolment} enrolment
 * @param {number} nowMs
 * @param {string} fallbackContact who helps where no centre is named
 */
function present(enrolment, nowMs, fallbackContact) {
  const contact = showContact(enrolment, fallbackContact);
  return {
    ...presentCard(enrolment, nowMs),
    step: enrolment.next_step,
    title: showTitle(enrolment),
    text: explain(enrolment, contact),
    action: chooseAction(enrolment),
    steps: listSteps(enrolment),
    review: presentReview(enrolment),
    photo: enrolment.photo,
    facts: listFacts(enrolment),
    history: [...enrolment.history].reverse().map(({ at, status }, place) => ({
      key: `${place} ${at}`, value: status.value, label: status.label, time: showTime(at),
    })),
    canReplace: REPLACEABLE.has(enrolment.next_step) && Boolean(enrolment.photo) && canChange(enrolment),
    canWithdraw: canWithdraw(enrolment) && canChange(enrolment),
    contact,
    hasChsi: Boolean(enrolment.chsi && enrolment.chsi.state !== 'off'),
    hasOrder: enrolment.order !== null,
    result: findResult(enrolment),
    others: (enrolment.others || []).map((other) => ({
      id: other.id,
      who: other.student_no,
      programme: [other.level, other.major].filter(Boolean).join(' · '),
      status: other.status.label,
      value: other.status.value,
      tone: TONES[other.status.value] || 'grey',
    })),
  };
}

/**
 * The one thing to do now: a button with its words and test id; null where there is only waiting.
 * @param {Enrolment} enrolment
 */
function chooseAction(enrolment) {
  switch (enrolment.next_step) {
    case 'capture':
      return enrolment.eligible ? { name: 'capture', label: '去拍照', testid: 'capture-button' } : null;
    case 'recapture':
      return { name: 'capture', label: '重新拍摄', testid: 'recapture-button' };
    case 'pay':
      return enrolment.fee_fen > 0
        ? { name: 'pay', label: `去支付 ${showYuan(enrolment.fee_fen)}`, testid: 'to-pay-button' }
        : null;
    case 'chsi_code':
      return { name: 'chsi', label: '添加图像采集码', testid: 'chsi-button' };
    case 'wait_check':
    case 'wait_review':
    case 'wait_money':
      return { name: 'messages', label: '有结果时微信通知', testid: 'messages-button' };
    default:
      return null;
  }
}

/** @param {Enrolment} enrolment */
function canWithdraw({ next_step: step, photo }) {
  return !NEVER_WITHDRAWN.has(step) && photo !== null && WITHDRAWABLE.has(photo.state);
}

/** Why a reviewer sent the photo back. @param {Enrolment} enrolment */
function presentReview({ status, last_review: review }) {
  if (status.value !== 'reupload_required' || !review) return null;
  return {
    reasons: review.reasons.map((code, place) => ({ code, text: review.reason_texts[place] || code })),
    note: review.note,
    time: showTime(review.at),
  };
}

/** @param {Enrolment} enrolment */
function listFacts(enrolment) {
  const isOpen = enrolment.next_step !== 'done';
  return [
    { key: 'batch', label: '照片扫描批次', text: enrolment.batch },
    isOpen && enrolment.target_batch && { key: 'target-batch', label: '预计批次', text: showBatch(enrolment.target_batch) },
    isOpen && enrolment.target_cutoff_at && { key: 'target-cutoff', label: '批次截止', text: showTime(enrolment.target_cutoff_at) },
    { key: 'fee-state', label: '采集费', text: showFee(enrolment), value: String(enrolment.fee_settled) },
    enrolment.order && { key: 'order-state', label: '订单', text: ORDERS[enrolment.order.state] || '处理中', value: enrolment.order.state },
    { key: 'chsi', label: '图像采集码', text: showFact(enrolment), value: enrolment.chsi ? enrolment.chsi.state : '' },
    { key: 'photo-age', label: '照片时间', text: enrolment.next_step === 'recapture' ? '' : explainAge(enrolment) },
    { key: 'id-number', label: '证件号码', text: enrolment.id_number },
    { key: 'programme', label: '层次和专业', text: [enrolment.level, enrolment.major].filter(Boolean).join(' · ') },
    { key: 'register-status', label: '学籍状态', text: enrolment.register_status },
    { key: 'centre', label: '学习中心', text: [enrolment.centre.name, enrolment.centre.contact].filter(Boolean).join(' ') },
  ].filter((fact) => Boolean(fact && fact.text));
}

/** What a reviewer has opened stays as it is. @param {Enrolment} enrolment */
function canChange({ photo }) {
  return !photo || photo.can_change !== false;
}

/** @param {Enrolment} enrolment */
function showFee({ fee_fen: fee, fee_settled: isSettled }) {
  if (!fee) return '免费';
  return `${showYuan(fee)}${isSettled ? '，已缴清' : ''}`;
}

/** A sentence without its full stop. @param {Enrolment} enrolment @param {string} fallback */
function showContact({ centre, contact }, fallback) {
  if (!centre.name) return contact && contact.phone ? contact.text : fallback;
  return `请联系${centre.name}${centre.contact ? `（${centre.contact}）` : ''}`;
}

/**
 * What taking a photo back or replacing it means for fee and batch.
 * @param {Enrolment} enrolment
 * @param {number} nowMs
 */
function explainWithdrawal(enrolment, nowMs) {
  const parts = ['撤回后这张照片不再提交审核，需要重新拍摄。'];
  if (enrolment.fee_settled && enrolment.fee_fen) parts.push('已交的费用保留，不用再付；不办了可以在“缴费与退款”里申请退款。');
  const batch = showBatch(enrolment.target_batch);
  if (batch && enrolment.target_cutoff_at) {
    const isOver = new Date(enrolment.target_cutoff_at).getTime() < nowMs;
    parts.push(isOver
      ? `${batch}已经截止，重新提交后会计入下一批。`
      : `${showTime(enrolment.target_cutoff_at)} 前重新提交，仍计入${batch}。`);
  }
  return parts.join('');
}

/**
 * The question of 409 `would_lose_batch`: both batches in words, as far as the server names them.
 * @param {any} body of the refusal
 */
function explainLostBatch(body) {
  const facts = (body && body.data) || {};
  const present = showBatch(labelOf(facts.batch));
  const next = showBatch(labelOf(facts.next_batch));
  const lost = present ? `${present}已经截止。` : '这个批次已经截止。';
  return `${lost}现在更换或撤回照片，会改到${next || '下一批次'}，晚大约半年。确定吗？`;
}

/** A batch is its name, or an object that has one. @param {any} batch @returns {string} */
function labelOf(batch) {
  return batch && typeof batch === 'object' ? String(batch.label || '') : String(batch || '');
}

module.exports = { presentCard, present, explainWithdrawal, explainLostBatch };
