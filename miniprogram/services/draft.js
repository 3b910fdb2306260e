/** What one page hands to the next: the chosen photo, a verdict, a code. Only in memory. */

/** @type {Map<string, any>} */
const shelf = new Map();

/** @param {string} name @param {unknown} value */
function put(name, value) {
  shelf.set(name, value);
}

/** Look without taking. @param {string} name */
function get(name) {
  return shelf.get(name);
}

/** @param {string} name */
function take(name) {
  const value = shelf.get(name);
  shelf.delete(name);
  return value;
}

/** Forget everything, at sign-out. */
function clear() {
  shelf.clear();
}

module.exports = { put, get, take, clear };
