/** What the phone remembers over a reload: who is signed in, with which code, and consent. */

const KEY = "caiji-phone";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

/** The remembered values: `token`, `user`, `users` (earlier ones), `code`. */
export function remembered() {
  return read();
}

/** Remember values beside the others; null forgets one. */
export function remember(values) {
  const merged = { ...read(), ...values };
  for (const name of Object.keys(merged)) if (merged[name] === null) delete merged[name];
  try {
    localStorage.setItem(KEY, JSON.stringify(merged));
  } catch {
    // A browser without storage still works until it is reloaded.
  }
}
