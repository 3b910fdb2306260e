/** Starts the simulated WeChat: libraries, package, checks, app. */

import { makeWx } from "./api/index.js";
import { listBuiltIns } from "./components/index.js";
import { hostButton } from "./dom.js";
import { errors, report } from "./errors.js";
import { dropStrayClicks, Events } from "./events.js";
import { Framework } from "./framework.js";
import { lintTemplate } from "./lint.js";
import { loadLibrary, Modules } from "./loader.js";
import { fetchPackage } from "./package.js";
import { Phone } from "./phone.js";
import { openSheet } from "./sheets.js";
import { Styles } from "./styles.js";
import { compileTemplates } from "./templates.js";

let readyAt = 0;
const LIBRARIES = "/phone/libraries";

async function fetchLibraries() {
  const [framework, adapter, compiler, binary] = await Promise.all([
    fetchText("glass-easel/dist/glass_easel.all.js"),
    fetchText("glass-easel-miniprogram-adapter/dist/glass_easel_miniprogram_adapter.js"),
    fetchText("glass-easel-template-compiler/glass_easel_template_compiler.js"),
    fetch(`${LIBRARIES}/glass-easel-template-compiler/glass_easel_template_compiler_bg.wasm`).then((answer) => answer.arrayBuffer()),
  ]);
  const glassEasel = await loadLibrary("glass-easel", framework.replace(/\/\/# sourceMappingURL.*/g, ""), {});
  return {
    glassEasel,
    adapter: await loadLibrary("glass-easel-miniprogram-adapter", adapter.replace(/\/\/# sourceMappingURL.*/g, ""), { "glass-easel": glassEasel }),
    compiler: await loadLibrary("glass-easel-template-compiler", compiler, {
      util: { TextDecoder, TextEncoder }, path: { join: () => "" }, fs: { readFileSync: () => new Uint8Array(binary) },
    }),
  };
}

async function fetchText(path) {
  const answer = await fetch(`${LIBRARIES}/${path}`);
  if (!answer.ok) throw new Error(`小程序组件框架没有安装（${path}）`);
  return answer.text();
}

async function start() {
  const [libraries, files] = await Promise.all([fetchLibraries(), fetchPackage()]);
  const phone = new Phone(files);
  document.documentElement.dataset.theme = phone.screen.theme;
  phone.framework = new Framework(libraries.glassEasel, libraries.adapter);
  phone.builtIns = listBuiltIns(phone);
  for (const [name, definition] of phone.builtIns) phone.framework.defineBuiltIn(name, definition);
  phone.wx = makeWx(phone);
  const paths = [...files.components, ...files.pages].filter((path) => checkFiles(files, path));
  const sources = Object.fromEntries(Object.entries(files.texts).filter(([path]) => path.endsWith(".js")));
  const [templates, modules] = [await compileTemplates(libraries.compiler, files), await Modules.load(sources)];
  phone.styles = addStyles(files, paths);
  phone.styles.setTheme(phone.screen.theme);
  phone.handlers = new Map(paths.map((path) => [path, lintTemplate(path, files, phone.builtIns)]));
  phone.checkHandlers = (path, caller) => {
    for (const [name, where] of phone.handlers.get(path) ?? []) if (typeof caller[name] !== "function") report("wxml", `handler ${name} does not exist`, where);
  };
  provideGlobals(phone, modules);
  register(phone, modules, templates, paths);
  dropStrayClicks();
  new Events(phone.framework, document.getElementById("pages"));
  furnish(phone);
  document.getElementById("starting")?.remove();
  phone.stack.launch(phone.launchOptions);
  readyAt = performance.now();
  files.keepPictures();
  document.documentElement.dataset.ready = "true";
}

function checkFiles(files, path) {
  const missing = [".js", ".wxml"].filter((ending) => !files.has(path + ending));
  for (const ending of missing) report("package", `${path}${ending} does not exist`, files.pages.includes(path) ? "app.json" : path);
  return missing.length === 0;
}

/** The app's sheet counts for pages, a page's for itself, a component's inside its scope. */
function addStyles(files, paths) {
  const styles = new Styles(files);
  styles.add("app");
  for (const path of paths) styles.add(path, files.pages.includes(path) ? { page: path } : { scope: scopeOf(path) });
  return styles;
}

function scopeOf(path) {
  return path.replaceAll("/", "_");
}

function provideGlobals(phone, modules) {
  const misplaced = (name) => () => report("app", `${name}() outside of its own file`);
  modules.given = {
    wx: phone.wx, App: (definition) => phone.stack.register(definition), Page: misplaced("Page"), Component: misplaced("Component"), Behavior: misplaced("Behavior"),
    getApp: () => phone.stack.app, getCurrentPages: () => phone.stack.pages.map(({ caller }) => caller),
  };
  phone.readConfig = () => (modules.has("config.js") ? modules.require("config.js") : {});
  if (!/^https?:\/\/[^/]+$/.test(phone.config.server ?? "")) report("package", "config.js exports no server (an origin without a path)", "config.js");
  runModule(modules, "app.js");
}

function runModule(modules, path) {
  try {
    if (modules.has(path)) modules.require(path);
  } catch (error) {
    report("script", error, `miniprogram/${path}`);
  }
}

function register(phone, modules, templates, paths) {
  for (const path of paths) {
    let count = 0;
    const isPage = phone.package.pages.includes(path);
    phone.framework.register(path, {
      config: { ...phone.package.readJson(`${path}.json`), usingComponents: Object.fromEntries(Object.entries(phone.package.usingOf(path)).map(([tag, target]) => [tag, `/${target}`])) },
      template: templates(path), scope: isPage ? undefined : scopeOf(path),
      run(env) {
        const once = (make) => (definition) => {
          count += 1;
          return make(isPage ? definition : watchHandlers(phone, path, definition));
        };
        modules.given = { ...modules.given, Page: once(env.Page), Component: once(env.Component), Behavior: env.Behavior };
        runModule(modules, `${path}.js`);
      },
    });
    if (count !== 1) report("package", `${path}.js calls Page() or Component() ${count} times`, path);
  }
}

/** A component's handlers are looked for when the first one of its kind appears. */
function watchHandlers(phone, path, definition) {
  const lifetimes = { ...definition.lifetimes };
  const { attached } = lifetimes;
  lifetimes.attached = function enter(...given) {
    phone.checkHandlers(path, this);
    return (attached ?? definition.attached)?.apply(this, given);
  };
  return { ...definition, lifetimes };
}

/** The bar's buttons, the menu and the handle for tests. */
function furnish(phone) {
  const clock = document.getElementById("clock");
  const tick = () => { clock.textContent = new Date().toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false }); };
  tick();
  setInterval(tick, 10000);
  document.getElementById("back").addEventListener("click", () => phone.stack.goBack());
  document.getElementById("home").addEventListener("click", () => phone.stack.reLaunch(`/${phone.package.pages[0]}`));
  document.getElementById("capsule-more").addEventListener("click", () => openMenu(phone));
  document.getElementById("capsule-close").addEventListener("click", () => location.reload());
  for (const node of document.querySelectorAll("[data-user]")) node.textContent = phone.user;
  window.__host = Object.freeze({
    errors,
    get readyAt() { return readyAt; },
    app: () => phone.stack.app,
    pages: () => phone.stack.pages.map(({ path }) => path),
    tilt: (angles) => phone.motion.tilt(angles),
    network: (type) => phone.setNetwork(type),
    theme: (theme) => phone.setTheme(theme),
    scan: (text) => { phone.nextScan = text; },
    hide: () => phone.stack.hide(),
    show: () => phone.stack.show(),
    pullDown: () => phone.stack.top.pullDown(),
    storage: { get: (key) => phone.storage.get(key), set: (key, value) => phone.storage.set(key, value) },
  });
}

async function openMenu(phone) {
  const choice = await openSheet({
    testid: "share-sheet", label: "更多", dismissed: "",
    make: (close) => [
      hostButton("转发给朋友", "menu-share", () => close("share")),
      hostButton("设置", "menu-setting", () => close("setting")),
      hostButton("重新进入小程序", "menu-restart", () => close("restart")),
      hostButton("取消", "menu-cancel", () => close(""), "apart"),
    ],
  });
  if (choice === "share") phone.share();
  if (choice === "setting") await phone.permissions.openSetting();
  if (choice === "restart") location.reload();
}

start().catch((error) => {
  report("start", error);
  const place = document.getElementById("starting");
  if (place) place.textContent = `打不开小程序：${error.message}`;
  document.documentElement.dataset.failed = "true";
});
