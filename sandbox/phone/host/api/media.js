/** Pictures: camera stills, the album, codes, sizes. */

import { takeStill } from "../components/camera.js";
import { h, hostButton } from "../dom.js";
import { report } from "../errors.js";
import { openSheet, showNote } from "../sheets.js";

export function media(phone) {
  return {
    asynchronous: {
      chooseMedia: (options) => chooseMedia(phone, options),
      async getImageInfo({ src }) {
        const address = phone.files.isOwn(src) ? phone.files.toAddress(src) : phone.package.pictures.has(src.replace(/^\//, "")) ? `/phone/miniprogram/${src.replace(/^\//, "")}` : null;
        if (!address) throw new Error(`file not found ${src}`);
        const { width, height } = await measure(address);
        return { width, height, path: src, orientation: "up", type: "jpeg" };
      },
      previewImage: ({ urls, current }) => previewImage(phone, current ?? urls?.[0]),
      async compressImage({ src, quality = 80 }) {
        const picture = await createImageBitmap(phone.files.get(src));
        const canvas = h("canvas", { width: picture.width, height: picture.height });
        canvas.getContext("2d").drawImage(picture, 0, 0);
        const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", quality / 100); });
        return { tempFilePath: phone.files.keep(blob, "jpg") };
      },
      async saveImageToPhotosAlbum({ filePath }) {
        phone.files.get(filePath);
        await phone.permissions.require("scope.writePhotosAlbum");
      },
      scanCode: () => scanCode(phone),
    },
    plain: {
      createCameraContext: () => ({
        takePhoto(options = {}) { return takePhoto(phone, options); },
        setZoom({ zoom, success } = {}) { success?.({ zoom }); },
        stopRecord() {},
      }),
    },
  };
}

async function takePhoto(phone, { success, fail, complete, ...options }) {
  let answer;
  try {
    if (!phone.camera) throw new Error("no camera on this page");
    const { blob, width, height } = await takeStill(phone.camera, options);
    answer = { errMsg: "takePhoto:ok", tempImagePath: phone.files.keep(blob, "jpg"), width: String(width), height: String(height) };
  } catch (error) {
    answer = { errMsg: `takePhoto:fail ${error.message}` };
  }
  const isGood = answer.errMsg.endsWith(":ok");
  for (const callback of [isGood ? success : fail, complete]) {
    try {
      callback?.(answer);
    } catch (error) {
      report("script", error, "callback of takePhoto");
    }
  }
}

function measure(address) {
  return new Promise((resolve, reject) => {
    const picture = new Image();
    picture.onload = () => resolve({ width: picture.naturalWidth, height: picture.naturalHeight });
    picture.onerror = () => reject(new Error("not a picture"));
    picture.src = address;
  });
}

async function chooseMedia(phone, { count = 9, mediaType = ["image", "video"], sourceType = ["album", "camera"], sizeType = ["original", "compressed"] }) {
  if (mediaType.some((type) => !["image", "video", "mix"].includes(type)) || sourceType.some((type) => !["album", "camera"].includes(type)) || sizeType.some((type) => !["original", "compressed"].includes(type))) report("wx", "chooseMedia: mediaType, sourceType or sizeType");
  await phone.permissions.requirePrivacy();
  const picked = await openSheet({ testid: "media-sheet", label: "选择照片", dismissed: [], make: (close) => makeMediaSheet(sourceType, count, close) });
  if (!picked.length) throw new Error("cancel");
  const tempFiles = [];
  for (const file of picked) {
    const ending = (file.name.match(/\.(\w+)$/)?.[1] ?? "jpg").toLowerCase();
    const tempFilePath = phone.files.keep(file, ending);
    const { width, height } = await measure(phone.files.toAddress(tempFilePath)).catch(() => ({ width: 0, height: 0 }));
    tempFiles.push({ tempFilePath, size: file.size, fileType: "image", width, height });
  }
  return { tempFiles, type: "image" };
}

function makeMediaSheet(sources, count, close) {
  const field = (testid, capture) => h("input", {
    type: "file", accept: "image/*", class: "file-field", capture, multiple: count > 1, testid, onchange: ({ target }) => target.files.length && close([...target.files].slice(0, count)),
  });
  return [
    h("h2", {}, "选择照片"),
    sources.includes("camera") ? h("label", { class: "host-button", testid: "media-camera" }, "拍摄", field("photo-camera", "user")) : null,
    sources.includes("album") ? h("label", { class: "host-button", testid: "media-album" }, "从手机相册选择", field("photo-file", null)) : null,
    hostButton("取消", "media-cancel", () => close([]), "apart"),
  ];
}

async function previewImage(phone, path) {
  const address = phone.files.toAddress(path);
  if (!address) throw new Error(`file not found ${path}`);
  await openSheet({ testid: "preview-sheet", label: "图片", kind: "whole", dismissed: null, make: (close) => h("button", { type: "button", class: "preview", "aria-label": "关闭", testid: "preview-close", onclick: () => close(null) }, h("img", { src: address, alt: "" })) });
}

async function scanCode(phone) {
  await phone.permissions.requirePrivacy();
  const prepared = phone.nextScan;
  phone.nextScan = null;
  const text = prepared ?? await openSheet({
    testid: "scan-sheet", label: "扫一扫", kind: "bottom", dismissed: null,
    make(close) {
      const field = h("input", { class: "host-field", "aria-label": "码里的文字", placeholder: "模拟扫码：输入码里的文字", testid: "scan-input" });
      return [h("h2", {}, "扫一扫"), field, hostButton("扫到了", "scan-confirm", () => field.value && close(field.value), "strong wide"), hostButton("取消", "scan-cancel", () => close(null), "wide")];
    },
  });
  if (!text) throw new Error("cancel");
  const isOwn = /^\/?pages\//.test(text);
  showNote({ title: "已扫码", icon: "success", duration: 600 });
  return { result: isOwn ? "" : text, scanType: isOwn ? "WX_CODE" : "QR_CODE", charSet: "UTF-8", rawData: btoa(unescape(encodeURIComponent(text))), ...(isOwn && { path: text.replace(/^\//, "") }) };
}
