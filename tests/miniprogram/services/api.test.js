const test = require('node:test');
const assert = require('node:assert/strict');
const { createApi } = require('../../../miniprogram/services/api');
const { makePhone, good, bad } = require('./phone');

const SERVER = 'https://college.example';

test('the first call signs in by itself and sends the token in the header only', async () => {
  const phone = makePhone();
  phone.answers.push(good({ items: [] }));
  assert.deepEqual(await createApi(phone, SERVER).call('GET', '/enrolments'), { items: [] });
  const [login, list] = phone.asked;
  assert.deepEqual(login.data, { code: 'code-1' });
  assert.equal(list.url, 'https://college.example/api/v1/enrolments');
  assert.equal(list.header.Authorization, 'Bearer token-1');
  assert.ok(phone.asked.every(({ url }) => !url.includes('token')));
});

test('calls at once share one login', async () => {
  const phone = makePhone();
  phone.answers.push(good(1), good(2), good(3));
  const api = createApi(phone, SERVER);
  await Promise.all(['/a', '/b', '/c'].map((path) => api.call('GET', path)));
  assert.equal(phone.count(), 1);
});

test('401 in the middle signs in anew and repeats the call once', async () => {
  const phone = makePhone();
  phone.write('token', 'old');
  phone.answers.push(bad(401, 'unauthorised'), good('kept'));
  assert.equal(await createApi(phone, SERVER).call('PUT', '/x', { typed: 1 }), 'kept');
  assert.deepEqual(phone.asked.at(-1).data, { typed: 1 });
  assert.equal(phone.read('token'), 'token-1');
});

test('a second 401 is told, not repeated for ever', async () => {
  const phone = makePhone();
  phone.answers.push(bad(401, 'unauthorised'), bad(401, 'unauthorised'));
  await assert.rejects(createApi(phone, SERVER).call('GET', '/x'), { code: 'unauthorised', status: 401 });
  assert.equal(phone.answers.length, 0);
});

test('a spent login code is replaced by a second one', async () => {
  let tries = 0;
  const phone = makePhone();
  const send = phone.request;
  phone.request = async (options) => {
    if (!options.url.endsWith('/login')) return send(options);
    tries += 1;
    return tries === 1 ? bad(401, 'login_code_invalid') : good({ token: 't', expires_at: '' });
  };
  phone.answers.push(good('in'));
  assert.equal(await createApi(phone, SERVER).call('GET', '/x'), 'in');
  assert.equal(phone.count(), 2);
});

test('no network, a slow one and an answer that is no envelope are told apart', async () => {
  const phone = makePhone();
  phone.write('token', 't');
  const api = createApi(phone, SERVER);
  phone.answers.push({ errMsg: 'request:fail ' });
  await assert.rejects(api.call('GET', '/x'), { code: 'offline', status: 0 });
  phone.answers.push({ errMsg: 'request:fail timeout' });
  await assert.rejects(api.call('GET', '/x'), { code: 'timeout' });
  phone.answers.push({ statusCode: 502, data: '<html>', header: {} });
  await assert.rejects(api.call('GET', '/x'), { code: 'http_502', status: 502 });
  phone.answers.push({ statusCode: 200, data: '<html>', header: {} });
  await assert.rejects(api.call('GET', '/x'), { code: 'http_200' });
});

test('Retry-After is read in any case of its name and bounded', async () => {
  const phone = makePhone();
  phone.write('token', 't');
  const api = createApi(phone, SERVER);
  phone.answers.push(bad(429, 'too_many_requests', {}, { 'retry-after': '17' }));
  await assert.rejects(api.call('GET', '/x'), { retryAfterS: 17, message: '说明 too_many_requests' });
  phone.answers.push(bad(503, 'busy', {}, { 'Retry-After': 'soon' }));
  await assert.rejects(api.call('GET', '/x'), { retryAfterS: 0 });
});

test('an upload answers text, and a refused picture is no file', async () => {
  const phone = makePhone({
    uploadFile: async () => ({ statusCode: 202, data: JSON.stringify({ code: 0, data: { id: 'p' } }), header: {} }),
    downloadFile: async () => ({ statusCode: 404, tempFilePath: 'nothing' }),
  });
  const api = createApi(phone, SERVER);
  assert.deepEqual(await api.upload('/e/photos', { filePath: 'f', name: 'photo' }), { id: 'p' });
  await assert.rejects(api.download('/api/v1/photos/p/image'), { status: 404 });
});
