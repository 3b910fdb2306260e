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
    if (key === "r" && lacksReason()) {
      askForReason();
      return;
    }
    target.click();
    hideQuestion();
  });

  // R without a reason asks for one; the digits that answer are reasons, never text of the note.
  const note = document.getElementById("note");
  const question = document.getElementById("ask-reason");
  const lacksReason = () =>
    document.querySelectorAll('#reject input[name="reason"]:checked').length === 0 &&
    note.value.trim() === "";
  const hideQuestion = () => { if (question && !lacksReason()) question.hidden = true; };
  const askForReason = () => {
    question.hidden = false;
    document.querySelector('#reject input[name="reason"]').focus();
  };
  if (note) {
    note.addEventListener("keydown", (event) => {
      if (note.value !== "" || !/^[1-9]$/.test(event.key)) return;
      const reason = document.querySelector(`#reject [data-key="${event.key}"]`);
      if (!reason) return;
      event.preventDefault();
      reason.click();
      hideQuestion();
    });
    document.getElementById("reject").addEventListener("submit", (event) => {
      if (!lacksReason()) return;
      event.preventDefault();
      askForReason();
    });
  }

  // What was held is let go when its page is left for another place than the next photo.
  const letGo = (address, ids) => {
    const form = new FormData();
    form.append("csrf_token", document.querySelector('input[name="csrf_token"]').value);
    ids.forEach((id) => form.append("shown", id));
    navigator.sendBeacon(address, form);
  };
  let isGoingOn = false;
  document.addEventListener("submit", (event) => { if (!event.defaultPrevented) isGoingOn = true; });
  document.querySelectorAll('a[data-key="n"]').forEach((link) => {
    link.addEventListener("click", () => { isGoingOn = true; });
  });

  const single = document.querySelector(".review-grid[data-photo]");
  if (single) {
    window.addEventListener("pagehide", () => {
      if (!isGoingOn) letGo(single.dataset.leave, [single.dataset.photo]);
    });
  }

  // The contact sheet: the first change holds it, and every change is kept, so that no reload
  // ticks again what was doubted.
  const sheet = document.getElementById("sheet");
  if (sheet) {
    const boxes = [...sheet.querySelectorAll('input[name="photo"]')];
    const shown = boxes.map((box) => box.value);
    const counts = document.getElementById("sheet-counts");
    let isHeld = false;
    const count = () => {
      const ticked = boxes.filter((box) => box.checked).length;
      counts.textContent = `通过 ${ticked} 张，存疑 ${boxes.length - ticked} 张`;
    };
    const keep = () => {
      const form = new FormData();
      form.append("csrf_token", sheet.querySelector('input[name="csrf_token"]').value);
      shown.forEach((id) => form.append("shown", id));
      boxes.filter((box) => !box.checked).forEach((box) => form.append("doubted", box.value));
      fetch(sheet.dataset.mark, { method: "POST", body: form, keepalive: true });
    };
    boxes.forEach((box) => box.addEventListener("change", () => {
      isHeld = true;
      count();
      keep();
    }));
    count();
    window.addEventListener("pagehide", () => {
      if (isHeld && !isGoingOn) letGo(sheet.dataset.leave, shown);
    });
  }

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
