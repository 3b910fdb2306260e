/** What imagecheck said about a photo, in the order in which to fix it. */

import { fetchPicture } from "./api.js";
import { cells, h } from "./dom.js";
import { showMeasured } from "./format.js";

const VERDICTS = {
  pass: ["通过检测", "照片符合标准"],
  warn: ["通过检测,有提示", "可以继续;审核老师会再看一眼下面的提示"],
  fail: ["未通过检测", "请按下面的建议重新拍摄"],
};

/** Measurements that students know from the notice, with the bands of 教毕指[2017]99号. */
const STANDARD_BANDS = [
  ["head_top_px", "头顶到上边", [50, 110], "px"],
  ["eye_line_px", "眼睛到上边", [200, 300], "px"],
  ["face_width_px", "脸宽", [180, 300], "px"],
  ["off_centre_px", "左右偏移", [-24, 24], "px"],
  ["roll_deg", "头部倾斜", [-8, 8], "°"],
];

/** Verdict, findings and measurements of one checked photo. */
export function showVerdict(photo) {
  const [title, text] = VERDICTS[photo.verdict] ?? ["正在检测", "请稍候"];
  const first = photo.first_findings;
  const rest = photo.findings.filter((finding) => !first.some((shown) => isSame(shown, finding)));
  return h(
    "div",
    { class: "stack" },
    h("div", { class: `verdict ${photo.verdict}`, role: "status", tabindex: "-1", "data-testid": "verdict", "data-verdict": photo.verdict },
      h("b", {}, title), h("span", {}, text)),
    first.length ? h("ol", { class: "findings", "aria-label": "检测提示" }, first.map(showFinding)) : null,
    rest.length
      ? h("details", { class: "fold", "data-testid": "more-findings" }, h("summary", {}, `还有 ${rest.length} 条提示`), h("ol", { class: "findings" }, rest.map(showFinding)))
      : null,
    showMeasurements(photo),
  );
}

function isSame(one, other) {
  return one.code === other.code && one.message === other.message;
}

function showFinding(finding) {
  const [value, band] = showMeasured(finding.value, finding.limit, finding.unit);
  return h(
    "li",
    { class: `finding ${finding.status}`, "data-testid": "finding", "data-code": finding.code, "data-status": finding.status },
    h("p", {}, finding.message),
    value || band
      ? h("p", { class: "measured" }, value ? h("span", {}, `测得 ${value}`) : null, band ? h("span", {}, `允许 ${band}`) : null)
      : null,
  );
}

function showMeasurements(photo) {
  const rows = STANDARD_BANDS.filter(([name]) => typeof photo.measurements?.[name] === "number").map(([name, label, band, unit]) => {
    const value = photo.measurements[name];
    const isAllowed = value >= band[0] && value <= band[1];
    const [measured, allowed] = showMeasured(value, band, unit);
    return h("tr", { "data-testid": "measurement", "data-name": name, class: isAllowed ? "ok" : "off" },
      h("th", { scope: "row" }, label), h("td", {}, measured), h("td", {}, allowed), h("td", {}, isAllowed ? "符合" : "不符合"));
  });
  if (!rows.length) return null;
  return h("section", { class: "group" },
    h("h2", { class: "group-title" }, "测量值(标准照 480×640)"),
    h("table", { class: "measures", "data-testid": "measurements" },
      h("thead", {}, h("tr", {}, ["项目", "测得", "允许", "结论"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows)));
}

/**
 * The standard photo with a switch for the measured lines. Both need the token, so they are fetched
 * and shown from memory; `signal` ends the visit and frees them.
 */
export function showStandardPhoto(photo, signal) {
  if (!photo.image) return null;
  const frame = h("div", { class: "photo-frame", "data-testid": "standard-photo" });
  const lines = h("input", { type: "checkbox", id: `lines-${photo.id}`, "data-testid": "overlay-toggle", checked: true });
  addPicture(frame, photo.image, "standard", "标准照片", "standard-image", signal).then(() =>
    photo.overlay && addPicture(frame, photo.overlay, "overlay", "测量线", "overlay", signal));
  lines.addEventListener("change", () => frame.classList.toggle("plain", !lines.checked));
  return cells(
    "标准照片",
    h("div", { class: "photo-cell" }, frame),
    photo.overlay ? h("div", { class: "cell" }, h("label", { class: "cell-label", for: lines.id }, "显示测量线"), lines) : null,
  );
}

async function addPicture(frame, path, kind, alt, testid, signal) {
  try {
    const url = await fetchPicture(path, signal);
    signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
    frame.append(h("img", { src: url, alt, class: kind, "data-testid": testid, width: "480", height: "640" }));
  } catch (error) {
    if (error.name !== "AbortError") frame.append(h("p", { class: "fine" }, `${alt}暂时无法显示`));
  }
}
