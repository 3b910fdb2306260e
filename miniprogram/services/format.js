/** Dates, money and waits in words. Times are shown as in Beijing, wherever the phone stands. */

const SHANGHAI_MS = 8 * 3600 * 1000;
const DAY_MS = 24 * 3600 * 1000;

/** @param {string} iso */
function toLocal(iso) {
  return new Date(new Date(iso).getTime() + SHANGHAI_MS);
}

/** @param {number} number */
function two(number) {
  return String(number).padStart(2, '0');
}

/** "2026年11月10日" @param {string | null | undefined} iso */
function showDate(iso) {
  if (!iso) return '';
  const at = toLocal(iso);
  return `${at.getUTCFullYear()}年${at.getUTCMonth() + 1}月${at.getUTCDate()}日`;
}

/** "2026年11月10日 23:59" @param {string | null | undefined} iso */
function showTime(iso) {
  if (!iso) return '';
  const at = toLocal(iso);
  return `${showDate(iso)} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/**
 * When something asked for was answered, or will have been.
 * @param {{ decided_at: string | null, due_at: string }} asked
 */
function showAnswered(asked) {
  return asked.decided_at ? `${showDate(asked.decided_at)}答复` : `学校最晚 ${showDate(asked.due_at)}答复`;
}

/** The name of a batch, "2026-11-10", in words. @param {string | null | undefined} label */
function showBatch(label) {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(label || '');
  if (!parts || parts[1] === '0000') return '';
  return `${parts[1]}年${Number(parts[2])}月${Number(parts[3])}日批次`;
}

/** 2000 is "20 元", 2050 is "20.50 元". @param {number} fen */
function showYuan(fen) {
  return `${fen % 100 ? (fen / 100).toFixed(2) : fen / 100} 元`;
}

/**
 * Calendar days until a time: "还有 12 天", "今天截止", "已截止".
 * @param {string | null | undefined} iso
 * @param {number} nowMs
 */
function showDaysLeft(iso, nowMs) {
  if (!iso) return '';
  const endMs = new Date(iso).getTime();
  if (endMs < nowMs) return '已截止';
  const days = Math.floor((endMs + SHANGHAI_MS) / DAY_MS) - Math.floor((nowMs + SHANGHAI_MS) / DAY_MS);
  return days === 0 ? '今天截止' : `还有 ${days} 天`;
}

/** 75 is "1 分 15 秒". @param {number} seconds */
function showWait(seconds) {
  if (seconds < 60) return `${seconds} 秒`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} 分 ${seconds % 60} 秒`;
  return `${Math.ceil(seconds / 3600)} 小时`;
}

/** The first telephone number in a text, else "". @param {string | null | undefined} text */
function findNumber(text) {
  const found = /(?:\+86[ -]?)?(?:1\d{10}|0\d{2,3}[ -]?\d{7,8}|400[ -]?\d{3}[ -]?\d{4})/.exec(text || '');
  return found ? found[0] : '';
}

module.exports = { showDate, showTime, showAnswered, showBatch, showYuan, showDaysLeft, showWait, findNumber };
