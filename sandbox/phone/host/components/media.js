/** image and cover-image: files of the package and temporary files, never a remote address. */

import { report } from "../errors.js";
import { resolvePath } from "../package.js";
import { tell } from "./index.js";

const MODES = new Set("scaleToFill aspectFit aspectFill widthFix heightFix top bottom center left right".split(" ").concat(["top left", "top right", "bottom left", "bottom right"]));

export function media(phone) {
  const image = {
    properties: { src: [String, ""], mode: [String, "scaleToFill"], lazyLoad: [Boolean, false], showMenuByLongpress: [Boolean, false], fadeIn: [Boolean, false], webp: [Boolean, false] },
    events: ["load", "error"], hasSlot: false,
    made(comp, parts) {
      const picture = document.createElement("img");
      picture.alt = "";
      parts.field = picture;
      picture.addEventListener("load", () => tell(comp, "load", { width: picture.naturalWidth, height: picture.naturalHeight }));
      picture.addEventListener("error", () => tell(comp, "error", { errMsg: `GET ${comp.data.src}` }));
      parts.el.append(picture);
    },
    changed: {
      src(value, comp, { field }) {
        const address = value ? findPicture(phone, comp, value) : null;
        if (address) field.src = address;
        else field.removeAttribute("src");
      },
      mode(value, _comp, { el }) {
        if (!MODES.has(value)) report("wxml", `image has no mode ${value}`);
        el.dataset.mode = value;
      },
    },
    attached: (_comp, { field }) => useLabelAsText(field),
  };
  return { image, "cover-image": image };
}

/** A picture is read out by its text, not by an aria-label. */
function useLabelAsText(field) {
  const label = field.getAttribute("aria-label");
  if (label) field.alt = label;
}

function findPicture(phone, comp, src) {
  if (src.startsWith("data:image/")) return src;
  if (phone.files.isOwn(src)) return phone.files.toAddress(src);
  const owner = comp.ownerShadowRoot?.getHostNode()?.is ?? "";
  if (/^\w+:/.test(src)) return report("image", `${src}: no remote address`, owner) ?? null;
  const path = resolvePath(src, owner);
  if (!phone.package.pictures.has(path)) return report("image", `${src} does not exist`, owner) ?? null;
  return phone.package.addresses.get(path) ?? `/phone/miniprogram/${path}`;
}
