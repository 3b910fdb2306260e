/**
 * The mini-program: one page at a time, named by the address after "#", so that reload and the
 * back button work as in any browser.
 */

import { remembered } from "./session.js";
import { countDown, errorBox, fill, h, loading, plainButton, toast } from "./dom.js";
import { showTime } from "./format.js";
import { loginPage } from "./page_login.js";
import { codePage } from "./page_code.js";
import { identityPage } from "./page_identity.js";
import { listPage } from "./page_list.js";
import { photoPage } from "./page_photo.js";
import { statusPage } from "./page_status.js";

const ROUTES = [
  { pattern: /^login$/, page: loginPage, title: "微信登录", anonymous: true },
  { pattern: /^code$/, page: codePage, title: "特征码" },
  { pattern: /^identity$/, page: identityPage, title: "核对身份" },
  { pattern: /^list$/, page: listPage, title: "我的学籍" },
  { pattern: /^e\/([\w-]+)\/photo$/, page: photoPage, title: "拍摄照片" },
  { pattern: /^e\/([\w-]+)(\/pay)?$/, page: statusPage, title: "采集情况" },
];
const HOME = new Set(["login", "code", "list"]);

let current = null;

function readRoute() {
  return decodeURIComponent(location.hash.replace(/^#\/?/, "")) || "list";
}

/** Go to a page. `replace` leaves no way back to the present one. */
export function go(path, { replace = false } = {}) {
  if (readRoute() === path) return render();
  if (!replace) {
    location.hash = `/${path}`;
    return undefined;
  }
  history.replaceState(null, "", `#/${path}`);
  return render();
}

async function render() {
  current?.controller.abort();
  const path = readRoute();
  const route = ROUTES.find(({ pattern }) => pattern.test(path));
  if (!route) return go("list", { replace: true });
  if (!route.anonymous && !remembered().token) return go("login", { replace: true });
  const visit = { controller: new AbortController(), path };
  current = visit;
  const root = document.getElementById("page");
  showFrame(route, path, root);
  document.getElementById("sheet-root").replaceChildren();
  root.replaceChildren(loading("加载中…"));
  const context = { signal: visit.controller.signal, go, root, reload: render };
  try {
    const content = await route.page(context, ...path.match(route.pattern).slice(1));
    if (current === visit && content) fill(root, content);
  } catch (error) {
    if (current !== visit || error.name === "AbortError") return undefined;
    root.replaceChildren(showFailure(error));
  }
  return undefined;
}

function showFrame(route, path, root) {
  root.dataset.page = route.page.name.replace(/Page$/, "");
  root.scrollTop = 0;
  const title = document.getElementById("title");
  title.textContent = route.title;
  document.title = `${route.title} · 高校图像信息采集`;
  document.getElementById("back").hidden = HOME.has(path);
  title.focus({ preventScroll: true });
}

function showFailure(error) {
  const retry = plainButton("重试", "retry-button", () => render(), "primary");
  const leave = error.status === 404 ? plainButton("回到我的学籍", "home-button", () => go("list", { replace: true })) : null;
  const note = h("div", { class: "stack", "data-failed": true }, errorBox(error), retry, leave);
  // After it stands in the page: a countdown ends with the page that it belongs to.
  if (error.retryAfterS) queueMicrotask(() => countDown(retry, "重试", error.retryAfterS));
  return note;
}

function watchNetwork() {
  const note = document.getElementById("offline");
  const update = () => { note.hidden = navigator.onLine; };
  window.addEventListener("online", () => {
    update();
    // What could not be opened is tried again; a page in use keeps the photo and the typed text.
    if (document.querySelector("#page > [data-failed]")) render();
  });
  window.addEventListener("offline", update);
  update();
}

function runClock() {
  const node = document.getElementById("clock");
  const tick = () => { node.textContent = showTime(new Date().toISOString()).slice(-5); };
  tick();
  setInterval(tick, 10000);
}

document.getElementById("back").addEventListener("click", () => history.back());
window.addEventListener("hashchange", () => render());
window.addEventListener("signed-out", () => {
  toast("登录已过期,请重新登录");
  go("login", { replace: true });
});
watchNetwork();
runClock();
render();
