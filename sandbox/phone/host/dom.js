/** Elements of the host itself (bars and sheets), never of the mini-program. */

/** Make an element: `on…` are listeners, `testid` its test id, the rest attributes. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "testid") node.dataset.testid = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** A button of the host. */
export function hostButton(label, testid, onclick, kind = "plain") {
  return h("button", { type: "button", class: `host-button ${kind}`, testid, onclick }, label);
}
