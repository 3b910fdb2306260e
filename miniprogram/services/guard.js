/**
 * One act at a time on a page: busy, the error in words, and the wait that the server asks for.
 *
 * A page that uses this has `busy`, `error` and `waitS` in its data (`guard.start`), and calls
 * `leave` in onUnload. The second tap of a double tap finds the page busy and does nothing.
 */

const { ApiError, describe } = require('./errors');

/**
 * @typedef {object} GuardedPage
 * @property {any} data
 * @property {(data: Record<string, any>) => void} setData
 */

const start = () => ({ busy: '', error: /** @type {any} */ (null), waitS: 0 });

/** @type {WeakSet<GuardedPage>} */
const left = new WeakSet();
/** @type {WeakMap<GuardedPage, ReturnType<typeof setInterval>>} */
const countdowns = new WeakMap();

/**
 * Do what a tap asked for; undefined where the page was busy or it failed.
 * @template T
 * @param {GuardedPage} page
 * @param {string} name what `busy` says meanwhile
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
async function run(page, name, work) {
  if (page.data.busy || page.data.waitS > 0) return undefined;
  set(page, { busy: name, error: null });
  try {
    return await work();
  } catch (error) {
    fail(page, error);
    return undefined;
  } finally {
    set(page, { busy: '' });
  }
}

/**
 * Load what a page shows: `state` goes from loading to ready or failed.
 * @param {GuardedPage} page
 * @param {() => Promise<Record<string, any> | null>} work its data; null where it went elsewhere
 */
async function load(page, work) {
  if (page.data.state !== 'ready') set(page, { state: 'loading' });
  set(page, { error: null });
  try {
    const data = await work();
    if (data) set(page, { ...data, state: 'ready' });
  } catch (error) {
    fail(page, error);
    if (page.data.state !== 'ready') set(page, { state: 'failed' });
  }
}

/** @param {GuardedPage} page @param {unknown} error */
function fail(page, error) {
  set(page, { error: describe(error) });
  if (error instanceof ApiError && error.retryAfterS) countDown(page, error.retryAfterS);
}

/** Count the seconds down to the next try. @param {GuardedPage} page @param {number} seconds */
function countDown(page, seconds) {
  stop(page);
  if (left.has(page)) return;
  set(page, { waitS: seconds });
  countdowns.set(page, setInterval(() => {
    const waitS = page.data.waitS - 1;
    set(page, { waitS });
    if (waitS <= 0) stop(page);
  }, 1000));
}

/** @param {GuardedPage} page */
function stop(page) {
  const timer = countdowns.get(page);
  if (timer) clearInterval(timer);
  countdowns.delete(page);
}

/** @param {GuardedPage} page @param {Record<string, any>} data */
function set(page, data) {
  if (!left.has(page)) page.setData(data);
}

/** @param {GuardedPage} page */
function isLeft(page) {
  return left.has(page);
}

/** The page is gone: nothing that is still on its way may touch it. @param {GuardedPage} page */
function leave(page) {
  left.add(page);
  stop(page);
}

module.exports = { start, run, load, fail, set, isLeft, leave };
