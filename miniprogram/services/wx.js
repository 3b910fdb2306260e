/**
 * The one thin file that knows `wx`: promises around what the pages and services use.
 * Everything that decides something lives elsewhere, so that it runs without WeChat.
 */

const BASE_FONT_PX = 16;

/** @typedef {import('../types/model').Answer} Answer */

/** @param {any} options @returns {Promise<Answer>} */
function request(options) {
  return new Promise((resolve, reject) => {
    wx.request({
      ...options,
      dataType: options.responseType === 'text' ? 'text' : 'json',
      success: ({ statusCode, data, header }) => resolve({ statusCode, data, header }),
      fail: reject,
    });
  });
}

/** @param {any} options @returns {Promise<Answer>} */
function uploadFile({ onProgress, ...options }) {
  return new Promise((resolve, reject) => {
    const task = wx.uploadFile({
      ...options,
      success: (/** @type {any} */ { statusCode, data, header }) => resolve({ statusCode, data, header: header || {} }),
      fail: reject,
    });
    if (onProgress) task.onProgressUpdate(({ progress }) => onProgress(progress));
  });
}

/** @param {{ url: string, header: Record<string, string> }} options */
function downloadFile(options) {
  return new Promise((resolve, reject) => {
    wx.downloadFile({ ...options, success: resolve, fail: reject });
  });
}

/** A code for the server, good once. */
async function login() {
  return (await wx.login()).code;
}

/** @param {string} key */
function read(key) {
  return wx.getStorageSync(key);
}

/** @param {string} key @param {unknown} value */
function write(key, value) {
  wx.setStorageSync(key, value);
}

/** @param {string} key */
function forget(key) {
  wx.removeStorageSync(key);
}

/** @param {import('../types/model').OpenOrder['payment']} payment */
function pay(payment) {
  const { timeStamp, nonceStr, package: order, signType, paySign } = payment;
  return new Promise((resolve, reject) => {
    wx.requestPayment({
      timeStamp, nonceStr, package: order, signType: /** @type {any} */ (signType), paySign, success: resolve, fail: reject,
    });
  });
}

/**
 * Ask for messages: only in a tap.
 * @param {string[]} ids
 * @returns {Promise<Record<string, string>>} template id to accept, reject, ban …
 */
function askMessages(ids) {
  return new Promise((resolve, reject) => {
    wx.requestSubscribeMessage({ tmplIds: ids, success: (/** @type {any} */ answer) => resolve(answer), fail: reject });
  });
}

/**
 * One picture as it was taken: with both sizes allowed, iOS compresses.
 * @param {'album' | 'camera'} source
 * @returns {Promise<{ path: string, sizeBytes: number } | null>} null when the student closes it
 */
async function choosePicture(source) {
  const answer = await orNull(wx.chooseMedia({
    count: 1, mediaType: ['image'], sourceType: [source], sizeType: ['original'], camera: 'front',
  }));
  const file = answer && answer.tempFiles[0];
  return file ? { path: file.tempFilePath, sizeBytes: file.size } : null;
}

/** @returns {Promise<{ text: string, path: string } | null>} null when the student closes it */
async function scan() {
  const answer = await orNull(wx.scanCode({ onlyFromCamera: false, scanType: ['qrCode', 'wxCode'] }));
  return answer ? { text: answer.result || '', path: answer.path || '' } : null;
}

/**
 * What the student closed is no error; everything else is.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T | null>}
 */
async function orNull(work) {
  try {
    return await work;
  } catch (error) {
    if (/cancel/i.test(String((/** @type {any} */ (error)).errMsg))) return null;
    throw error;
  }
}

/** @param {string} path @returns {Promise<ArrayBuffer>} */
function readFile(path) {
  return new Promise((resolve, reject) => {
    wx.getFileSystemManager().readFile({
      filePath: path, success: ({ data }) => resolve(/** @type {ArrayBuffer} */ (data)), fail: reject,
    });
  });
}

/**
 * Keep a text as a file of this mini-program, for `image`.
 * @param {string} name
 * @param {string} text
 * @returns {Promise<string>}
 */
function writeFile(name, text) {
  const filePath = `${wx.env.USER_DATA_PATH}/${name}`;
  return new Promise((resolve, reject) => {
    wx.getFileSystemManager().writeFile({
      filePath, data: text, encoding: 'utf8', success: () => resolve(filePath), fail: reject,
    });
  });
}

/** @param {string} path */
function removeFile(path) {
  wx.getFileSystemManager().unlink({ filePath: path, fail: () => {} });
}

/** A still from the one camera of the page, as it sees: never mirrored. @returns {Promise<string>} path */
function takePhoto() {
  return new Promise((resolve, reject) => {
    wx.createCameraContext().takePhoto({
      quality: 'high', selfieMirror: false, success: ({ tempImagePath }) => resolve(tempImagePath), fail: reject,
    });
  });
}

/** @param {(gravity: { x: number, y: number, z: number }) => void} listener */
function startLevel(listener) {
  wx.onAccelerometerChange(listener);
  wx.startAccelerometer({ interval: 'ui', fail: () => {} });
}

/** @param {(gravity: { x: number, y: number, z: number }) => void} listener */
function stopLevel(listener) {
  wx.offAccelerometerChange(/** @type {any} */ (listener));
  wx.stopAccelerometer({ fail: () => {} });
}

/** @param {string} title */
function toast(title) {
  wx.showToast({ title, icon: 'none', duration: 2500 });
}

/**
 * Ask yes or no; true for yes. Labels hold four characters at most.
 * @param {{ title: string, content: string, confirmText: string, cancelText?: string }} question
 */
async function confirm(question) {
  const { confirm: isYes } = await wx.showModal({ cancelText: '取消', ...question });
  return isYes;
}

/**
 * Ask for a yes, or for a text; null for no.
 * @param {{ title: string, content: string, isText: boolean }} question
 * @returns {Promise<string | null>}
 */
async function ask({ title, content, isText }) {
  const answer = await wx.showModal(isText
    ? { title, editable: true, placeholderText: content, confirmText: '提交' }
    : { title, content, confirmText: '提交' });
  return answer.confirm ? (answer.content || '').trim() : null;
}

/** @param {string} url */
function go(url) {
  wx.navigateTo({ url });
}

/** @param {string} url */
function replace(url) {
  wx.redirectTo({ url });
}

/** Back to the first page, whatever lies between. */
function goHome() {
  const depth = getCurrentPages().length;
  if (depth > 1 && getCurrentPages()[0].route === 'pages/index/index') wx.navigateBack({ delta: depth - 1 });
  else wx.reLaunch({ url: '/pages/index/index' });
}

/**
 * Go to a page that may lie below on the stack already (at most ten fit).
 * @param {string} route
 * @param {string} query
 */
function goOrReturn(route, query) {
  const stack = getCurrentPages();
  const place = stack.map((page) => page.route).lastIndexOf(route);
  const isSame = place >= 0 && toQuery(/** @type {any} */ (stack[place]).options) === query;
  if (isSame && place < stack.length - 1) wx.navigateBack({ delta: stack.length - 1 - place });
  else wx.redirectTo({ url: `/${route}?${query}` });
}

/** @param {Record<string, string>} options */
function toQuery(options) {
  return Object.keys(options || {}).map((key) => `${key}=${options[key]}`).join('&');
}

function back() {
  if (getCurrentPages().length > 1) wx.navigateBack({ delta: 1 });
  else wx.reLaunch({ url: '/pages/index/index' });
}

function stopPullDown() {
  wx.stopPullDownRefresh();
}

/** @param {string} number digits, spaces and hyphens */
function call(number) {
  wx.makePhoneCall({ phoneNumber: number.replace(/[^\d+]/g, ''), fail: () => {} });
}

/**
 * Hand a file to a chat, the file helper of WeChat for example: the way out of a phone. WeChat
 * hears it in a tap only, so the file must be there before.
 * @param {string} filePath
 * @param {string} fileName
 * @returns {Promise<boolean>} false where nobody was chosen
 */
async function shareFile(filePath, fileName) {
  return await orNull(wx.shareFileMessage({ filePath, fileName })) !== null;
}

/** @param {string} text */
function copy(text) {
  wx.setClipboardData({ data: text });
}

/** WeChat's own page of the 用户隐私保护指引. @param {() => void} onFail */
function openPrivacyContract(onFail) {
  wx.openPrivacyContract({ fail: onFail });
}

/** Whether the page below is this one. @param {string} route */
function isBelow(route) {
  const stack = getCurrentPages();
  return stack.length > 1 && stack[stack.length - 2].route === route;
}

/** The size of 1rem that follows WeChat's own font setting, for page-meta. */
function readRootFont() {
  const { fontSizeScaleFactor } = /** @type {any} */ (wx.getAppBaseInfo());
  const factor = Math.min(Math.max(Number(fontSizeScaleFactor) || 1, 0.8), 2);
  return `${BASE_FONT_PX * factor}px`;
}

module.exports = {
  request, uploadFile, downloadFile, login, read, write, forget, pay, askMessages, choosePicture, scan,
  readFile, writeFile, removeFile, takePhoto, startLevel, stopLevel,
  toast, confirm, ask, go, replace, goHome, goOrReturn, back, isBelow,
  stopPullDown, call, copy, shareFile, openPrivacyContract, readRootFont,
};
