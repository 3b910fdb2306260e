/** Reads WXML before it runs: tags, attributes, events and handlers that a phone does not know. */

import { report } from "./errors.js";
import { resolvePath } from "./package.js";

const STRUCTURE = new Set(["block", "slot", "template", "import", "include"]);
const EVENT = /^(capture-bind|capture-catch|mut-bind|bind|catch)(:?)([\w-]+)$/;
const COMMON_EVENTS = new Set("tap longpress longtap touchstart touchmove touchend touchcancel touchforcechange transitionend animationstart animationiteration animationend".split(" "));
const LIFECYCLES = new Set("onLoad onShow onReady onHide onUnload onPullDownRefresh onReachBottom onPageScroll onShareAppMessage onResize onTabItemTap".split(" "));
const COMMON = /^(id|class|style|hidden|slot|key|aria-[\w-]+|data-[\w-]+|data:[\w-]+|mark:[\w-]+|wx:[\w-]+|generic:[\w-]+|model:[\w-]+|let:[\w-]+|worklet:[\w-]+)$/;
const TOKEN = /<!--[\s\S]*?-->|<(\/?)([\w-]+)((?:\s+[^\s=>/]+(?:\s*=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(\/?)>/g;
const ATTRIBUTE = /([^\s=>/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g;

/**
 * Check one file. Returns the names of its handlers.
 * @param {Map<string, {properties: Record<string, unknown>, events: string[]}>} builtIns
 */
export function lintTemplate(path, files, builtIns) {
  const text = files.texts[`${path}.wxml`];
  const using = files.usingOf(path);
  const check = new Check(path, text, builtIns, using, files);
  for (const token of text.matchAll(TOKEN)) {
    if (token[2]) check.visit(token[1] === "/", token[2], token[3] ?? "", token[4] === "/", token.index);
  }
  return check.handlers;
}

class Check {
  constructor(path, text, builtIns, using, files) {
    Object.assign(this, { path, text, builtIns, using, files, open: [], handlers: new Map(), cameras: 0 });
  }

  where(index) {
    return `${this.path}.wxml:${this.text.slice(0, index).split("\n").length}`;
  }

  visit(isEnd, tag, attributes, isEmpty, index) {
    if (isEnd) {
      const place = this.open.findLastIndex((each) => each.tag === tag);
      if (place >= 0) this.open.length = place;
      return;
    }
    const where = this.where(index);
    const given = [...attributes.matchAll(ATTRIBUTE)].map(([, name, double, single]) => ({ name, value: double ?? single ?? null }));
    this.checkTag(tag, given, where);
    for (const each of given) this.checkAttribute(tag, each, where);
    if (!isEmpty) this.open.push({ tag, conditional: given.some(({ name }) => /^wx:(if|elif|else|for)$/.test(name)) });
  }

  checkTag(tag, given, where) {
    if (tag === "wxs") report("wxml", "wxs is not in the subset", where);
    else if (!STRUCTURE.has(tag) && !this.builtIns.has(tag) && !Object.hasOwn(this.using, tag)) report("wxml", `<${tag}> is neither built in nor in usingComponents`, where);
    if (tag === "camera") this.checkCamera(given, where);
    if (tag === "image") this.checkImage(given, where);
  }

  checkCamera(given, where) {
    this.cameras += 1;
    if (this.cameras > 1) report("wxml", "one camera a page", where);
    if (this.open.some(({ tag }) => tag === "scroll-view" || tag === "swiper")) report("wxml", "no camera inside a scroll-view or swiper", where);
    const toggled = given.some(({ name }) => /^wx:(if|elif|else|for)$/.test(name)) || this.open.some(({ conditional }) => conditional);
    if (toggled) report("wxml", "a camera is not toggled by wx:if", where);
  }

  checkImage(given, where) {
    const src = given.find(({ name }) => name === "src")?.value ?? "";
    if (!src || src.includes("{{") || src.startsWith("data:")) return;
    if (/^\w+:\/\//.test(src)) report("wxml", `image ${src}: no remote address`, where);
    else if (!this.files.pictures.has(resolvePath(src, this.path))) report("wxml", `image ${src} does not exist`, where);
  }

  checkAttribute(tag, { name, value }, where) {
    if (value !== null && /\{\{\s*\}\}/.test(value)) report("wxml", `${name}: an empty {{}}`, where);
    const event = name.match(EVENT);
    if (event && !COMMON.test(name)) return this.checkEvent(tag, event, value, where);
    const builtIn = this.builtIns.get(tag);
    if (!builtIn && !STRUCTURE.has(tag) && name.startsWith("aria-")) report("wxml", `${name} on the component <${tag}> reaches nobody: put it on an element inside`, where);
    if (STRUCTURE.has(tag) || COMMON.test(name)) return undefined;
    if (builtIn && !Object.hasOwn(builtIn.properties, toCamel(name))) report("wxml", `<${tag}> has no attribute ${name}`, where);
    return undefined;
  }

  checkEvent(tag, [, , , event], value, where) {
    const builtIn = this.builtIns.get(tag);
    if (builtIn && !COMMON_EVENTS.has(event) && !builtIn.events.includes(event)) report("wxml", `<${tag}> has no event ${event}`, where);
    if (value === null || value === "") report("wxml", `${event}: no handler`, where);
    else if (LIFECYCLES.has(value) && this.files.pages.includes(this.path)) report("wxml", `handler ${value} is a lifecycle of the page: it would run without ${event}`, where);
    else if (!value.includes("{{")) this.handlers.set(value, where);
  }
}

export function toCamel(name) {
  return name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
}
