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

/**
 * The code that the page before has handed on; a page that was opened by itself asks the server.
 * @param {string} code
 * @param {ReturnType<typeof import('./api').createApi>} api
 */
async function openCode(code, api) {
  const kept = get('code');
  if (kept && kept.feature_code === code) return kept;
  put('code', await api.call('GET', `/codes/${code}`));
  return get('code');
}

module.exports = { put, get, take, clear, openCode };
