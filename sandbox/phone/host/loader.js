/**
 * Runs code without `eval`: each file becomes a script of its own from a blob: address. Page code gets
 * a function scope in which every name of the browser is shadowed; only the language's own remain.
 */

import { resolvePath } from "./package.js";
import { report } from "./errors.js";

const LANGUAGE = new Set(
  ("Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError Float32Array Float64Array Function Infinity Int16Array "
  + "Int32Array Int8Array Intl JSON Map Math NaN Number Object Promise Proxy RangeError ReferenceError Reflect RegExp Set String Symbol SyntaxError TypeError "
  + "URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakSet AggregateError WeakRef FinalizationRegistry decodeURI decodeURIComponent "
  + "encodeURI encodeURIComponent escape unescape isFinite isNaN parseFloat parseInt undefined console setTimeout clearTimeout setInterval clearInterval").split(" "));
const GIVEN = ["exports", "module", "require", "wx", "App", "Page", "Component", "Behavior", "getApp", "getCurrentPages"];

let registry = new Map();
window.__hostRun = (key, body) => registry.set(key, body);

/** Names of this browser that page code must not see. */
function listBrowserNames() {
  const names = new Set(["eval", "globalThis", "process", "global"]);
  for (let object = window; object; object = Object.getPrototypeOf(object)) {
    for (const name of Object.getOwnPropertyNames(object)) names.add(name);
  }
  return [...names].filter((name) => /^[A-Za-z_$][\w$]*$/.test(name) && !LANGUAGE.has(name) && !GIVEN.includes(name));
}

/** Load a script from text; resolves when it has run, with an error when it could not be parsed. */
function runText(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  return new Promise((resolve) => {
    const script = document.createElement("script");
    let problem = null;
    const listen = (event) => { problem = event.error ?? new SyntaxError(event.message); event.stopImmediatePropagation(); event.preventDefault(); };
    window.addEventListener("error", listen, true);
    script.addEventListener("load", () => done());
    script.addEventListener("error", () => done());
    const done = () => {
      window.removeEventListener("error", listen, true);
      script.remove();
      URL.revokeObjectURL(address);
      resolve(problem);
    };
    script.src = address;
    document.head.append(script);
  });
}

/** Run a trusted expression (a compiled template) and return its value. */
export async function evaluate(expression) {
  const key = `expression ${registry.size}`;
  const problem = await runText(`__hostRun(${JSON.stringify(key)}, function () { return (${expression}); });`);
  if (problem) throw problem;
  return registry.get(key)();
}

/** Run a CommonJS file of a library, with `require` answered from `known`. */
export async function loadLibrary(name, text, known) {
  const problem = await runText(`__hostRun(${JSON.stringify(name)}, function (exports, module, require, __dirname) {${text}\n});\n//# sourceURL=${name}`);
  if (problem) throw problem;
  const module = { exports: {} };
  registry.get(name)(module.exports, module, (wanted) => known[wanted], "");
  return module.exports;
}

/** All modules of the package, ready to be required. */
export class Modules {
  /** @param {Record<string, string>} texts path → source */
  static async load(texts) {
    const hidden = listBrowserNames();
    const modules = new Modules();
    // One after the other: an error event names no script, only the one that is being run.
    for (const [path, text] of Object.entries(texts)) {
      const problem = await runText(
        `__hostRun(${JSON.stringify(path)}, (function (${hidden.join(",")}) { return function (${GIVEN.join(",")}) { "use strict"; ${text}\n}; })());\n//# sourceURL=miniprogram/${path}`,
      );
      if (problem) report("script", problem, `miniprogram/${path}`);
      else modules.bodies.set(path, registry.get(path));
    }
    registry = new Map();
    return modules;
  }

  constructor() {
    this.bodies = new Map();
    this.cache = new Map();
    /** Globals of the running file, set by whoever registers it. */
    this.given = {};
  }

  has(path) {
    return this.bodies.has(path);
  }

  /** Run a file once and return its exports. */
  require(path) {
    const known = this.cache.get(path);
    if (known) return known.exports;
    const body = this.bodies.get(path);
    if (!body) throw new Error(`module '${path}' is not defined`);
    const module = { exports: {} };
    this.cache.set(path, module);
    const { wx, App, Page, Component, Behavior, getApp, getCurrentPages } = this.given;
    body.call(undefined, module.exports, module, (wanted) => this.requireFrom(path, wanted), wx, App, Page, Component, Behavior, getApp, getCurrentPages);
    return module.exports;
  }

  requireFrom(from, wanted) {
    if (typeof wanted !== "string" || !/^(\.{0,2}\/|[\w-])/.test(wanted)) throw new Error(`require: not a path (${wanted})`);
    const path = resolvePath(wanted, from);
    const found = [path, `${path}.js`].find((each) => this.bodies.has(each));
    if (!found) {
      const problem = new Error(`module '${wanted}' is not defined, require args is '${wanted}'`);
      report("script", problem, `miniprogram/${from}`);
      throw problem;
    }
    return this.require(found);
  }
}
