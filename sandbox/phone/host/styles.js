/** WXSS: units of the phone, scopes of pages and components, the theme's media query. No style element. */

import { report } from "./errors.js";
import { resolvePath } from "./package.js";

const UNIT = /(-?(?:\d+\.?\d*|\.\d+))(rpx|vh|vw)\b/g;
const TAG = /(^|[\s>+~,(])([a-z][\w-]*)/g;
const CLASS = /\.(-?[_a-zA-Z][\w-]*)/g;
const REAL = new Set(["button", "label"]);
const FOREIGN_URL = /url\(\s*["']?(?!data:)([^"')]*)/;

/** "10rpx" → a length of this phone's screen. */
export function convertUnits(text) {
  return text.replace(UNIT, (_, number, unit) => `calc(var(--${unit}) * ${number})`);
}

/** The sheets of the app, of its pages and components, in the document as adopted ones. */
export class Styles {
  constructor(files) {
    this.files = files;
    this.mediaRules = [];
    this.sheets = new Map();
  }

  add(path, { scope = "", page = "" } = {}) {
    if (!this.files.has(`${path}.wxss`)) return;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(convertUnits(this.collect(`${path}.wxss`, new Set())));
    this.adapt(sheet.cssRules, { scope, page, where: `${path}.wxss` });
    this.sheets.set(path, sheet);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  }

  /** The text with its imports put in. */
  collect(path, seen) {
    if (seen.has(path)) return "";
    seen.add(path);
    const text = this.files.read(path).replace(/\/\*[\s\S]*?\*\//g, "");
    const foreign = text.match(FOREIGN_URL);
    if (foreign) report("wxss", `url(${foreign[1]}): only data: works in a sheet`, path);
    return text.replace(/@import\s+(?:url\()?["']([^"']+)["']\)?\s*;/g, (_, target) => this.collect(resolvePath(target, path), seen));
  }

  adapt(rules, context) {
    for (const rule of rules) {
      if (rule instanceof CSSStyleRule) rule.selectorText = adaptSelector(rule.selectorText, context);
      else if (rule instanceof CSSMediaRule && /prefers-color-scheme/.test(rule.conditionText)) {
        this.mediaRules.push({ rule, query: rule.conditionText });
      }
      if (!(rule instanceof CSSStyleRule) && !(rule instanceof CSSKeyframesRule) && rule.cssRules) this.adapt(rule.cssRules, context);
    }
  }

  /** Let the media queries follow the phone's theme instead of the browser's. */
  setTheme(theme) {
    for (const { rule, query } of this.mediaRules) {
      const holds = query.includes("dark") === (theme === "dark");
      const rest = query.replace(/\(prefers-color-scheme:\s*\w+\)/, "").replace(/^\s*and\s*|\s*and\s*$/g, "").trim();
      rule.media.mediaText = holds ? rest || "all" : "not all";
    }
  }
}

function adaptSelector(selector, { scope, page, where }) {
  return splitList(selector).map((each) => (scope ? scopeComponent(each, scope, where) : scopePage(each, page))).join(", ");
}

function scopeComponent(selector, scope, where) {
  const bare = selector.replace(/::?[\w-]+(\([^)]*\))?/g, " ");
  if (/\[|#/.test(bare) || /(^|[\s>+~])[a-z]/.test(bare)) report("wxss", `${selector}: a component's sheet takes classes only`, where);
  return selector.replace(/:host/g, `[wx-host="${scope}"]`).replace(CLASS, `.${scope}--$1`);
}

function scopePage(selector, page) {
  const tagged = selector.replace(TAG, (_, before, tag) => `${before}${REAL.has(tag) ? tag : `wx-${tag}`}`);
  if (/^wx-page\b/.test(tagged)) return page ? tagged.replace(/^wx-page/, `wx-page:where([data-page="${page}"])`) : tagged;
  return `:where(wx-page${page ? `[data-page="${page}"]` : ""}) ${tagged}`;
}

/** Split at the commas of the outermost level. */
function splitList(selector) {
  const parts = [];
  let depth = 0;
  let start = 0;
  for (let place = 0; place < selector.length; place += 1) {
    if ("([".includes(selector[place])) depth += 1;
    else if (")]".includes(selector[place])) depth -= 1;
    else if (selector[place] === "," && depth === 0) {
      parts.push(selector.slice(start, place).trim());
      start = place + 1;
    }
  }
  return [...parts, selector.slice(start).trim()];
}
