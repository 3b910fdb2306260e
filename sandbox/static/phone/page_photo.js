/** 拍摄照片: tips, camera or file, preview, upload, verdict. */

import { call, poll, upload } from "./api.js";
import { actionButton, errorBox, fill, h, loading, plainButton } from "./dom.js";
import { takePhoto } from "./camera.js";
import { remembered } from "./session.js";
import { showStandardPhoto, showVerdict } from "./verdict.js";
import { askUntil } from "./waiting.js";

const TYPES = "image/jpeg,image/png,image/heic,image/heif,.jpg,.jpeg,.png,.heic";
const MAX_BYTES = 10 * 1024 * 1024;
const POLL_MS = 2000;
const POLL_FOR_MS = 5 * 60 * 1000;
const TIPS = [
  "面对镜头,头部端正,双眼睁开,嘴唇自然闭合",
  "背景为干净的浅色墙面,光线均匀,脸上没有阴影",
  "头发不遮眉毛、眼睛和耳朵,不戴帽子和首饰",
  "衣服颜色与背景有明显区别",
];

/** Take one photo from choice to verdict for one enrolment. */
export async function photoPage({ go, signal }, enrolmentId) {
  const enrolment = await call("GET", `/enrolments/${enrolmentId}`, undefined, signal);
  const requirements = await readRequirements(enrolment.feature_code ?? remembered().code, signal);
  const errors = h("div", {});
  const stage = h("div", { class: "stack" });
  const chooser = makeChooser({ errors, signal, onfile: (file) => showPreview(file) });

  function showPreview(file) {
    errors.replaceChildren();
    if (file.size > requirements.max_bytes) {
      errors.replaceChildren(errorBox({ code: "photo_too_large", message: `照片 ${(file.size / 1048576).toFixed(1)} MB,超过 ${requirements.max_bytes / 1048576} MB,请换一张小一些的` }));
      return;
    }
    stage.replaceChildren(makePreview(file, signal), makeUpload(file));
    stage.querySelector("[data-testid=upload-button]").focus();
  }

  function makeUpload(file) {
    const progress = h("progress", { max: "1", value: "0", "data-testid": "progress", "aria-label": "上传进度", hidden: true });
    const note = h("p", { class: "fine", role: "status", "data-testid": "upload-note" });
    const button = actionButton({
      label: "上传并检测", testid: "upload-button", errors,
      run: async () => {
        chooser.toggleAttribute("inert", true);
        progress.hidden = false;
        try {
          const photo = await upload(`/enrolments/${enrolmentId}/photos`, file, (share) => {
            progress.value = share;
            note.textContent = share < 1 ? `正在上传 ${Math.round(share * 100)}%` : "已上传,正在检测…";
          }, signal);
          showResult(await waitForVerdict(photo, note, signal));
        } finally {
          chooser.toggleAttribute("inert", false);
          progress.hidden = true;
          note.textContent = "";
        }
      },
    });
    return h("div", { class: "stack" }, progress, note, button);
  }

  function showResult(photo) {
    const isGood = photo.verdict === "pass" || photo.verdict === "warn";
    fill(
      stage,
      showVerdict(photo),
      isGood ? plainButton("下一步", "continue-button", () => go(`e/${enrolmentId}`), "primary") : null,
      showStandardPhoto(photo, signal),
    );
    chooser.querySelector("[data-testid=photo-file]").value = "";
    const verdict = stage.querySelector("[data-testid=verdict]");
    verdict.focus();
    verdict.scrollIntoView({ block: "start" });
  }

  return h("div", { class: "stack" }, showTips(requirements.tips), stage, errors, chooser);
}

async function readRequirements(featureCode, signal) {
  if (!featureCode) return { max_bytes: MAX_BYTES, tips: TIPS };
  try {
    return (await call("GET", `/codes/${encodeURIComponent(featureCode)}`, undefined, signal)).photo;
  } catch (error) {
    if (error.name === "AbortError" || error.status === 401) throw error;
    return { max_bytes: MAX_BYTES, tips: TIPS };
  }
}

function showTips(tips) {
  return h("section", { class: "group", "data-testid": "tips" }, h("h2", { class: "group-title" }, "拍摄要求"), h("ul", { class: "tips" }, tips.map((tip) => h("li", {}, tip))));
}

function makeChooser({ errors, signal, onfile }) {
  const input = h("input", { type: "file", id: "photo-file", accept: TYPES, class: "file-input", "data-testid": "photo-file", onchange: () => input.files[0] && onfile(input.files[0]) });
  const camera = actionButton({
    label: "拍照", testid: "camera-button", errors, kind: "default",
    run: async () => {
      const file = await takePhoto(signal);
      if (file) onfile(file);
    },
  });
  return h("div", { class: "chooser" }, camera, h("label", { for: "photo-file", class: "button default" }, "从相册选择"), input);
}

function makePreview(file, signal) {
  const url = URL.createObjectURL(file);
  signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
  const image = h("img", { src: url, alt: "待上传的照片", class: "preview", "data-testid": "preview" });
  const figure = h("figure", { class: "preview-box" }, image, h("figcaption", { class: "fine" }, `${file.name} · ${(file.size / 1024).toFixed(0)} KB`));
  image.addEventListener("error", () => image.replaceWith(h("p", { class: "fine", "data-testid": "no-preview" }, "这种格式无法预览,仍可上传检测")), { once: true });
  return figure;
}

async function waitForVerdict(photo, note, signal) {
  if (photo.verdict || !photo.poll) return photo;
  note.textContent = `照片已安全保存,正在排队检测,约 ${photo.estimate_s ?? 5} 秒`;
  const checked = await askUntil(
    async () => {
      const answer = await poll(photo.poll, signal);
      if (answer.estimate_s) note.textContent = `照片已安全保存,正在排队检测,约 ${answer.estimate_s} 秒`;
      return answer;
    },
    (answer) => answer.verdict !== null || answer.state !== "received",
    { everyMs: POLL_MS, forMs: POLL_FOR_MS, signal },
  );
  if (checked?.verdict) return checked;
  throw Object.assign(new Error("照片已安全保存,检测还在排队。可以离开,稍后在“采集情况”查看结论"), { code: "still_waiting" });
}

/** The page while a photo of an earlier visit waits for its verdict. */
export function waitingNote(photo) {
  return loading(`照片已保存,正在检测,约 ${photo?.estimate_s ?? 5} 秒`);
}
