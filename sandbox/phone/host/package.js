/** The package: all files of the mini-program, its configuration, and what is wrong with them. */

import { report } from "./errors.js";

const MOST_BYTES = 2 * 1024 * 1024;

/** Fetch the package. Text files come with their content, pictures by name only. */
export async function fetchPackage() {
  const answer = await fetch("/phone/package", { cache: "no-store" });
  if (!answer.ok) throw new Error(`小程序文件读不到（${answer.status}）`);
  const { texts, pictures, bytes } = await answer.json();
  if (bytes > MOST_BYTES) report("package", `${bytes} bytes, WeChat takes at most ${MOST_BYTES}`, "miniprogram/");
  return new Package(texts, new Set(pictures));
}

class Package {
  constructor(texts, pictures) {
    this.texts = texts;
    this.pictures = pictures;
    this.addresses = new Map();
    this.app = this.readJson("app.json");
    this.themes = this.has(this.app.themeLocation ?? "") ? this.readJson(this.app.themeLocation) : {};
    this.pages = this.app.pages ?? [];
    if (!this.pages.length) throw new Error("app.json names no pages");
    this.components = this.findComponents();
  }

  /** A phone has the whole package: pictures show without a network too. */
  async keepPictures() {
    for (const path of this.pictures) {
      const answer = await fetch(`/phone/miniprogram/${path}`).catch(() => null);
      if (answer?.ok) this.addresses.set(path, URL.createObjectURL(await answer.blob()));
    }
  }

  has(path) {
    return Object.hasOwn(this.texts, path);
  }

  /** A text file; a missing one is reported and empty. */
  read(path, owner = "") {
    if (this.has(path)) return this.texts[path];
    report("package", `${path} does not exist`, owner);
    return "";
  }

  readJson(path, owner = "") {
    const text = this.read(path, owner);
    if (!text) return {};
    try {
      return JSON.parse(text);
    } catch (error) {
      report("package", `not JSON: ${error.message}`, path);
      return {};
    }
  }

  /** Tag → path of the components that a page or component may use. */
  usingOf(path) {
    const own = this.has(`${path}.json`) ? this.readJson(`${path}.json`) : {};
    const all = { ...this.app.usingComponents, ...own.usingComponents };
    return Object.fromEntries(Object.entries(all).map(([tag, target]) => [tag, resolvePath(target, path)]));
  }

  /** Every component that a page reaches, pages excluded. */
  findComponents() {
    const found = new Set();
    const visit = (path) => {
      for (const target of Object.values(this.usingOf(path))) {
        if (found.has(target)) continue;
        found.add(target);
        if (this.has(`${target}.json`)) {
          if (this.readJson(`${target}.json`).component !== true) report("package", "a component's .json says \"component\": true", `${target}.json`);
          visit(target);
        } else report("package", `component ${target} does not exist`, `${path}.json`);
      }
    };
    this.pages.forEach(visit);
    return [...found];
  }

  /** The window of a page: what app.json says, the page's own on top, colours of the theme put in. */
  windowOf(path, theme) {
    const own = this.has(`${path}.json`) ? this.readJson(`${path}.json`) : {};
    const merged = { ...this.app.window, ...own };
    const colours = this.themes[theme] ?? {};
    return Object.fromEntries(Object.entries(merged).map(([name, value]) => {
      if (typeof value !== "string" || !value.startsWith("@")) return [name, value];
      if (!(value.slice(1) in colours)) report("package", `theme.json has no ${value} for ${theme}`, `${path}.json`);
      return [name, colours[value.slice(1)]];
    }));
  }
}

/** "./a", "../a", "/a" or "a" as seen from a file → path from the package's root, without the first slash. */
export function resolvePath(target, from) {
  if (target.startsWith("/")) return normalise(target);
  const folder = from.includes("/") ? from.slice(0, from.lastIndexOf("/")) : "";
  return normalise(`${folder}/${target}`);
}

function normalise(path) {
  const kept = [];
  for (const part of path.split("/")) {
    if (part === "..") kept.pop();
    else if (part !== "" && part !== ".") kept.push(part);
  }
  return kept.join("/");
}
