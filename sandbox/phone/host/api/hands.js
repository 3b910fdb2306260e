/** How the phone is held, and small things that a hand feels. */

import { report } from "../errors.js";
import { gesture } from "../events.js";

export function hands(phone) {
  const listeners = (name) => ({ [`on${name}`]: (heard) => phone.listen(name, heard), [`off${name}`]: (heard) => phone.unlisten(name, heard) });
  return {
    asynchronous: {
      startDeviceMotionListening: () => phone.motion.start("DeviceMotionChange"),
      stopDeviceMotionListening: () => phone.motion.stop("DeviceMotionChange"),
      startAccelerometer: () => phone.motion.start("AccelerometerChange"),
      stopAccelerometer: () => phone.motion.stop("AccelerometerChange"),
      vibrateShort() {}, vibrateLong() {}, setKeepScreenOn() {},
      hideKeyboard() { document.activeElement?.blur?.(); },
      setClipboardData({ data }) {
        if (typeof data !== "string") throw new Error("parameter error: parameter.data should be String");
        phone.clipboard = data;
        phone.showNote({ title: "内容已复制", icon: "success" });
      },
      getClipboardData: () => ({ data: phone.clipboard ?? "" }),
      /** The file leaves the phone, in a tap only; a browser saves it. */
      shareFileMessage({ filePath, fileName }) {
        if (!gesture.isInTap) {
          report("messages", "shareFileMessage outside of a tap", phone.stack.top?.path);
          throw new Error("can only be invoked by user TAP gesture");
        }
        const link = document.createElement("a");
        link.href = URL.createObjectURL(phone.files.get(filePath));
        link.download = fileName ?? filePath.split("/").at(-1);
        link.click();
        URL.revokeObjectURL(link.href);
      },
      makePhoneCall({ phoneNumber }) {
        if (typeof phoneNumber !== "string" || !phoneNumber) throw new Error("parameter error: parameter.phoneNumber should be String");
        phone.showNote({ title: `呼叫 ${phoneNumber}（模拟）`, icon: "none" });
      },
    },
    plain: { ...listeners("DeviceMotionChange"), ...listeners("AccelerometerChange") },
  };
}
