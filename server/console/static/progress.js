// Keeps a page about background work fresh. Without this script the page reloads itself.
(() => {
  "use strict";
  const EVERY_MS = 1000;

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[aria-live]");
      const shown = document.querySelector("[aria-live]");
      if (!answer.ok || answer.redirected || !fresh) {
        location.reload();
        return;
      }
      if (fresh.innerHTML !== shown.innerHTML) shown.innerHTML = fresh.innerHTML;
    } catch {
      // The network is away for a moment: try again.
    }
    window.setTimeout(refresh, EVERY_MS);
  };
  window.setTimeout(refresh, EVERY_MS);
})();
