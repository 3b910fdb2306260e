/** The phone itself: its screen, its system, how the mini-program was entered. */

export function device(phone) {
  const { screen } = phone;
  const listeners = (name) => ({ [`on${name}`]: (heard) => phone.listen(name, heard), [`off${name}`]: (heard) => phone.unlisten(name, heard) });
  const getAppBaseInfo = () => ({
    SDKVersion: "3.8.12", enableDebug: false, language: "zh_CN", version: "8.0.60", theme: screen.theme, fontSizeScaleFactor: screen.fontScale,
    fontSizeSetting: 16 * screen.fontScale, host: { env: "WeChat" },
  });
  const getDeviceInfo = () => ({ brand: screen.platform === "ios" ? "iPhone" : "simulated", model: screen.platform === "ios" ? "iPhone 15" : "Simulated", system: screen.platform === "ios" ? "iOS 18.0" : "Android 14", platform: screen.platform, benchmarkLevel: 40, memorySize: 4096, abi: "arm64" });
  const getWindowInfo = () => {
    const { width, height, statusBar, top } = phone.measure();
    return {
      pixelRatio: window.devicePixelRatio, screenWidth: width, screenHeight: height, windowWidth: width, windowHeight: height - top, statusBarHeight: statusBar, screenTop: top,
      safeArea: { left: 0, right: width, top: statusBar, bottom: height, width, height: height - statusBar },
    };
  };
  return {
    plain: {
      env: Object.freeze({ USER_DATA_PATH: "wxfile://usr" }),
      getAppBaseInfo, getDeviceInfo, getWindowInfo,
      getSystemInfoSync: () => ({ ...getAppBaseInfo(), ...getDeviceInfo(), ...getWindowInfo() }),
      getSystemSetting: () => ({ bluetoothEnabled: false, locationEnabled: false, wifiEnabled: true, deviceOrientation: window.innerWidth > window.innerHeight ? "landscape" : "portrait" }),
      getAppAuthorizeSetting: () => ({ albumAuthorized: "authorized", cameraAuthorized: "authorized", notificationAuthorized: "authorized" }),
      getAccountInfoSync: () => ({ miniProgram: { appId: phone.appId, envVersion: phone.switches.envVersion ?? "develop", version: "" } }),
      getLaunchOptionsSync: () => ({ ...phone.launchOptions }),
      getEnterOptionsSync: () => ({ ...phone.enterOptions }),
      getMenuButtonBoundingClientRect: () => phone.measureCapsule(),
      getUpdateManager: () => ({ onCheckForUpdate: (heard) => setTimeout(() => heard({ hasUpdate: false })), onUpdateReady() {}, onUpdateFailed() {}, applyUpdate() {} }),
      getLogManager: () => logManager(), getRealtimeLogManager: () => logManager(), reportEvent() {},
      nextTick: (action) => Promise.resolve().then(action),
      ...listeners("AppShow"), ...listeners("AppHide"), ...listeners("Error"), ...listeners("UnhandledRejection"), ...listeners("ThemeChange"), ...listeners("WindowResize"),
    },
    asynchronous: { exitMiniProgram: () => phone.stack.hide() },
  };
}

function logManager() {
  return Object.freeze({ log() {}, info() {}, warn() {}, error() {}, debug() {}, addFilterMsg() {}, setFilterMsg() {} });
}
