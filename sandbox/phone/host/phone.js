/** The simulated phone: who holds it, how it is set, what it hears. */

import { report } from "./errors.js";
import { Files } from "./files.js";
import { Permissions } from "./permissions.js";
import { showNote } from "./sheets.js";
import { Stack } from "./stack.js";
import { Storage } from "./storage.js";

const SWITCHES = new Set(["page", "scene", "user", "theme", "fontScale", "privacy", "deny", "platform", "fresh", "envVersion"]);
const SCENE_CODE = 1047;
const SCENE_PLAIN = 1001;
const BAR_PX = 44;

export class Phone {
  constructor(files) {
    this.package = files;
    const asked = new URLSearchParams(location.search);
    this.switches = Object.fromEntries([...asked].filter(([name]) => SWITCHES.has(name)));
    this.user = this.readUser();
    this.storage = new Storage(this.user);
    if (this.switches.fresh) this.storage.reset();
    this.screen = {
      theme: this.switches.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"),
      fontScale: Number(this.switches.fontScale ?? 1) || 1,
      platform: this.switches.platform ?? "android",
    };
    if (!files.app.darkmode) this.screen.theme = "light";
    this.files = new Files();
    this.heard = new Map();
    this.motion = new Motion(this);
    const project = files.has("project.config.json") ? files.readJson("project.config.json") : {};
    this.appId = project.appid ?? "";
    this.name = files.app.window?.navigationBarTitleText || "小程序";
    this.permissions = new Permissions(this);
    this.stack = new Stack(this);
    this.launchOptions = this.readLaunch(asked);
    this.enterOptions = this.launchOptions;
    this.showNote = showNote;
    this.camera = null;
    this.network = null;
    /** This page came over the network: a browser without a route that denies there is one is not believed. */
    this.believesBrowser = navigator.onLine;
    this.watch();
  }

  readUser() {
    const user = this.switches.user ?? localStorage.getItem("host/user") ?? `student-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
    localStorage.setItem("host/user", user);
    return user;
  }

  readLaunch(asked) {
    const query = Object.fromEntries([...asked].filter(([name]) => !SWITCHES.has(name)).map(([name, value]) => [name, encodeURIComponent(value)]));
    if (this.switches.scene !== undefined) query.scene = encodeURIComponent(this.switches.scene);
    return { path: (this.switches.page ?? this.package.pages[0]).replace(/^\//, ""), query, scene: "scene" in query ? SCENE_CODE : SCENE_PLAIN, referrerInfo: {}, shareTicket: undefined, apiCategory: "default" };
  }

  /** The mini-program's own settings, once its modules are there. */
  get config() {
    return this.readConfig?.() ?? {};
  }

  templateTitle(id) {
    const found = Object.entries(this.config.templateTitles ?? {}).find(([known]) => known === id);
    return found?.[1] ?? { "demo-photo-rejected": "照片退回通知", "demo-photo-collected": "采集完成通知", "demo-deadline-near": "采集截止提醒", "demo-refund": "退款结果通知", "demo-data-request": "申请处理结果通知" }[id] ?? `订阅消息 ${id}`;
  }

  listen(name, heard) {
    if (typeof heard !== "function") return report("wx", `on${name}: not a function`);
    if (!this.heard.has(name)) this.heard.set(name, new Set());
    this.heard.get(name).add(heard);
    return undefined;
  }

  unlisten(name, heard) {
    if (heard) this.heard.get(name)?.delete(heard);
    else this.heard.delete(name);
  }

  /** Tell everyone who listens. */
  hear(name, value) {
    for (const heard of [...(this.heard.get(name) ?? [])]) {
      try {
        heard(value);
      } catch (error) {
        report("script", error, `on${name}`);
      }
    }
  }

  networkType() {
    return this.network ?? (navigator.onLine || !this.believesBrowser ? "wifi" : "none");
  }

  setNetwork(type) {
    this.network = type;
    this.tellNetwork();
  }

  tellNetwork() {
    const networkType = this.networkType();
    this.hear("NetworkStatusChange", { isConnected: networkType !== "none", networkType });
  }

  setTheme(theme) {
    this.screen.theme = theme;
    document.documentElement.dataset.theme = theme;
    this.styles.setTheme(theme);
    this.stack.setTheme();
    this.stack.call(this.stack.app, "onThemeChange", { theme });
    this.hear("ThemeChange", { theme });
  }

  watch() {
    for (const type of ["online", "offline"]) {
      window.addEventListener(type, () => {
        this.believesBrowser = true;
        this.tellNetwork();
      });
    }
    window.addEventListener("unhandledrejection", (event) => {
      const reason = event.reason instanceof Error ? event.reason : new Error(event.reason?.errMsg ?? String(event.reason));
      this.stack.call(this.stack.app, "onUnhandledRejection", { reason: event.reason });
      this.hear("UnhandledRejection", { reason: event.reason });
      report("promise", reason, this.stack.top?.path);
      event.preventDefault();
    });
    new ResizeObserver(() => this.resize()).observe(document.getElementById("phone"));
    this.resize();
  }

  resize() {
    const { width, height } = this.measure();
    const { style } = document.documentElement;
    style.setProperty("--rpx", `${width / 750}px`);
    style.setProperty("--vw", `${width / 100}px`);
    style.setProperty("--vh", `${height / 100}px`);
    if (this.sizeTold && (this.sizeTold.width !== width || this.sizeTold.height !== height)) {
      const size = { size: { windowWidth: width, windowHeight: height }, deviceOrientation: width > height ? "landscape" : "portrait" };
      this.stack.call(this.stack.top?.caller, "onResize", size);
      this.hear("WindowResize", size);
    }
    this.sizeTold = { width, height };
  }

  measure() {
    const screen = document.getElementById("phone").getBoundingClientRect();
    const statusBar = document.getElementById("status-bar").getBoundingClientRect().height;
    const isCustom = document.getElementById("phone").dataset.navigation === "custom";
    return { width: screen.width, height: screen.height, statusBar, top: isCustom ? 0 : statusBar + BAR_PX };
  }

  measureCapsule() {
    const screen = document.getElementById("phone").getBoundingClientRect();
    const { left, right, top, bottom, width, height } = document.getElementById("capsule").getBoundingClientRect();
    return { left: left - screen.left, right: right - screen.left, top: top - screen.top, bottom: bottom - screen.top, width, height };
  }

  share() {
    const offer = this.stack.call(this.stack.top.caller, "onShareAppMessage", { from: "menu" }) ?? {};
    showNote({ title: `转发：${offer.title ?? this.name}`, icon: "none" });
  }
}

/** How the phone is held: level until told otherwise. */
class Motion {
  constructor(phone) {
    this.phone = phone;
    this.running = new Set();
    this.angles = { alpha: 0, beta: 90, gamma: 0 };
    setInterval(() => this.beat(), 200);
  }

  start(name) {
    this.running.add(name);
  }

  stop(name) {
    this.running.delete(name);
  }

  tilt(angles) {
    Object.assign(this.angles, angles);
    this.beat();
  }

  beat() {
    const { beta, gamma } = this.angles;
    const turn = (degrees) => (degrees * Math.PI) / 180;
    if (this.running.has("DeviceMotionChange")) this.phone.hear("DeviceMotionChange", { ...this.angles });
    if (this.running.has("AccelerometerChange")) this.phone.hear("AccelerometerChange", { x: Math.sin(turn(gamma)), y: -Math.sin(turn(beta)) * Math.cos(turn(gamma)), z: -Math.cos(turn(beta)) * Math.cos(turn(gamma)) });
  }
}
