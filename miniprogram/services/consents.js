/** 同意与权利: consents one by one, a copy, correction and deletion. */

const { ApiError } = require('./errors');
const { showAnswered } = require('./format');

/** @typedef {import('../types/model').Consent} Consent */
/** @typedef {import('../types/model').DataRequest} DataRequest */

const REQUESTS = /** @type {Record<string, { title: string, content: string }>} */ ({
  deletion: {
    title: '申请删除',
    content: '学校收到后答复，同意后删除照片和身份信息。学历注册还没有完成的，毕业证书可能无法办理；法律要求保存的付款记录除外。要退款的，请先在“缴费与退款”里申请。',
  },
  correction: { title: '申请更正', content: '请写下哪里有错、应该是什么。学校核对后会改。' },
});
/** What withdrawing means, before it is done: as many taps as giving, and one question for the photo. */
const PHOTO_WITHDRAWN = '没有采集的照片会立即删除，不能再上传；已经采集的停止使用，并转给学校答复是否删除。已付的费用可以在“缴费与退款”里申请退款。';

/**
 * Null where this server does not have it: the page says whom to ask.
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T | null>}
 */
async function whereOffered(work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ApiError && error.status === 404 && error.code === 'nothing_bound') throw error;
    if (error instanceof ApiError && (error.status === 404 || error.status === 405)) return null;
    throw error;
  }
}

/**
 * The consents of an answer, each with its key; whose they are where there are several enrolments.
 * @param {any} answer
 * @returns {Consent[]}
 */
function presentConsents(answer) {
  const enrolments = (answer && answer.enrolments) || [];
  const names = new Map(enrolments.map((/** @type {any} */ each) => [each.enrolment_id, `${each.student_no} ${each.name}`]));
  return ((answer && answer.items) || []).map((/** @type {any} */ item) => ({
    key: `${item.enrolment_id}:${item.kind}`,
    enrolmentId: item.enrolment_id,
    kind: item.kind,
    title: item.title,
    text: item.text || '',
    is_given: item.given === true,
    owner: names.size > 1 ? names.get(item.enrolment_id) || '' : '',
  }));
}

/**
 * What a page may still ask one enrolment for: never what was taken back within two days.
 * @param {any} answer of /consents
 * @param {string} enrolmentId
 * @returns {string} titles in one line, or nothing
 */
function listAsks(answer, enrolmentId) {
  return ((answer && answer.items) || [])
    .filter((/** @type {any} */ item) => item.enrolment_id === enrolmentId && item.may_ask && item.kind !== 'photo')
    .map((/** @type {any} */ item) => item.title)
    .join('、');
}

/**
 * Whose data it is that can be asked about: one a person.
 * @param {any} answer of /consents
 * @returns {{ id: string, name: string, byGuardian: boolean }[]}
 */
function presentOwners(answer) {
  return ((answer && answer.enrolments) || []).map((/** @type {any} */ each) => ({
    id: each.enrolment_id, name: `${each.student_no} ${each.name}`, byGuardian: each.by_guardian === true,
  }));
}

/**
 * Requests in words: what, where it stands, until when, and the answer.
 * @param {any} answer
 * @returns {DataRequest[]}
 */
function presentRequests(answer) {
  return ((answer && answer.items) || []).map((/** @type {any} */ item) => ({
    id: item.id,
    title: `${item.label}：${item.state_label}`,
    text: item.text || '',
    answer: item.answer || '',
    when: showAnswered(item),
  }));
}

module.exports = { REQUESTS, PHOTO_WITHDRAWN, whereOffered, listAsks, presentConsents, presentOwners, presentRequests };
