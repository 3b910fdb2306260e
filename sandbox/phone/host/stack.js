/** The app and its pages: who is on top, who hears what, and the bar above them. */

import { report } from "./errors.js";
import { h } from "./dom.js";
import { resolvePath } from "./package.js";

const DEEPEST = 10;
const PULL_PX = 60;

export class Stack {
  constructor(phone) {
    this.phone = phone;
    this.pages = [];
    this.app = null;
    this.isHidden = false;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.hide() : this.show()));
    window.addEventListener("popstate", (event) => this.follow(event.state?.depth ?? 1));
  }

  get top() {
    return this.pages.at(-1);
  }

  findByElement(el) {
    return this.pages.find((page) => page.el === el) ?? (this.opening?.el === el ? this.opening : null);
  }

  /** App(definition): the one object that getApp returns. */
  register(definition) {
    if (this.app) return report("app", "App() was called twice");
    this.app = definition;
    return undefined;
  }

  launch(options) {
    if (!this.app) this.app = {};
    const app = this.app;
    this.call(app, "onLaunch", options);
    this.call(app, "onShow", options);
    const path = options.path;
    history.replaceState({ depth: 1 }, "");
    if (!this.phone.package.pages.includes(path)) {
      report("navigation", `page ${path} is not in app.json`);
      this.call(app, "onPageNotFound", { path, query: options.query, isEntryPage: true });
      return;
    }
    this.open(path, options.query);
  }

  /** Run a lifecycle function; a throw is a mistake of the page, never the end of the host. */
  call(owner, name, ...given) {
    if (typeof owner?.[name] !== "function") return undefined;
    try {
      return owner[name](...given);
    } catch (error) {
      report("script", error, `${owner.route ?? "app.js"} ${name}`);
      return undefined;
    }
  }

  hide() {
    if (this.isHidden) return;
    this.isHidden = true;
    if (this.top) this.leave(this.top);
    this.call(this.app, "onHide");
    this.phone.hear("AppHide");
  }

  show() {
    if (!this.isHidden) return;
    this.isHidden = false;
    const options = this.phone.enterOptions;
    this.call(this.app, "onShow", options);
    this.phone.hear("AppShow", options);
    if (this.top) this.enter(this.top);
  }

  enter(page) {
    this.call(page.caller, "onShow");
    this.phone.framework.tellComponents(page.root, "show");
  }

  leave(page) {
    this.call(page.caller, "onHide");
    this.phone.framework.tellComponents(page.root, "hide");
  }

  open(path, query) {
    const { framework } = this.phone;
    const { root, caller, el } = framework.createPage(path);
    const page = new Page(this.phone, path, { root, caller, el, query });
    caller.route = path;
    caller.options = query;
    el.dataset.page = path;
    // A page below is a web view of its own on a phone: it is not in this document until it is on top again.
    for (const each of this.pages) each.frame.remove();
    document.getElementById("pages").append(page.frame);
    this.pages.push(page);
    this.dress(page);
    this.phone.checkHandlers(path, caller);
    framework.attach(root, page.scroller);
    this.call(caller, "onLoad", query);
    this.enter(page);
    this.call(caller, "onReady");
    framework.triggerLifetime(root, "ready");
    document.getElementById("title").focus({ preventScroll: true });
  }

  close() {
    const page = this.pages.pop();
    this.call(page.caller, "onUnload");
    this.phone.framework.release(page.root);
    page.frame.remove();
  }

  /** Where a page's address leads; throws what `fail` gets. */
  resolve(url) {
    const [address, search = ""] = String(url).split("?");
    const path = resolvePath(address, this.top?.path ?? "");
    if (!this.phone.package.pages.includes(path)) {
      report("navigation", `page ${path} is not in app.json`, this.top?.path);
      this.call(this.app, "onPageNotFound", { path, query: {}, isEntryPage: false });
      throw new Error(`page "${path}" is not found`);
    }
    const pairs = search.split("&").filter(Boolean).map((pair) => pair.split("="));
    return { path, query: Object.fromEntries(pairs.map(([name, ...rest]) => [name, rest.join("=")])) };
  }

  navigateTo(url) {
    const { path, query } = this.resolve(url);
    if (this.pages.length >= DEEPEST) {
      report("navigation", `more than ${DEEPEST} pages on the stack`, this.top.path);
      throw new Error(`webview count limit exceed`);
    }
    this.leave(this.top);
    this.open(path, query);
    history.pushState({ depth: this.pages.length }, "");
  }

  redirectTo(url) {
    const { path, query } = this.resolve(url);
    this.close();
    this.open(path, query);
  }

  reLaunch(url) {
    const { path, query } = this.resolve(url);
    const surplus = this.pages.length - 1;
    while (this.pages.length) this.close();
    this.open(path, query);
    this.rewind(surplus);
  }

  navigateBack(delta = 1) {
    if (this.pages.length < 2) throw new Error("cannot navigate back at first page.");
    const count = Math.min(delta, this.pages.length - 1);
    this.pop(count);
    this.rewind(count);
  }

  pop(count) {
    for (let each = 0; each < count; each += 1) this.close();
    const { scrolled } = this.top;
    document.getElementById("pages").append(this.top.frame);
    this.dress(this.top);
    this.enter(this.top);
    this.top.scroller.scrollTop = scrolled;
    if (this.phone.camera) this.phone.camera.parts.video.play().catch(() => {});
  }

  /** Let the browser's own history have as many steps as there are pages. */
  rewind(count) {
    if (!count) return;
    this.ignored = (this.ignored ?? 0) + 1;
    history.go(-count);
  }

  /** The browser's back button. */
  follow(depth) {
    if (this.ignored) this.ignored -= 1;
    else if (depth < this.pages.length) this.pop(this.pages.length - depth);
  }

  /** The student presses back in the bar. */
  async goBack() {
    const warning = this.top.leaveWarning;
    if (warning && !(await this.phone.wx.showModal({ content: warning })).confirm) return;
    this.navigateBack(1);
  }

  /** Let the bar, the colours and the root's font size be those of the page on top. */
  dress(page) {
    if (page !== this.top) return;
    const { bar, config } = page;
    const shell = document.getElementById("phone");
    const isCustom = config.navigationStyle === "custom";
    shell.dataset.navigation = isCustom ? "custom" : "default";
    shell.dataset.page = page.path;
    const title = document.getElementById("title");
    title.textContent = bar.title;
    title.classList.toggle("loading", Boolean(bar.loading));
    document.title = bar.title || "高校图像信息采集";
    const front = bar.front === "#ffffff" || bar.front === "white" ? "white" : "black";
    shell.dataset.front = front;
    shell.style.setProperty("--bar", bar.background);
    shell.style.setProperty("--ground", page.background || config.backgroundColor || (this.phone.screen.theme === "dark" ? "#111111" : "#ffffff"));
    document.documentElement.style.fontSize = page.rootFontSize || "16px";
    document.getElementById("back").hidden = this.pages.length < 2;
    document.getElementById("home").hidden = this.pages.length > 1 || page.path === this.phone.package.pages[0] || page.isHomeHidden;
  }

  setTheme() {
    for (const page of this.pages) page.readWindow();
    if (this.top) this.dress(this.top);
  }
}

class Page {
  constructor(phone, path, { root, caller, el, query }) {
    Object.assign(this, { phone, path, root, caller, el, query, rootFontSize: "", background: "", leaveWarning: "", scrolled: 0 });
    this.scroller = h("div", { class: "scroller", tabindex: "0" });
    this.spinner = h("div", { class: "pull", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
    this.frame = h("section", { class: "page" }, this.spinner, this.scroller);
    this.overrides = {};
    this.readWindow();
    this.scroller.addEventListener("scroll", () => this.scroll());
    if (this.config.enablePullDownRefresh) this.watchPull();
    if (this.config.disableScroll) this.scroller.classList.add("fixed");
  }

  readWindow() {
    this.config = this.phone.package.windowOf(this.path, this.phone.screen.theme);
    const { navigationBarTitleText = "", navigationBarTextStyle = "white", navigationBarBackgroundColor = "#000000" } = this.config;
    this.bar = { title: navigationBarTitleText, front: navigationBarTextStyle, background: navigationBarBackgroundColor, ...this.overrides };
  }

  setBar(values) {
    Object.assign(this.overrides, values);
    this.bar = { ...this.bar, ...values };
    this.phone.stack.dress(this);
  }

  scroll() {
    if (!this.frame.isConnected) return;
    this.scrolled = this.scroller.scrollTop;
    this.phone.stack.call(this.caller, "onPageScroll", { scrollTop: this.scrolled });
    const rest = this.scroller.scrollHeight - this.scrolled - this.scroller.clientHeight;
    if (rest < (this.config.onReachBottomDistance ?? 50)) this.phone.stack.call(this.caller, "onReachBottom");
  }

  watchPull() {
    let start = null;
    this.scroller.addEventListener("touchstart", ({ touches }) => { start = this.scroller.scrollTop <= 0 ? touches[0].clientY : null; }, { passive: true });
    this.scroller.addEventListener("touchend", ({ changedTouches }) => {
      if (start !== null && changedTouches[0].clientY - start > PULL_PX) this.pullDown();
      start = null;
    }, { passive: true });
  }

  pullDown() {
    if (!this.config.enablePullDownRefresh) report("page", "enablePullDownRefresh is not set", `${this.path}.json`);
    if (this.isPulled) return;
    this.isPulled = true;
    this.frame.classList.add("pulled");
    this.phone.stack.call(this.caller, "onPullDownRefresh");
  }

  endPull() {
    this.isPulled = false;
    this.frame.classList.remove("pulled");
  }
}
