/** Whether there is a network, for everyone who wants to know. */

/** @typedef {(isOnline: boolean) => void} Listener */

/** @type {Set<Listener>} */
const listeners = new Set();
let isOnline = true;

/** @param {boolean} next */
function report(next) {
  if (next === isOnline) return;
  isOnline = next;
  listeners.forEach((listener) => listener(next));
}

/**
 * @param {Listener} listener
 * @returns {() => void} ends it
 */
function watch(listener) {
  listeners.add(listener);
  listener(isOnline);
  return () => { listeners.delete(listener); };
}

module.exports = { report, watch };
