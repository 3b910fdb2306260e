/** Waiting that ends with the visit: polling that backs off when the server asks for it. */

/** Resolve after so many milliseconds, or reject with an AbortError when the visit ends. */
export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("left the page", "AbortError"));
    }, { once: true });
  });
}

/**
 * Ask until `isDone(answer)` or the time is over; return the last answer (null when none came).
 * A refusal with Retry-After, a lost connection or a server error waits and asks again.
 */
export async function askUntil(ask, isDone, { everyMs, forMs, signal }) {
  const end = Date.now() + forMs;
  let answer = null;
  for (;;) {
    let waitMs = everyMs;
    try {
      answer = await ask();
      if (isDone(answer)) return answer;
    } catch (error) {
      if (!isTemporary(error)) throw error;
      waitMs = Math.max(everyMs, (error.retryAfterS ?? 0) * 1000);
    }
    if (Date.now() + waitMs > end) return answer;
    await pause(waitMs, signal);
  }
}

function isTemporary(error) {
  return error.name === "ApiError" && (error.status === 0 || error.status === 429 || error.status >= 500);
}
