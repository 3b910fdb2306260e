/** What each `next_step` of the server means to the student, and the line of steps with dates. */

const { explainAge, findResult } = require('./chsi');
const { showDate, showTime, showBatch, showYuan } = require('./format');

/** @typedef {import('../types/model').Enrolment} Enrolment */

/** Words on the card of the first page. */
const HINTS = /** @type {Record<string, string>} */ ({
  capture: '待拍照',
  wait_check: '检测中',
  chsi_code: '待添加图像采集码',
  pay: '待缴费',
  wait_money: '付款核对中',
  wait_review: '待审核',
  recapture: '需重新拍照',
  done: '已完成',
});

const TITLES = /** @type {Record<string, string>} */ ({
  capture: '请拍一张照片',
  wait_check: '照片正在检测',
  chsi_code: '请添加图像采集码',
  pay: '照片没问题，请缴费',
  wait_money: '付款正在核对',
  wait_review: '已提交，等待审核',
  recapture: '请重新拍一张照片',
  done: '采集完成',
});

/** Which step of the line each `next_step` stands on. */
const PLACES = /** @type {Record<string, string>} */ ({
  capture: 'upload', wait_check: 'upload', recapture: 'upload', chsi_code: 'code', pay: 'pay', wait_money: 'pay', wait_review: 'review', done: 'chsi',
});

/** @param {Enrolment} enrolment */
function showTitle(enrolment) {
  if (enrolment.next_step === 'pay' && !enrolment.photo) return '请先缴费';
  if (enrolment.next_step === 'capture' && !enrolment.eligible) return '现在不能采集';
  return TITLES[enrolment.next_step] || '请查看学校通知';
}

/**
 * What to do now and until when: one or two sentences.
 * @param {Enrolment} enrolment
 * @param {string} contact
 */
function explain(enrolment, contact) {
  const until = enrolment.target_cutoff_at ? `${showTime(enrolment.target_cutoff_at)} 前` : '';
  const batch = showBatch(enrolment.target_batch);
  const inBatch = batch ? `，计入${batch}` : '';
  const texts = /** @type {Record<string, string>} */ ({
    capture: enrolment.eligible
      ? `找一面浅色的墙，光线均匀，一分钟就好。${until ? `${until}完成${inBatch}。` : ''}`
      : `学籍状态是“${enrolment.register_status}”，不能采集照片。${contact}。`,
    wait_check: '照片已经安全保存。检测完会自动更新，可以离开。',
    chsi_code: '登录学信网取得“图像采集码”，扫码或上传它的图片。没有它，照片进不了毕业证书。',
    pay: enrolment.photo
      ? `支付 ${showYuan(enrolment.fee_fen)}后提交审核。${until ? `${until}支付${inBatch}。` : ''}`
      : `支付 ${showYuan(enrolment.fee_fen)}后就可以拍照。`,
    wait_money: `已收到付款，财务正在核对，不用再付。有疑问${contact}。`,
    wait_review: `老师审核后，结果会显示在这里${inBatch}。`,
    recapture: explainAge(enrolment) || `${enrolment.fee_settled ? '不用再付费。' : ''}${until ? `${until}重新提交${inBatch}。` : ''}`,
    done: explainDone(enrolment),
  });
  return texts[enrolment.next_step] || contact;
}

/** After the lock: what 学信网 says of the photo. @param {Enrolment} enrolment */
function explainDone(enrolment) {
  const result = findResult(enrolment);
  if (result && result.value === 'wrong') return '学信网校对有误，请联系学校。';
  if (result && result.value === 'reported') return '照片已上报学信网，可见后请登录学信网校对。';
  return explainAge(enrolment) || '照片已锁定，将用于学历注册和毕业证书。如果有错，请联系学校更正。';
}

/**
 * Where the enrolment is: upload, pay, code, review, collection, 学信网.
 * @param {Enrolment} enrolment
 */
function listSteps(enrolment) {
  const hasFee = enrolment.fee_fen > 0;
  const { chsi } = enrolment;
  const hasCode = enrolment.next_step === 'chsi_code' || Boolean(chsi && (chsi.state === 'present' || chsi.state === 'ended'));
  const result = findResult(enrolment);
  const isPayFirst = enrolment.next_step === 'pay' && !enrolment.photo;
  const pay = hasFee ? [{ key: 'pay', title: '缴费', date: enrolment.order ? enrolment.order.paid_at : null }] : [];
  const upload = { key: 'upload', title: '上传照片', date: enrolment.photo ? enrolment.photo.submitted_at : null };
  const collected = enrolment.history.find(({ status }) => status.value === 'collected');
  const collectedAt = enrolment.next_step === 'done' && collected ? collected.at : null;
  const steps = [
    ...(isPayFirst ? [...pay, upload] : [upload, ...pay]),
    ...(hasCode ? [{ key: 'code', title: '图像采集码', date: chsi ? chsi.at : null }] : []),
    { key: 'review', title: '老师审核', date: collectedAt },
    { key: 'collect', title: '采集（锁定）', date: collectedAt },
    { key: 'chsi', title: '学信网', date: null },
  ];
  // A step that only a newer server knows lies somewhere before the review.
  const place = PLACES[enrolment.next_step] || (enrolment.photo ? 'review' : 'upload');
  const isVisible = result !== null && result.value === 'visible';
  const present = isVisible ? steps.length : steps.findIndex(({ key }) => key === place);
  return steps.map((step, index) => ({
    ...step,
    state: stateOf(index, present),
    title: step.key === 'chsi' && result ? result.label : step.title,
    date: step.key === 'chsi' && result ? result.date : index < present && showDate(step.date) || '',
    note: step.key === 'chsi' && !result ? '学校统一提交，按批次进入学历注册' : '',
  }));
}

/** @param {number} place @param {number} present */
function stateOf(place, present) {
  if (place < present) return 'done';
  return place === present ? 'now' : 'todo';
}

module.exports = { HINTS, showTitle, explain, listSteps };
