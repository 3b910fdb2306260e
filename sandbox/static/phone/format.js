/** How numbers and times are shown. Pages show Beijing time wherever the browser stands. */

const MINUTE = new Intl.DateTimeFormat("zh-CN", {
  timeZone: "Asia/Shanghai",
  year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
  hourCycle: "h23",
});

/** "2026-11-10 23:59" in Asia/Shanghai; null stays null. */
export function showTime(iso) {
  if (!iso) return null;
  const part = Object.fromEntries(MINUTE.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}

/** 2000 → "¥20.00" */
export function showYuan(fen) {
  return `¥${(fen / 100).toFixed(2)}`;
}

/** The window of a feature code in words. */
export function showWindow(opensAt, closesAt) {
  if (!opensAt && !closesAt) return "长期开放";
  return `${showTime(opensAt) ?? "即日"} 至 ${showTime(closesAt) ?? "另行通知"}`;
}

/** Why a feature code is not open now. */
export function showClosed(opensAt, closesAt) {
  if (opensAt && new Date(opensAt) > new Date()) return `采集尚未开始,${showTime(opensAt)} 起可以采集`;
  return closesAt ? `采集已于 ${showTime(closesAt)} 结束,如有疑问请联系学习中心` : "现在不能采集,请联系学习中心";
}

/** Units of a finding in the words of students; others stand as they are. */
const UNITS = { deg: "°", faces: "张人脸", "L*": "(亮度)", Lab: "(色差)", dE: "(色差)" };

/** 31 and [50, 110] with "px" → ["31 px", "50–110 px"]; open ends read ≥ and ≤. */
export function showMeasured(value, limit, unit) {
  const suffix = unit ? ` ${UNITS[unit] ?? unit}` : "";
  return [value === null || value === undefined ? null : `${round(value)}${suffix}`, showLimit(limit, suffix)];
}

function showLimit(limit, suffix) {
  if (limit === null || limit === undefined) return null;
  if (!Array.isArray(limit)) return `${round(limit)}${suffix}`;
  const [low, high] = limit;
  if (low === null && high === null) return null;
  if (low === null) return `≤ ${round(high)}${suffix}`;
  if (high === null) return `≥ ${round(low)}${suffix}`;
  return `${round(low)}${low < 0 ? " 至 " : "–"}${round(high)}${suffix}`;
}

function round(value) {
  if (typeof value !== "number") return String(value);
  return Number(value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0)).toString();
}
