/** Calls to the server's public API through the proxy of this origin. */

import { remember, remembered } from "./session.js";

const BASE = "/phone/api/v1";
const TIMEOUT_MS = 20000;
const UPLOAD_TIMEOUT_MS = 60000;

/** A refusal: `status`, stable `code`, Chinese `message`, and `retryAfterS` where the server said when. */
export class ApiError extends Error {
  constructor({ status, code, message, requestId = null, retryAfterS = null }) {
    super(message);
    Object.assign(this, { name: "ApiError", status, code, requestId, retryAfterS });
  }
}

const OFFLINE = { status: 0, code: "offline", message: "网络连接失败,请检查网络后重试" };
const SLOW = { status: 0, code: "timeout", message: "网络超时,请稍后重试" };

/** Call the API and return `data`; raises ApiError. `signal` ends the call with an AbortError. */
export async function call(method, path, body, signal) {
  const response = await request(method, BASE + path, body, signal);
  return unwrap(response.status, await readText(response), response.headers.get("Retry-After"));
}

/** Fetch a protected picture as an object URL; the caller revokes it. */
export async function fetchPicture(path, signal) {
  const response = await request("GET", toOwnOrigin(path), undefined, signal);
  if (!response.ok) unwrap(response.status, await readText(response), response.headers.get("Retry-After"));
  return URL.createObjectURL(await response.blob());
}

/** "/api/v1/photos/…" as the server names it → the same behind the proxy. */
export function toOwnOrigin(path) {
  return `/phone${path}`;
}

/** Ask again for a photo under the address the server gave. */
export function poll(path, signal) {
  return call("GET", path.replace(/^\/api\/v1/, ""), undefined, signal);
}

async function request(method, url, body, signal) {
  const headers = { Accept: "application/json" };
  const { token } = remembered();
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  const abort = () => timeout.abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await fetch(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: timeout.signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (signal?.aborted) throw new DOMException("left the page", "AbortError");
    throw new ApiError(error.name === "AbortError" ? SLOW : OFFLINE);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function readText(response) {
  try {
    return await response.text();
  } catch {
    throw new ApiError(OFFLINE);
  }
}

function unwrap(status, text, retryAfter) {
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // handled below: an answer without the envelope is an error whatever its status says
  }
  if (status >= 200 && status < 300 && body?.code === 0) return body.data;
  if (status === 401 && remembered().token) signOut();
  throw new ApiError({
    status,
    code: body?.code ?? "unexpected",
    message: body?.message ?? `服务器应答异常(${status})`,
    requestId: body?.request_id ?? null,
    retryAfterS: readSeconds(retryAfter),
  });
}

/** The token is no longer good: forget it and let the page ask to sign in again. */
function signOut() {
  remember({ token: null });
  window.dispatchEvent(new Event("signed-out"));
}

function readSeconds(text) {
  const seconds = Number.parseInt(text ?? "", 10);
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, 3600) : null;
}

/** Upload a photo as wx.uploadFile does; `onProgress` gets 0…1. XHR, because fetch reports no progress. */
export function upload(path, file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open("POST", BASE + path);
    xhr.timeout = UPLOAD_TIMEOUT_MS;
    xhr.setRequestHeader("Authorization", `Bearer ${remembered().token ?? ""}`);
    xhr.upload.onprogress = (event) => { if (event.lengthComputable) onProgress(event.loaded / event.total); };
    xhr.onload = () => {
      try {
        resolve(unwrap(xhr.status, xhr.responseText, xhr.getResponseHeader("Retry-After")));
      } catch (error) {
        reject(error);
      }
    };
    xhr.onerror = () => reject(new ApiError(OFFLINE));
    xhr.ontimeout = () => reject(new ApiError(SLOW));
    xhr.onabort = () => reject(new DOMException("left the page", "AbortError"));
    signal?.addEventListener("abort", () => xhr.abort(), { once: true });
    const form = new FormData();
    form.append("photo", file, file.name || "photo.jpg");
    xhr.send(form);
  });
}
