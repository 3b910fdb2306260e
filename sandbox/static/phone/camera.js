/** The phone's camera: a live picture with a guide, and one still from it, never mirrored. */

import { h, plainButton } from "./dom.js";

const WISHED = { audio: false, video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1440 } } };
const JPEG_QUALITY = 0.95;

/**
 * Open the camera over the page. Resolves with a JPEG File, or null when the student closes it;
 * rejects with a Chinese message when there is no camera or no permission.
 */
export async function takePhoto(signal) {
  const stream = await openCamera();
  const root = document.getElementById("sheet-root");
  const video = h("video", { class: "camera-view", autoplay: true, playsinline: true, "data-testid": "camera-view", "aria-label": "相机画面" });
  video.muted = true;
  video.srcObject = stream;
  try {
    return await new Promise((resolve, reject) => {
      const shutter = plainButton("拍照", "camera-shutter", () => readFrame(video).then(resolve, reject), "shutter");
      const close = plainButton("取消", "camera-cancel", () => resolve(null), "text light");
      shutter.disabled = true;
      video.addEventListener("loadeddata", () => { shutter.disabled = false; shutter.focus(); }, { once: true });
      signal?.addEventListener("abort", () => resolve(null), { once: true });
      root.replaceChildren(h("div", { class: "camera", role: "dialog", "aria-modal": "true", "aria-label": "拍照", onkeydown: (event) => event.key === "Escape" && resolve(null) },
        h("div", { class: "camera-stage" }, video, h("div", { class: "camera-guide", "aria-hidden": "true" }), h("p", { class: "camera-hint" }, "头部放进椭圆,双眼平视镜头")),
        h("div", { class: "camera-bar" }, close, shutter)));
    });
  } finally {
    stream.getTracks().forEach((track) => track.stop());
    root.replaceChildren();
  }
}

async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) throw refusal("此浏览器不能使用相机,请选择已有照片");
  try {
    return await navigator.mediaDevices.getUserMedia(WISHED);
  } catch (error) {
    throw refusal(error.name === "NotAllowedError" ? "没有相机权限,请在浏览器设置中允许,或选择已有照片" : "没有找到可用的相机,请选择已有照片");
  }
}

function refusal(message) {
  return Object.assign(new Error(message), { code: "camera_unavailable" });
}

async function readFrame(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", JPEG_QUALITY); });
  if (!blob) throw refusal("没有拍到画面,请再试一次");
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}
