/**
 * The server's API: token, envelope, one silent login, errors with words.
 *
 * Knows no `wx`: what sends and remembers is handed in, so that node tests it alone.
 */

const { ApiError, OFFLINE, SLOW } = require('./errors');

/** @typedef {import('../types/model').Answer} Answer */
/** @typedef {import('../types/model').Login} Login */
/**
 * What the API needs of the phone.
 * @typedef {object} Phone
 * @property {(options: { url: string, method: string, data?: unknown, header: Record<string, string>,
 *   responseType?: string }) => Promise<Answer>} request
 * @property {(options: { url: string, filePath: string, name: string, header: Record<string, string>,
 *   formData?: Record<string, string>, onProgress?: (percent: number) => void }) => Promise<Answer>} uploadFile
 * @property {(options: { url: string, header: Record<string, string> }) =>
 *   Promise<{ statusCode: number, tempFilePath: string }>} downloadFile
 * @property {() => Promise<string>} login
 * @property {(key: string) => any} read
 * @property {(key: string, value: unknown) => void} write
 * @property {(key: string) => void} forget
 */

const TOKEN = 'token';
const MOST_WAIT_S = 24 * 3600;

/**
 * @param {Phone} phone
 * @param {string} server https address without a path
 */
function createApi(phone, server) {
  const base = `${server}/api/v1`;
  /** @type {Promise<void> | null} One login for all calls that wait for it. */
  let signingIn = null;

  function isSignedIn() {
    return Boolean(phone.read(TOKEN));
  }

  function signOut() {
    phone.forget(TOKEN);
  }

  async function signIn() {
    if (!signingIn) signingIn = fetchToken().finally(() => { signingIn = null; });
    await signingIn;
  }

  async function fetchToken() {
    try {
      await trade(await phone.login());
    } catch (error) {
      // A code lives five minutes and once: a second one settles a lost answer.
      if (!(error instanceof ApiError) || error.code !== 'login_code_invalid') throw named(error);
      await trade(await phone.login());
    }
  }

  /** @param {string} code */
  async function trade(code) {
    const answer = await send(() => phone.request({
      url: `${base}/login`, method: 'POST', data: { code }, header: jsonHeader(),
    }));
    phone.write(TOKEN, /** @type {Login} */ (unwrap(answer)).token);
  }

  /** @returns {Record<string, string>} */
  function bearer() {
    return { Authorization: `Bearer ${phone.read(TOKEN)}` };
  }

  /**
   * Do it with a token; where the token is no longer good, sign in and do it once more.
   * @template T
   * @param {() => Promise<T>} work throws ApiError 401 where the token is refused
   * @returns {Promise<T>}
   */
  async function withToken(work) {
    if (!isSignedIn()) await signIn();
    const used = phone.read(TOKEN);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      // Another call may have signed in meanwhile: its token is good.
      if (phone.read(TOKEN) === used) phone.forget(TOKEN);
      if (!isSignedIn()) await signIn();
      return work();
    }
  }

  /**
   * Call the API and return `data`.
   * @param {'GET' | 'POST' | 'PUT' | 'DELETE'} method
   * @param {string} path below /api/v1, or a whole path that the server gave
   * @param {unknown} [data]
   * @returns {Promise<any>}
   */
  function call(method, path, data) {
    return withToken(async () => unwrap(await send(() => phone.request({
      url: addressOf(path), method, data, header: { ...jsonHeader(), ...bearer() },
    }))));
  }

  /**
   * Send one file as multipart by POST.
   * @param {string} path
   * @param {{ filePath: string, name: string, formData?: Record<string, string>,
   *   onProgress?: (percent: number) => void }} file
   * @returns {Promise<any>}
   */
  function upload(path, file) {
    return withToken(async () => unwrap(await send(() => phone.uploadFile({
      ...file, url: addressOf(path), header: { Accept: 'application/json', ...bearer() },
    }))));
  }

  /**
   * Send a body made by hand (`multipart.js`): wx.uploadFile knows POST only.
   * @param {'PUT'} method
   * @param {string} path
   * @param {{ type: string, bytes: ArrayBuffer }} body
   * @returns {Promise<any>}
   */
  function sendBody(method, path, body) {
    return withToken(async () => unwrap(await send(() => phone.request({
      url: addressOf(path),
      method,
      data: body.bytes,
      header: { Accept: 'application/json', 'Content-Type': body.type, ...bearer() },
    }))));
  }

  /**
   * Fetch a protected picture into a temporary file: the token goes in the header, never in an address.
   * @param {string} path
   * @returns {Promise<string>} path of the file
   */
  function download(path) {
    return withToken(async () => {
      const answer = await sendAny(() => phone.downloadFile({ url: addressOf(path), header: bearer() }));
      if (answer.statusCode !== 200) throw refusalOf(answer.statusCode, null, {});
      return answer.tempFilePath;
    });
  }

  /**
   * Fetch a protected text (the lines over a photo).
   * @param {string} path
   * @returns {Promise<string>}
   */
  function fetchText(path) {
    return withToken(async () => {
      const answer = await send(() => phone.request({
        url: addressOf(path), method: 'GET', header: bearer(), responseType: 'text',
      }));
      if (answer.statusCode !== 200) throw refusalOf(answer.statusCode, readBody(answer.data), answer.header);
      return String(answer.data);
    });
  }

  /** @param {string} path */
  function addressOf(path) {
    return path.startsWith('/api/') ? `${server}${path}` : `${base}${path}`;
  }

  return { call, upload, sendBody, download, fetchText, signOut, isSignedIn };
}

/** @returns {Record<string, string>} */
function jsonHeader() {
  return { Accept: 'application/json', 'Content-Type': 'application/json' };
}

/**
 * @param {() => Promise<Answer>} work
 * @returns {Promise<Answer>}
 */
function send(work) {
  return sendAny(work);
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function sendAny(work) {
  try {
    return await work();
  } catch (error) {
    throw named(error);
  }
}

/**
 * WeChat's failure in our words: `request:fail timeout`, `uploadFile:fail …`.
 * @param {any} error
 * @returns {Error}
 */
function named(error) {
  if (error instanceof ApiError) return error;
  const text = String((error && error.errMsg) || error);
  return new ApiError(/time(d )?[ -]?out/i.test(text) ? SLOW : OFFLINE);
}

/**
 * The data of a good answer; anything else is an ApiError, whatever the status says.
 * @param {Answer} answer
 */
function unwrap(answer) {
  const body = readBody(answer.data);
  const isGood = answer.statusCode >= 200 && answer.statusCode < 300;
  if (isGood && body && body.code === 0) return body.data;
  throw refusalOf(answer.statusCode, body, answer.header);
}

/**
 * wx.uploadFile gives text, wx.request an object.
 * @param {unknown} data
 * @returns {any}
 */
function readBody(data) {
  if (typeof data !== 'string') return data;
  try {
    return JSON.parse(data);
  } catch (error) {
    return null;
  }
}

/**
 * @param {number} status
 * @param {any} body
 * @param {Record<string, string>} header
 */
function refusalOf(status, body, header) {
  const known = body && typeof body.code === 'string' && typeof body.message === 'string';
  return new ApiError({
    status,
    code: known ? body.code : `http_${status}`,
    message: known ? body.message : messageOf(status),
    requestId: known ? body.request_id : '',
    retryAfterS: readSeconds(header),
    body,
  });
}

/** @param {number} status */
function messageOf(status) {
  if (status === 404) return '没有找到';
  if (status === 413) return '照片太大，请换一张小一些的';
  if (status >= 500) return '服务器正忙，请稍后再试';
  return '请求没有成功，请重试';
}

/**
 * Header names arrive in any case.
 * @param {Record<string, string>} header
 */
function readSeconds(header) {
  const name = Object.keys(header || {}).find((each) => each.toLowerCase() === 'retry-after');
  const seconds = name ? Number.parseInt(header[name], 10) : 0;
  return seconds > 0 ? Math.min(seconds, MOST_WAIT_S) : 0;
}

module.exports = { createApi, unwrap };
