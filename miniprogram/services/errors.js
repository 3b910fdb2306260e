/** What can go wrong between a page and the server, and how a page says it. */

/** @typedef {import('../types/model').Shown} Shown */

/** A refusal of the server, or none at all (`status` 0). `retryAfterS` where the server said when. */
class ApiError extends Error {
  /**
   * @param {{ status: number, code: string, message: string, requestId?: string,
   *   retryAfterS?: number, body?: unknown }} facts
   */
  constructor(facts) {
    super(facts.message);
    this.name = 'ApiError';
    this.status = facts.status;
    this.code = facts.code;
    this.requestId = facts.requestId || '';
    this.retryAfterS = facts.retryAfterS || 0;
    this.body = facts.body;
  }
}

const OFFLINE = { status: 0, code: 'offline', message: '没有网络，请检查后重试' };
const SLOW = { status: 0, code: 'timeout', message: '网络太慢，没有等到回应，请重试' };

/** What a page may offer beside the words: an action and its label. */
const ACTIONS = /** @type {Record<string, [string, string]>} */ ({
  consent_outdated: ['consent', '阅读新的告知书并同意'],
  enrolment_taken: ['help', '联系学校'],
  not_registered: ['help', '联系学校'],
  not_eligible: ['help', '联系学校'],
  feature_code_closed: ['help', '联系学校'],
  payment_required: ['pay', '去缴费'],
  camera_refused: ['settings', '打开设置'],
});
const HINTS = /** @type {Record<string, string>} */ ({
  offline: '填写的内容和照片都还在。',
  timeout: '填写的内容和照片都还在。',
  photo_too_large: '请用本页的相机重新拍摄。',
});
const UNEXPECTED = '出了点问题，请重试；一直不行请联系学校';

/**
 * Tell whether asking again later may help.
 * @param {unknown} error
 */
function isTemporary(error) {
  if (!(error instanceof ApiError)) return false;
  return error.status === 0 || error.status === 429 || error.status >= 500;
}

/**
 * The words for a page. Errors that are not ours say nothing of their insides.
 * @param {unknown} error
 * @returns {Shown}
 */
function describe(error) {
  if (!(error instanceof ApiError)) {
    return { code: 'unexpected', text: UNEXPECTED, hint: '', requestId: '', action: '', actionLabel: '' };
  }
  const [action, actionLabel] = ACTIONS[error.code] || ['', ''];
  return {
    code: error.code,
    text: error.message,
    hint: HINTS[error.code] || '',
    requestId: error.status >= 500 ? error.requestId : '',
    action,
    actionLabel,
  };
}

module.exports = { ApiError, OFFLINE, SLOW, isTemporary, describe };
