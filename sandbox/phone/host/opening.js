/**
 * Says so when a file of the host did not arrive. A browser gives up on all of them then, for example where
 * the network changes while they are on their way, and nothing of theirs could tell.
 */
window.addEventListener("error", ({ target }) => {
  if (!(target instanceof HTMLScriptElement) || target.type !== "module") return;
  const place = document.getElementById("starting");
  if (place) place.textContent = "小程序没有打开：文件没有读完，请刷新页面。";
  document.documentElement.dataset.failed = "true";
}, true);
