/** camera: the browser's camera behind WeChat's prompts, one at a time, a still on request. */

import { report } from "../errors.js";
import { tell } from "./index.js";

const WISHED = { low: { width: 640, height: 480 }, medium: { width: 1280, height: 960 }, high: { width: 1920, height: 1440 } };

export function makeCamera(phone) {
  return {
    camera: {
      properties: { mode: [String, "normal"], resolution: [String, "medium"], devicePosition: [String, "back"], flash: [String, "auto"], frameSize: [String, "medium"] },
      events: ["initdone", "error", "stop", "scancode"],
      made(comp, parts) {
        const video = document.createElement("video");
        video.muted = true;
        video.playsInline = true;
        video.autoplay = true;
        video.setAttribute("aria-label", "相机画面");
        parts.el.prepend(video);
        parts.video = video;
      },
      changed: {
        devicePosition(value, comp, parts) {
          parts.el.classList.toggle("mirrored", value === "front");
          if (parts.stream) start(phone, comp, parts);
        },
        resolution: (value) => { if (!(value in WISHED)) report("wxml", `camera has no resolution ${value}`); },
        flash: (value) => { if (!["auto", "on", "off", "torch"].includes(value)) report("wxml", `camera has no flash ${value}`); },
      },
      attached(comp, parts) {
        if (phone.camera) report("camera", "one camera at a time");
        phone.camera = { comp, parts };
        start(phone, comp, parts);
      },
      detached(_comp, parts) {
        if (phone.camera?.parts === parts) phone.camera = null;
        parts.isGone = true;
        stop(parts);
      },
    },
  };
}

async function start(phone, comp, parts) {
  stop(parts);
  try {
    await phone.permissions.require("scope.camera");
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false, video: { facingMode: comp.data.devicePosition === "front" ? "user" : "environment", width: { ideal: WISHED[comp.data.resolution]?.width }, height: { ideal: WISHED[comp.data.resolution]?.height }, resizeMode: "none" },
    });
    if (parts.isGone) return stream.getTracks().forEach((track) => track.stop());
    parts.stream = stream;
    parts.video.srcObject = stream;
    await parts.video.play();
    const { width = 0, height = 0 } = stream.getVideoTracks()[0].getSettings();
    tell(comp, "initdone", { maxZoom: 1, devicePosition: comp.data.devicePosition, width, height });
  } catch (error) {
    if (!parts.isGone) tell(comp, "error", { errMsg: error.errMsg ?? `insertCamera:fail ${error.name}: ${error.message}`, errno: error.errno });
  }
  return undefined;
}

function stop(parts) {
  parts.stream?.getTracks().forEach((track) => track.stop());
  parts.stream = null;
}

const QUALITIES = { low: 0.6, normal: 0.8, high: 0.92, original: 0.98 };

/** A still of the running camera, as a phone saves it; a front camera's is mirrored unless told otherwise. */
export async function takeStill({ comp, parts }, { quality = "normal", selfieMirror = true }) {
  const { video } = parts;
  if (!parts.stream || !video.videoWidth) throw new Error("camera has not been initialized");
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  if (comp.data.devicePosition === "front" && selfieMirror) {
    context.translate(canvas.width, 0);
    context.scale(-1, 1);
  }
  context.drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITIES[quality] ?? 0.8); });
  return { blob, width: canvas.width, height: canvas.height };
}
