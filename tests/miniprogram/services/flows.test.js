const test = require('node:test');
const assert = require('node:assert/strict');
const { ApiError, describe } = require('../../../miniprogram/services/errors');
const { payFee } = require('../../../miniprogram/services/payment');
const { askUntil } = require('../../../miniprogram/services/polling');
const { askBeforeBatchIsLost, refuseTooLarge, waitForVerdict } = require('../../../miniprogram/services/photos');
const { askForMessages, askInPassing, listOffers } = require('../../../miniprogram/services/messages');
const guard = require('../../../miniprogram/services/guard');

const ORDER = { out_trade_no: 'CJ1', payment: { timeStamp: '1' } };
const cancel = { errMsg: 'requestPayment:fail cancel' };

function makeClock() {
  let ms = 0;
  return { now: () => ms, pause: async (waitMs) => { ms += waitMs; } };
}

function sidesOf(answers, more = {}) {
  const asked = [];
  return {
    asked,
    call: async (method, path) => {
      asked.push(`${method} ${path}`);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    pay: async () => ({}),
    ...makeClock(),
    ...more,
  };
}

const refusal = (code, status = 409, more = {}) => new ApiError({ status, code, message: code, ...more });

test('the server, not the phone, says that it is paid', async () => {
  const sides = sidesOf([ORDER, { state: 'open' }, refusal('busy', 503), { state: 'paid' }]);
  assert.equal(await payFee('e', sides), 'paid');
  assert.deepEqual(sides.asked.slice(0, 2), ['POST /enrolments/e/order', 'GET /orders/CJ1']);
});

test('every end of a payment has its outcome', async () => {
  const ends = { paid: 'paid', closed: 'closed', quarantined: 'held', refunded: 'refunded' };
  for (const [state, outcome] of Object.entries(ends)) {
    assert.equal(await payFee('e', sidesOf([ORDER, { state }])), outcome);
  }
  assert.equal(await payFee('e', sidesOf([refusal('already_paid')])), 'paid');
  assert.equal(await payFee('e', sidesOf([refusal('payment_under_review')])), 'held');
  assert.equal(await payFee('e', sidesOf([ORDER], { pay: async () => { throw cancel; } })), 'cancelled');
});

test('money that does not show within the time is late, never lost', async () => {
  const sides = sidesOf([ORDER, ...Array(100).fill({ state: 'open' })]);
  assert.equal(await payFee('e', sides), 'late');
  assert.ok(sides.asked.length > 20);
});

test('after a refusal of WeChat the server is asked, so that the next tap has a new order', async () => {
  const fails = { pay: async () => { throw { errMsg: 'requestPayment:fail order closed' }; } };
  assert.equal(await payFee('e', sidesOf([ORDER, { state: 'closed' }], fails)), 'closed');
  await assert.rejects(payFee('e', sidesOf([ORDER, { state: 'open' }], fails)), { code: 'payment_failed' });
});

test('polling waits as long as the server asks and ends with the page', async () => {
  const waits = [];
  const clock = makeClock();
  const pause = async (ms) => { waits.push(ms); await clock.pause(ms); };
  const answers = [refusal('too_many_requests', 429, { retryAfterS: 9 }), 1, 2];
  const ask = async () => { const next = answers.shift(); if (next instanceof Error) throw next; return next; };
  const how = { isDone: (each) => each === 2, everyMs: 1000, forMs: 60000, now: clock.now, pause };
  assert.equal(await askUntil(ask, how), 2);
  assert.deepEqual(waits, [9000, 1000]);
  let asked = 0;
  await askUntil(async () => { asked += 1; return 0; }, { ...how, isLeft: () => true });
  assert.equal(asked, 1);
  await assert.rejects(askUntil(async () => { throw refusal('not_found', 404); }, how), { status: 404 });
});

test('a photo that waits is asked for until it has its verdict', async () => {
  const states = [{ state: 'received' }, { state: 'received' }, { state: 'checked', verdict: 'pass' }];
  const seen = [];
  const photo = await waitForVerdict(async () => states.shift(), '/photos/p', {
    isLeft: () => false, onAnswer: (each) => seen.push(each.state), ...makeClock(),
  });
  assert.equal(photo.verdict, 'pass');
  assert.deepEqual(seen, ['received', 'received']);
});

test('who would lose the batch is asked before it is confirmed', async () => {
  const tries = [];
  const work = async (isConfirmed) => {
    tries.push(isConfirmed);
    if (!isConfirmed) throw refusal('would_lose_batch', 409, { body: { batch: '2026-11-10' } });
    return 'done';
  };
  let shown = null;
  assert.equal(await askBeforeBatchIsLost(work, async (body) => { shown = body; return true; }), 'done');
  assert.deepEqual(tries, [false, true]);
  assert.equal(shown.batch, '2026-11-10');
  tries.length = 0;
  assert.equal(await askBeforeBatchIsLost(work, async () => false), null);
  assert.deepEqual(tries, [false]);
});

test('a photo that the server would refuse is refused before the upload', () => {
  refuseTooLarge(10 * 1024 * 1024);
  assert.throws(() => refuseTooLarge(10 * 1024 * 1024 + 1), { code: 'photo_too_large' });
});

test('one tap asks for three messages at most and tells the server what was allowed', async () => {
  const templates = { photo_rejected: 'a', photo_collected: 'b', deadline_near: 'c', refund: 'd' };
  for (const step of ['wait_review', 'capture', 'wait_check']) assert.equal(listOffers(step, templates).length, 3);
  assert.deepEqual(listOffers('done', templates), []);
  const told = [];
  const sides = { askMessages: async () => ({ a: 'accept', b: 'reject', d: 'accept' }), tellServer: async (names) => told.push(...names) };
  assert.equal(await askForMessages(listOffers('wait_review', templates), sides), 'allowed');
  assert.deepEqual(told, ['photo_rejected', 'refund']);
  sides.askMessages = async () => ({ a: 'reject' });
  assert.equal(await askForMessages(listOffers('wait_review', templates), sides), 'refused');
  sides.askMessages = async () => { throw { errCode: 20004 }; };
  assert.equal(await askForMessages(listOffers('wait_review', templates), sides), 'closed');
  assert.equal(told.length, 2);
});

test('a question in passing comes once a day at a place and never disturbs the work', async () => {
  const templates = { photo_rejected: 'a', photo_collected: 'b', deadline_near: 'c' };
  const kept = {};
  const asked = [];
  const sides = {
    askMessages: async (ids) => { asked.push(ids); return { a: 'accept' }; },
    tellServer: async () => { throw new Error('offline'); },
    read: (key) => kept[key],
    write: (key, value) => { kept[key] = value; },
    nowMs: Date.UTC(2026, 10, 1),
  };
  await askInPassing('capture', 'capture 1', templates, sides);
  await askInPassing('capture', 'capture 1', templates, { ...sides, nowMs: sides.nowMs + 3600e3 });
  assert.deepEqual(asked, [['c', 'a', 'b']]);
  await askInPassing('wait_review', 'paid 1', templates, sides);
  await askInPassing('capture', 'capture 1', templates, { ...sides, nowMs: sides.nowMs + 25 * 3600e3 });
  assert.equal(asked.length, 3);
  await askInPassing('capture', 'capture 2', {}, sides);
  assert.equal(asked.length, 3);
});

function makePage() {
  return { data: guard.start(), setData(data) { Object.assign(this.data, data); } };
}

test('the second tap of a double tap does nothing', async () => {
  const page = makePage();
  let count = 0;
  const work = async () => { count += 1; await null; };
  await Promise.all([guard.run(page, 'act', work), guard.run(page, 'act', work)]);
  assert.equal(count, 1);
  assert.equal(page.data.busy, '');
});

test('a wait that the server asks for is counted down before the next try', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const page = makePage();
  await guard.run(page, 'act', async () => { throw refusal('too_many_requests', 429, { retryAfterS: 3 }); });
  assert.equal(page.data.waitS, 3);
  assert.equal(page.data.error.code, 'too_many_requests');
  assert.equal(await guard.run(page, 'act', async () => 'too early'), undefined);
  t.mock.timers.tick(3000);
  assert.equal(page.data.waitS, 0);
  assert.equal(await guard.run(page, 'act', async () => 'now'), 'now');
});

test('a page that was left is not touched any more', async () => {
  const page = makePage();
  const running = guard.run(page, 'act', async () => { guard.leave(page); throw refusal('busy', 503); });
  await running;
  assert.equal(page.data.error, null);
});

test('an error says nothing of its insides', () => {
  const shown = describe(new TypeError('openid of undefined'));
  assert.equal(shown.code, 'unexpected');
  assert.ok(!shown.text.includes('openid'));
  assert.equal(describe(refusal('consent_outdated')).action, 'consent');
});
