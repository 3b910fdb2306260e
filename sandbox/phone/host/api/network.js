/** wx.request, uploadFile, downloadFile: to the declared server only, through this origin's proxy. */

import { report } from "../errors.js";

const TIMEOUT_MS = 60000;
const REFUSED_HEADERS = new Set(["referer", "host", "cookie", "user-agent"]);
const METHODS = new Set("OPTIONS GET HEAD POST PUT DELETE TRACE CONNECT".split(" "));

export function network(phone) {
  return {
    asynchronous: { getNetworkType: () => ({ networkType: phone.networkType(), isConnected: phone.networkType() !== "none" }) },
    plain: {
      request: (options) => start(phone, "request", options, sendRequest),
      uploadFile: (options) => start(phone, "uploadFile", options, sendFile),
      downloadFile: (options) => start(phone, "downloadFile", options, fetchFile),
      onNetworkStatusChange: (heard) => phone.listen("NetworkStatusChange", heard),
      offNetworkStatusChange: (heard) => phone.unlisten("NetworkStatusChange", heard),
    },
  };
}

/** The address behind this origin for one of the declared server; null when it is another's. */
export function toOwnAddress(phone, url) {
  const { server } = phone.config;
  if (typeof url !== "string" || !server || !(url === server || url.startsWith(`${server}/`))) return null;
  return `/phone${url.slice(server.length) || "/"}`;
}

/** Callbacks and a task to hold on to; without callbacks the task is a promise too. */
function start(phone, name, options, send) {
  const xhr = new XMLHttpRequest();
  const heard = { progress: new Set(), headers: new Set() };
  const settled = perform(phone, name, options, send, xhr, heard).then((result) => ({ result: { errMsg: `${name}:ok`, ...result } }), (error) => ({
    failure: { errMsg: `${name}:fail ${error.message}`, errno: error.errno ?? 600001 },
  }));
  const { success, fail, complete } = options;
  const task = {
    abort: () => { xhr.wasAborted = true; xhr.abort(); },
    onProgressUpdate: (listener) => heard.progress.add(listener), offProgressUpdate: (listener) => heard.progress.delete(listener),
    onHeadersReceived: (listener) => heard.headers.add(listener), offHeadersReceived: (listener) => heard.headers.delete(listener),
  };
  if (success || fail || complete) {
    settled.then(({ result, failure }) => {
      for (const callback of [failure ? fail : success, complete]) {
        try {
          callback?.(failure ?? result);
        } catch (error) {
          report("script", error, `callback of wx.${name}`);
        }
      }
    });
    return task;
  }
  return Object.assign(settled.then(({ result, failure }) => {
    if (failure) throw failure;
    return result;
  }), task);
}

async function perform(phone, name, options, send, xhr, heard) {
  const address = toOwnAddress(phone, options.url);
  if (!address) {
    report("domain", `${options.url}: not the server that config.js declares`, phone.stack.top?.path);
    throw Object.assign(new Error("url not in domain list"), { errno: 600002 });
  }
  if (phone.networkType() === "none") throw new Error("network is not connected");
  return send(phone, { ...options, address }, xhr, heard);
}

function open(phone, { method = "GET", address, header = {}, timeout = TIMEOUT_MS }, xhr) {
  if (!METHODS.has(method)) report("wx", `request: method ${method}`);
  xhr.open(method, address);
  xhr.timeout = timeout;
  for (const [name, value] of Object.entries(header)) {
    if (REFUSED_HEADERS.has(name.toLowerCase())) report("wx", `header ${name} cannot be set`);
    else if (value === undefined || value === null) report("wx", `header ${name} has no value`);
    else xhr.setRequestHeader(name, String(value));
  }
}

function finish(xhr, body, heard) {
  return new Promise((resolve, reject) => {
    xhr.onreadystatechange = () => {
      if (xhr.readyState === 2) for (const listener of heard.headers) listener({ header: readHeaders(xhr), statusCode: xhr.status });
    };
    xhr.onload = () => resolve({ statusCode: xhr.status, header: readHeaders(xhr) });
    xhr.onerror = () => reject(Object.assign(new Error("net::ERR_INTERNET_DISCONNECTED"), { errno: 600001 }));
    xhr.ontimeout = () => reject(Object.assign(new Error("timeout"), { errno: 5 }));
    xhr.onabort = () => reject(Object.assign(new Error("abort"), { errno: 600003 }));
    xhr.send(body);
  });
}

/** Names as an iPhone gives them: Retry-After, X-Request-Id. */
function readHeaders(xhr) {
  const lines = xhr.getAllResponseHeaders().trim().split(/\r?\n/).filter(Boolean);
  return Object.fromEntries(lines.map((line) => {
    const [name, ...rest] = line.split(": ");
    return [name.replace(/(^|-)([a-z])/g, (_, dash, letter) => dash + letter.toUpperCase()), rest.join(": ")];
  }));
}

async function sendRequest(phone, options, xhr, heard) {
  const { method = "GET", data, header = {}, dataType = "json", responseType = "text" } = options;
  const type = Object.entries(header).find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "application/json";
  let { address } = options;
  let body = null;
  if (data !== undefined && ["GET", "HEAD"].includes(method)) {
    const search = typeof data === "string" ? data : new URLSearchParams(data).toString();
    if (search) address += `${address.includes("?") ? "&" : "?"}${search}`;
  } else if (data !== undefined) {
    body = data instanceof ArrayBuffer || typeof data === "string" ? data : type.includes("json") ? JSON.stringify(data) : new URLSearchParams(data).toString();
  }
  open(phone, { ...options, method, address, header: body === null ? header : { "Content-Type": type, ...header } }, xhr);
  if (responseType === "arraybuffer") xhr.responseType = "arraybuffer";
  const answer = await finish(xhr, body, heard);
  return { ...answer, cookies: [], data: readBody(xhr, dataType, responseType) };
}

function readBody(xhr, dataType, responseType) {
  if (responseType === "arraybuffer") return xhr.response;
  if (dataType !== "json") return xhr.responseText;
  try {
    return JSON.parse(xhr.responseText);
  } catch {
    return xhr.responseText;
  }
}

function countProgress(target, listeners, names) {
  target.onprogress = ({ loaded, total, lengthComputable }) => {
    if (lengthComputable) for (const listener of listeners) listener({ progress: Math.floor((loaded / total) * 100), [names[0]]: loaded, [names[1]]: total });
  };
}

async function sendFile(phone, options, xhr, heard) {
  const { filePath, name, formData = {} } = options;
  if (typeof name !== "string" || !name) throw new Error("parameter error: parameter.name should be String");
  const form = new FormData();
  for (const [key, value] of Object.entries(formData)) form.append(key, String(value));
  form.append(name, phone.files.get(filePath), filePath.split("/").at(-1));
  open(phone, { ...options, method: "POST" }, xhr);
  countProgress(xhr.upload, heard.progress, ["totalBytesSent", "totalBytesExpectedToSend"]);
  const answer = await finish(xhr, form, heard);
  return { ...answer, data: xhr.responseText };
}

async function fetchFile(phone, options, xhr, heard) {
  open(phone, options, xhr);
  xhr.responseType = "blob";
  countProgress(xhr, heard.progress, ["totalBytesWritten", "totalBytesExpectedToWrite"]);
  const answer = await finish(xhr, null, heard);
  const ending = xhr.response.type.split("/").at(-1)?.split(/[+;]/)[0] || "bin";
  if (options.filePath) {
    phone.files.write(options.filePath, xhr.response);
    return { ...answer, filePath: options.filePath };
  }
  return { ...answer, tempFilePath: phone.files.keep(xhr.response, ending === "jpeg" ? "jpg" : ending) };
}
