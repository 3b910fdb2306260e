// Keyboard for the review page. Every key presses something that is on the page: without this
// script the page works by mouse and touch.
(() => {
  "use strict";
  const LONGER_THAN_A_DOUBLE_CLICK_MS = 1500;

  const isTyping = (element) =>
    element instanceof HTMLTextAreaElement ||
    (element instanceof HTMLInputElement && element.type !== "checkbox");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "Escape" && isTyping(document.activeElement)) {
      document.activeElement.blur();
      return;
    }
    if (isTyping(event.target)) return;
    const key = event.key.toLowerCase();
    const target = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (!target) return;
    event.preventDefault();
    const reasons = document.querySelectorAll('#reject input[name="reason"]:checked');
    const note = document.getElementById("note");
    if (key === "r" && reasons.length === 0 && note.value.trim() === "") {
      note.focus();
      return;
    }
    target.click();
  });

  // A second press while the first one is on its way would only ask the same thing again.
  document.querySelectorAll("form[method=post]").forEach((form) => {
    form.addEventListener("submit", () => {
      const buttons = form.querySelectorAll("button");
      window.setTimeout(() => buttons.forEach((button) => { button.disabled = true; }), 0);
      window.setTimeout(
        () => buttons.forEach((button) => { button.disabled = false; }),
        LONGER_THAN_A_DOUBLE_CLICK_MS,
      );
    });
  });
})();
