/** Asking again until it is decided, slower where the server asks for it. */

const { ApiError, isTemporary } = require('./errors');

/** @param {number} ms @returns {Promise<void>} */
function sleep(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

/**
 * Ask until `isDone(answer)`, the page is left, or the time is over; the last answer, null where none came.
 * @template T
 * @param {() => Promise<T>} ask
 * @param {{ isDone: (answer: T) => boolean, everyMs: number, forMs: number, isLeft?: () => boolean,
 *   onAnswer?: (answer: T) => void, pause?: (ms: number) => Promise<void>, now?: () => number }} how
 * @returns {Promise<T | null>}
 */
async function askUntil(ask, how) {
  const { pause = sleep, now = Date.now, isLeft = () => false } = how;
  const end = now() + how.forMs;
  /** @type {T | null} */
  let answer = null;
  for (;;) {
    let waitMs = how.everyMs;
    try {
      answer = await ask();
      if (how.isDone(answer)) return answer;
      if (how.onAnswer && !isLeft()) how.onAnswer(answer);
    } catch (error) {
      if (!isTemporary(error)) throw error;
      if (error instanceof ApiError) waitMs = Math.max(waitMs, error.retryAfterS * 1000);
    }
    if (isLeft() || now() + waitMs > end) return answer;
    await pause(waitMs);
    if (isLeft()) return answer;
  }
}

module.exports = { askUntil };
