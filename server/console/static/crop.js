// The crop under the reviewer's hand: the photo moves, the lines move with it, the bands stay.
// Without this script the number fields do the same after one round to the server.
(() => {
  "use strict";
  const MIDDLE = [240, 320];
  const box = document.getElementById("crop");
  const frame = document.querySelector(".review .photo-frame");
  const photo = frame && frame.querySelector("img.photo");
  if (!box || !photo) return;
  const form = box.querySelector("form");
  const fields = Object.fromEntries(
    ["right", "down", "percent"].map((name) => [name, form.elements[name]]),
  );
  const read = (source) => {
    const number = (value, otherwise) => (Number.isFinite(Number(value)) && value !== "" ? Number(value) : otherwise);
    return {
      right: number(source.right, 0),
      down: number(source.down, 0),
      factor: number(source.percent, 100) / 100,
    };
  };
  const start = read(form.dataset);
  const shiftOf = (nudge) => [
    MIDDLE[0] - nudge.factor * MIDDLE[0] + nudge.right,
    MIDDLE[1] - nudge.factor * MIDDLE[1] + nudge.down,
  ];

  const SVG = "http://www.w3.org/2000/svg";
  const make = (kind, attributes, parent) => {
    const element = document.createElementNS(SVG, kind);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    parent.append(element);
    return element;
  };
  const drawing = make("svg", { class: "crop-lines", viewBox: "0 0 480 640", "aria-hidden": "true" }, frame);
  const isFlat = (name) => name === "head_top_px" || name === "eye_line_px";
  const lines = [...box.querySelectorAll("[data-line]")].map((row) => {
    const name = row.dataset.line;
    const low = Number(row.dataset.low);
    const high = Number(row.dataset.high);
    if (isFlat(name)) {
      make("rect", { class: "band", x: 0, width: 480, y: low, height: high - low }, drawing);
    }
    const line = name === "face_width_px" || !isFlat(name) ? null : make("line", { x1: 0, x2: 480 }, drawing);
    return { row, name, low, high, line, value: Number(row.dataset.value) };
  });
  make("line", { class: "middle", x1: 240, x2: 240, y1: 0, y2: 640 }, drawing);
  const left = make("line", {}, drawing);
  const right = make("line", {}, drawing);
  const known = Object.fromEntries(lines.map((each) => [each.name, each]));

  const show = () => {
    const now = read({ right: fields.right.value, down: fields.down.value, percent: fields.percent.value });
    const ratio = now.factor / start.factor;
    const [dx, dy] = shiftOf(now);
    const [oldDx, oldDy] = shiftOf(start);
    const expected = {};
    lines.forEach((each) => {
      if (isFlat(each.name)) expected[each.name] = ratio * (each.value - oldDy) + dy;
      else if (each.name === "face_width_px") expected[each.name] = ratio * each.value;
      else expected[each.name] = ratio * (each.value + MIDDLE[0] - oldDx) + dx - MIDDLE[0];
    });
    lines.forEach((each) => {
      const value = expected[each.name];
      const isOut = value < each.low || value > each.high;
      each.row.querySelector("strong").textContent = Math.round(value);
      each.row.querySelector(".crop-out").hidden = !isOut;
      each.row.classList.toggle("is-out", isOut);
      if (each.line) {
        each.line.setAttribute("y1", value);
        each.line.setAttribute("y2", value);
        each.line.setAttribute("class", isOut ? "line is-out" : "line");
      }
    });
    if (known.face_width_px && known.off_centre_px && known.eye_line_px) {
      const middle = MIDDLE[0] + expected.off_centre_px;
      const eye = expected.eye_line_px;
      const isOut = known.face_width_px.row.classList.contains("is-out") ||
        known.off_centre_px.row.classList.contains("is-out");
      [[left, -1], [right, 1]].forEach(([line, side]) => {
        const x = middle + (side * expected.face_width_px) / 2;
        Object.entries({ x1: x, x2: x, y1: eye - 60, y2: eye + 60 })
          .forEach(([name, value]) => line.setAttribute(name, value));
        line.setAttribute("class", isOut ? "line is-out" : "line");
      });
    }
    // pixels of the frame -> pixels of the page
    const scale = photo.clientWidth / 480;
    photo.style.transformOrigin = "0 0";
    photo.style.transform =
      `translate(${(dx - ratio * oldDx) * scale}px, ${(dy - ratio * oldDy) * scale}px) scale(${ratio})`;
  };

  const step = (name, by) => {
    const field = fields[name];
    const next = Number(field.value || 0) + by;
    field.value = Math.min(Number(field.max), Math.max(Number(field.min), next));
    show();
  };
  const open = () => {
    frame.classList.toggle("is-cropping", box.open);
    if (box.open) show();
    else photo.style.transform = "";
  };
  box.addEventListener("toggle", open);
  form.addEventListener("input", show);
  const pad = box.querySelector(".crop-pad");
  pad.hidden = false;
  pad.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-field]");
    if (button) step(button.dataset.field, Number(button.dataset.step));
  });
  const KEYS = {
    ArrowLeft: ["right", -2], ArrowRight: ["right", 2], ArrowUp: ["down", -2], ArrowDown: ["down", 2],
    "-": ["percent", -1], "+": ["percent", 1], "=": ["percent", 1],
  };
  document.addEventListener("keydown", (event) => {
    if (!box.open || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement && event.target.type !== "checkbox") return;
    const found = KEYS[event.key];
    if (!found) return;
    event.preventDefault();
    step(...found);
  });
  open();
})();
