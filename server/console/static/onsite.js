// The camera of this device on the on-site page. Where there is none, or no permission, the file
// field does the same: a phone opens its own camera from it.
(() => {
  "use strict";
  const form = document.getElementById("onsite");
  const media = navigator.mediaDevices;
  if (!form || !media || !media.getUserMedia) return;
  const box = document.getElementById("camera");
  const view = document.getElementById("camera-view");
  const said = document.getElementById("camera-said");
  const shoot = document.getElementById("camera-shoot");
  const change = document.getElementById("camera-switch");
  const field = form.elements.photo;
  let stream = null;
  let facing = "environment";

  const stop = () => { if (stream) stream.getTracks().forEach((track) => track.stop()); };
  const start = async () => {
    stop();
    try {
      stream = await media.getUserMedia({
        video: { facingMode: facing, width: { ideal: 1920 }, height: { ideal: 1440 } },
        audio: false,
      });
    } catch {
      said.textContent = "摄像头打不开：请在浏览器里允许使用，或用下面的文件选择。";
      return;
    }
    view.srcObject = stream;
    await view.play();
    box.hidden = false;
    said.textContent = "请学生正对镜头，头和肩对准轮廓，身后是干净的墙。";
    const devices = await media.enumerateDevices();
    change.hidden = devices.filter((each) => each.kind === "videoinput").length < 2;
  };
  change.addEventListener("click", () => {
    facing = facing === "environment" ? "user" : "environment";
    start();
  });
  shoot.addEventListener("click", () => {
    const identity = form.elements.identity;
    if (!identity.reportValidity()) return;
    const canvas = document.createElement("canvas");
    canvas.width = view.videoWidth;
    canvas.height = view.videoHeight;
    canvas.getContext("2d").drawImage(view, 0, 0);
    canvas.toBlob((blob) => {
      const files = new DataTransfer();
      files.items.add(new File([blob], "camera.jpg", { type: "image/jpeg" }));
      field.files = files.files;
      shoot.disabled = true;
      said.textContent = "正在提交…";
      stop();
      form.requestSubmit();
    }, "image/jpeg", 0.95);
  });
  window.addEventListener("pagehide", stop);
  start();
})();
