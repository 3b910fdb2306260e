/** `wx`: what the subset has, and an error for everything else. */

import { report } from "../errors.js";
import { device } from "./device.js";
import { files } from "./files.js";
import { hands } from "./hands.js";
import { login } from "./login.js";
import { media } from "./media.js";
import { navigation } from "./navigation.js";
import { network } from "./network.js";
import { payment } from "./payment.js";
import { sheets } from "./sheets.js";
import { storage } from "./storage.js";

/**
 * Make `wx`. Parts give `async` functions (they take an object and answer through callbacks or a
 * promise) and `plain` values (everything else).
 */
export function makeWx(phone) {
  const known = {};
  for (const part of [device, files, hands, login, media, navigation, network, payment, sheets, storage]) {
    const { asynchronous = {}, plain = {} } = part(phone);
    for (const [name, action] of Object.entries(asynchronous)) known[name] = answerLater(name, action);
    Object.assign(known, plain);
  }
  known.canIUse = (schema) => canUse(phone, known, schema);
  return new Proxy(Object.freeze(known), {
    get(target, name) {
      if (Object.hasOwn(target, name) || typeof name === "symbol") return target[name];
      report("wx", `wx.${String(name)} is not in the subset`, phone.stack?.top?.path);
      return undefined;
    },
    set(_target, name) {
      report("wx", `wx.${String(name)} is written to`);
      return true;
    },
  });
}

function canUse(phone, known, schema) {
  const [name, part] = String(schema).split(".");
  if (Object.hasOwn(known, name)) return true;
  const builtIn = phone.builtIns.get(name);
  return Boolean(builtIn) && (!part || Object.keys(builtIn.properties).includes(part) || builtIn.events.includes(part.replace(/^bind/, "")));
}

/** Wrap an action as WeChat's functions behave: success, fail, complete, or a promise. */
function answerLater(name, action) {
  return (options = {}) => {
    if (typeof options !== "object" || options === null) {
      report("wx", `wx.${name}: parameter should be an object`);
      options = {};
    }
    let answer;
    try {
      answer = Promise.resolve(action(options));
    } catch (error) {
      answer = Promise.reject(error);
    }
    const settled = answer.then(
      (result) => ({ result: { errMsg: `${name}:ok`, ...result } }),
      (error) => ({ failure: describeFailure(name, error) }),
    );
    const { success, fail, complete } = options;
    if (success || fail || complete) {
      settled.then(({ result, failure }) => {
        callBack(name, failure ? fail : success, failure ?? result);
        callBack(name, complete, failure ?? result);
      });
      return undefined;
    }
    return settled.then(({ result, failure }) => {
      if (failure) throw failure;
      return result;
    });
  };
}

function describeFailure(name, error) {
  const { errno, errCode } = error ?? {};
  if (error instanceof TypeError || error instanceof ReferenceError) console.error(error);
  return { errMsg: `${name}:fail ${error?.message ?? ""}`.trim(), ...(errno !== undefined && { errno }), ...(errCode !== undefined && { errCode }) };
}

function callBack(name, callback, value) {
  if (!callback) return;
  try {
    const answer = callback(value);
    answer?.catch?.((error) => report("script", error, `callback of wx.${name}`));
  } catch (error) {
    report("script", error, `callback of wx.${name}`);
  }
}
