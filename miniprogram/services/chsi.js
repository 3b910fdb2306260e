/** 图像采集码 and what 学信网 says, in the words of the pages. The code itself never comes here. */

const { showDate, showTime } = require('./format');

/** @typedef {import('../types/model').Enrolment} Enrolment */

const RESULTS = /** @type {Record<string, string>} */ ({ reported: '已上报学信网', visible: '学信网可见', wrong: '学信网校对有误' });
const SOURCES = /** @type {Record<string, string>} */ ({ scan: '扫码', picture: '上传图片' });

/**
 * Where an enrolment stands with its code. An older server says nothing of it.
 * @param {Enrolment} enrolment
 */
function present(enrolment) {
  const { chsi } = enrolment;
  const policy = chsi ? chsi.policy : 'off';
  const state = chsi ? chsi.state : 'off';
  const at = chsi && chsi.at ? showTime(chsi.at) : '';
  return {
    policy,
    state,
    isThere: state === 'present',
    label: state === 'present' ? '已提供图像采集码' : '',
    words: [at, chsi ? SOURCES[chsi.source] : '', '加密保存，只用于采集'].filter(Boolean).join(' · '),
    canRemove: Boolean(chsi && chsi.can_remove),
  };
}

/** The line of facts; nothing where the school does not ask. @param {Enrolment} enrolment */
function showFact({ chsi }) {
  if (!chsi || chsi.state === 'off') return '';
  return chsi.policy === 'wanted' && chsi.state === 'missing' ? '未提供，学校希望你提供' : chsi.label;
}

/** A photo must be of the last year before graduation. @param {Enrolment} enrolment */
function explainAge({ chsi, status }) {
  if (!chsi) return '';
  if (chsi.needs_new_photo) {
    return status.value === 'collected'
      ? '照片早于毕业前一年，学信网不再接受。请联系学校解除锁定，再拍一张。'
      : '照片早于毕业前一年，学信网不再接受，请重新拍一张，不用再付费。';
  }
  return chsi.new_photo_from
    ? `${showDate(chsi.new_photo_from)} 之前拍的照片，到毕业时需要重新拍。`
    : '';
}

/** What 学信网 or the collecting unit said last. @param {Enrolment} enrolment */
function findResult({ chsi }) {
  const [last] = (chsi && chsi.results) || [];
  return last ? { value: last.value, label: RESULTS[last.value] || last.label, date: showDate(last.day) } : null;
}

module.exports = { present, showFact, explainAge, findResult };
