/** 特征码: what was typed, scanned or carried by a picture, and what a code opens, in words. */

const { showTime, showDate, showYuan, showDaysLeft } = require('./format');

/** @typedef {import('../types/model').Code} Code */

const CODE = /^[0-9a-z]{4,8}$/;
const IN_ADDRESS = /[?&](?:scene|code)=([^&#]+)/i;

/**
 * The stored form of a typed code: full-width letters, spaces and case do not matter.
 * @param {string} typed
 */
function normalise(typed) {
  return typed.normalize('NFKC').replace(/\s+/g, '').toLowerCase();
}

/** @param {string} code */
function isCode(code) {
  return CODE.test(code);
}

/**
 * The code that a picture of WeChat or a link carries: options of the page's onLoad.
 * @param {Record<string, string | undefined>} options
 */
function readOptions(options) {
  const scene = decode(options.scene || options.code || '');
  return findCode(scene) || findCode(decode(options.q || ''));
}

/**
 * The code in what was scanned: a mini-program picture (path), a link, or the code itself.
 * @param {{ text: string, path: string }} scanned
 */
function readScan(scanned) {
  return findCode(scanned.path) || findCode(scanned.text);
}

/** @param {string} text */
function findCode(text) {
  const inAddress = IN_ADDRESS.exec(text);
  const code = normalise(inAddress ? decode(inAddress[1]) : text);
  return isCode(code) ? code : '';
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    return text;
  }
}

/**
 * A code for the page on which the student says "that is my college".
 * @param {Code} code
 * @param {number} nowMs
 */
function present(code, nowMs) {
  return {
    code: code.feature_code,
    institution: code.institution,
    mode: code.mode,
    isOpen: code.is_open,
    fee: code.fee_fen ? showYuan(code.fee_fen) : '免费',
    payOrder: showPayOrder(code),
    lastDay: showLastDay(code, nowMs),
    closed: code.is_open ? '' : explainClosed(code, nowMs),
    consent: code.consent,
    consentDate: code.consent.version,
    contact: code.contact ? code.contact.text : '',
  };
}

/** @param {Code} code */
function showPayOrder(code) {
  if (!code.fee_fen) return '';
  return code.pay_first ? '先缴费，再拍照' : '照片通过检测后再缴费';
}

/** @param {Code} code @param {number} nowMs */
function showLastDay(code, nowMs) {
  const ends = [code.next_cutoff_at, code.closes_at].filter(Boolean).sort();
  if (!ends.length || !code.is_open) return { words: '', date: '' };
  return { words: showDaysLeft(ends[0], nowMs), date: `${showTime(ends[0])} 截止` };
}

/** @param {Code} code @param {number} nowMs */
function explainClosed(code, nowMs) {
  if (code.opens_at && new Date(code.opens_at).getTime() > nowMs) {
    return `采集还没有开始，${showTime(code.opens_at)} 起可以采集。`;
  }
  return code.closes_at ? `采集已于 ${showDate(code.closes_at)} 结束，请联系学校。` : '现在不能采集，请联系学校。';
}

module.exports = { normalise, isCode, readOptions, readScan, present };
