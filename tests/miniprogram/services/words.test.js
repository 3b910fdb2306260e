const test = require('node:test');
const assert = require('node:assert/strict');
const codes = require('../../../miniprogram/services/codes');
const enrolments = require('../../../miniprogram/services/enrolments');
const format = require('../../../miniprogram/services/format');
const { presentLevel } = require('../../../miniprogram/services/level');
const { makeMultipart } = require('../../../miniprogram/services/multipart');
const { listAsks, presentConsents } = require('../../../miniprogram/services/consents');
const { presentRefund } = require('../../../miniprogram/services/refunds');
const verdicts = require('../../../miniprogram/services/verdicts');

const NOW = Date.parse('2026-10-29T08:00:00Z');
const CUTOFF = '2026-11-10T15:59:59Z';
const STEPS = ['capture', 'wait_check', 'chsi_code', 'pay', 'wait_money', 'wait_review', 'recapture', 'done', 'step_of_tomorrow'];
const SAYS_PAY = /支付|缴费|付款/;

function makeEnrolment(more = {}) {
  return {
    id: 'e1', institution: '北京示范大学', student_no: '20200001', name: '张*', id_number: '1101**********0011', level: '本科',
    major: '法学', centre: { name: '朝阳学习中心', contact: '010-12345678' }, register_status: '在籍', eligible: true,
    status: { value: 'not_uploaded', label: '未上传' }, batch: '0000-00-00', target_batch: '2026-11-10', target_cutoff_at: CUTOFF,
    next_step: 'capture', fee_fen: 2000, fee_settled: false, feature_code: 'y0814v', photo: null, order: null, last_review: null,
    history: [], ...more,
  };
}

const PHOTO = { id: 'p1', state: 'checked', verdict: 'pass', submitted_at: '2026-10-01T01:00:00Z', image: '/i', overlay: null };

test('a code is read however it is typed, scanned or carried', () => {
  for (const typed of [' Y0814V ', 'ｙ0814ｖ', 'y08 14v']) assert.equal(codes.normalise(typed), 'y0814v');
  assert.equal(codes.readOptions({ scene: 'y0814v' }), 'y0814v');
  assert.equal(codes.readOptions({ scene: 'code%3Dy0814v' }), '');
  assert.equal(codes.readOptions({ q: encodeURIComponent('https://c.example/m?code=Y0814V') }), 'y0814v');
  assert.equal(codes.readOptions({}), '');
  assert.equal(codes.readScan({ text: '', path: 'pages/index/index?scene=y0814v' }), 'y0814v');
  assert.equal(codes.readScan({ text: 'Y0814V', path: '' }), 'y0814v');
  assert.equal(codes.readScan({ text: 'https://weixin.qq.com/', path: '' }), '');
  assert.equal(codes.readOptions({ scene: '%E0%A4%A' }), '');
});

test('times are shown as in Beijing, money and days in words', () => {
  assert.equal(format.showTime(CUTOFF), '2026年11月10日 23:59');
  assert.equal(format.showTime(null), '');
  assert.equal(format.showYuan(2000), '20 元');
  assert.equal(format.showYuan(2050), '20.50 元');
  assert.equal(format.showDaysLeft(CUTOFF, NOW), '还有 12 天');
  assert.equal(format.showDaysLeft(CUTOFF, Date.parse('2026-11-10T01:00:00Z')), '今天截止');
  assert.equal(format.showDaysLeft(CUTOFF, Date.parse('2026-11-10T16:00:00Z')), '已截止');
  assert.equal(format.showBatch('0000-00-00'), '');
  assert.equal(format.showWait(75), '1 分 15 秒');
  assert.equal(format.findNumber('王老师 010-12345678 转 2'), '010-12345678');
});

test('every step has a title, words, a line and at most one thing to do', () => {
  for (const step of STEPS) {
    const shown = enrolments.present(makeEnrolment({ next_step: step }), NOW, '请联系学校');
    assert.ok(shown.title && shown.text, step);
    assert.equal(shown.steps.filter(({ state }) => state === 'now').length, 1, step);
  }
  assert.equal(enrolments.present(makeEnrolment({ next_step: 'done' }), NOW, '').action, null);
});

test('nothing says pay while money is held or where there is no fee', () => {
  const held = enrolments.present(makeEnrolment({ next_step: 'wait_money', photo: PHOTO }), NOW, '');
  assert.notEqual(held.action.name, 'pay');
  assert.ok(!SAYS_PAY.test(held.action.label));
  assert.equal(held.tone, 'amber');
  for (const step of STEPS.filter((each) => each !== 'pay' && each !== 'wait_money')) {
    const free = enrolments.present(makeEnrolment({ next_step: step, fee_fen: 0, photo: PHOTO }), NOW, '');
    const words = [free.title, free.text, free.action && free.action.label, ...free.steps.map(({ title }) => title)].join();
    assert.ok(!SAYS_PAY.test(words), `${step}: ${words}`);
  }
});

test('a photo under the reviewer\'s eye or decided on is not offered to be taken back', () => {
  const can = (more) => enrolments.present(makeEnrolment({ photo: PHOTO, ...more }), NOW, '').canWithdraw;
  assert.ok(can({ next_step: 'wait_review' }));
  assert.ok(can({ next_step: 'pay' }));
  assert.ok(!can({ next_step: 'done', photo: { ...PHOTO, state: 'approved' } }));
  assert.ok(!can({ next_step: 'recapture', photo: { ...PHOTO, state: 'rejected' } }));
});

test('taking a photo back says what happens to fee and batch', () => {
  const paid = makeEnrolment({ next_step: 'wait_review', photo: PHOTO, fee_settled: true });
  const words = enrolments.explainWithdrawal(paid, NOW);
  assert.match(words, /不用再付/);
  assert.match(words, /2026年11月10日 23:59 前重新提交，仍计入2026年11月10日批次/);
  assert.match(enrolments.explainWithdrawal(paid, Date.parse('2026-11-12T00:00:00Z')), /会计入下一批/);
  assert.match(enrolments.explainLostBatch({ data: { batch: '2026-11-10', next_batch: '2027-05-10' } }), /2026年11月10日.*2027年5月10日/);
  assert.match(enrolments.explainLostBatch(undefined), /下一批次/);
});

test('a rejection shows its reasons only until the next photo came', () => {
  const review = { decision: 'reject', reasons: ['hair.brows'], reason_texts: ['头发遮住眉毛'], note: '请重拍', at: NOW };
  const status = { value: 'reupload_required', label: '需重新上传' };
  const rejected = makeEnrolment({ next_step: 'recapture', status, last_review: review, photo: { ...PHOTO, state: 'rejected' } });
  assert.deepEqual(enrolments.present(rejected, NOW, '').review.reasons, [{ code: 'hair.brows', text: '头发遮住眉毛' }]);
  const again = { ...rejected, status: { value: 'reuploaded', label: '已重新上传' }, next_step: 'wait_review' };
  assert.equal(enrolments.present(again, NOW, '').review, null);
});

const FINDING = { code: 'pose.roll', status: 'fail', value: 9, limit: [-8, 8], unit: 'deg', message: '头歪了' };

test('a verdict shows at most three sentences and folds the rest', () => {
  const findings = ['pose.roll', 'light.dark', 'eyes.closed', 'unheard.of'].map((code) => ({ ...FINDING, code }));
  const shown = verdicts.present({
    ...PHOTO, verdict: 'fail', findings, first_findings: findings.slice(0, 3), measurements: { head_top_px: 31.4, roll_deg: 9.25, other: 1 }, tries_left: 0,
  });
  assert.equal(shown.findings.length, 3);
  assert.deepEqual(shown.more.map(({ code }) => code), ['unheard.of']);
  assert.equal(shown.isGood, false);
  assert.deepEqual(shown.measured.map(({ value, isInside }) => [value, isInside]), [['31 像素', false], ['9.3 度', false]]);
  assert.match(shown.triesLeft, /明天/);
});

test('a photo without a verdict says how long, or asks for another', () => {
  const blank = { ...PHOTO, verdict: null, findings: [], first_findings: [], measurements: {} };
  assert.match(verdicts.present({ ...blank, state: 'received', estimate_s: 75 }).estimate, /2 分钟/);
  const undecided = verdicts.present(blank);
  assert.equal(undecided.isGood, false);
  assert.equal(undecided.isWaiting, false);
});

test('the level line turns green when the phone is upright, whichever way gravity is counted', () => {
  for (const y of [-1, 1]) assert.ok(presentLevel({ x: 0.02, y, z: 0 }).isLevel);
  assert.ok(!presentLevel({ x: 0.3, y: -0.95, z: 0 }).isLevel);
  assert.ok(!presentLevel({ x: 0, y: 0.1, z: -1 }).isLevel);
});

test('a picture goes out as multipart whose bytes are untouched', async () => {
  const file = Uint8Array.from([0, 255, 13, 10, 45, 45]);
  const { type, bytes } = makeMultipart('picture', file.buffer, 'edge-1');
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  assert.deepEqual(new Uint8Array(await form.get('picture').arrayBuffer()), file);
});

test('consents are shown as the server lists them', () => {
  const [one] = presentConsents({ items: [{ enrolment_id: 'e1', kind: 'faces', title: '人脸比对', given: true }] });
  assert.deepEqual([one.key, one.kind, one.is_given, one.owner], ['e1:faces', 'faces', true, '']);
});

test('nothing is asked for that was taken back within two days, nor for another programme', () => {
  const item = { enrolment_id: 'e1', kind: 'degree', title: '学位证', may_ask: true };
  const items = [item, { ...item, title: '学生证', may_ask: false }, { ...item, enrolment_id: 'e2', title: '在线考试' }];
  assert.equal(listAsks({ items }, 'e1'), '学位证');
  assert.equal(listAsks(null, 'e1'), '');
});

test('a refund says where it stands and until when, and is asked for only where it can be', () => {
  const request = {
    state: 'requested', label: '等待处理', reason: '不办了', asked_at: CUTOFF, due_at: CUTOFF, answer: '', decided_at: null,
  };
  const refund = {
    out_trade_no: 'CJ1', enrolment_id: 'e1', institution: '北京示范大学', order_state: 'paid', amount_fen: 2000, paid_at: CUTOFF,
    transaction_id: '42', label: '', can_request: true, why_not: '', has_receipt: true, request: null,
  };
  assert.equal(presentRefund(refund).canRequest, true);
  const waiting = presentRefund({ ...refund, can_request: false, why_not: '退款申请正在等待学校处理', label: '等待处理', request });
  assert.deepEqual([waiting.canRequest, waiting.when, waiting.words], [false, '学校最晚 2026年11月10日答复', '退款申请正在等待学校处理。']);
  assert.equal(waiting.tone, 'amber');
  const refused = presentRefund({ ...refund, label: '未同意', request: { ...request, state: 'refused', answer: '在审核', decided_at: CUTOFF } });
  assert.deepEqual([refused.canRequest, refused.tone, refused.when], [true, 'red', '2026年11月10日答复']);
  assert.match(refused.words, /可以再次申请/);
  const back = presentRefund({ ...refund, order_state: 'refunded', can_request: false, why_not: 'x', label: '已退款' });
  assert.match(back.words, /已退回/);
  assert.equal(back.tone, 'green');
});
