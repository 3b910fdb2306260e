/** 上传照片: sending one, waiting for its verdict, taking it back, and asking before a batch is lost. */

const { ApiError } = require('./errors');
const { askUntil } = require('./polling');

/** @typedef {import('../types/model').Photo} Photo */

const MAX_BYTES = 10 * 1024 * 1024;
const POLL_MS = 1500;
const POLL_FOR_MS = 5 * 60 * 1000;

/**
 * Refuse here what the server would refuse after a minute of uploading.
 * @param {number} sizeBytes 0 where the phone did not say
 */
function refuseTooLarge(sizeBytes) {
  if (sizeBytes <= MAX_BYTES) return;
  const megabytes = (sizeBytes / 1024 / 1024).toFixed(1);
  throw new ApiError({ status: 413, code: 'photo_too_large', message: `照片有 ${megabytes} MB，超过 10 MB` });
}

/**
 * Do it; where it would cost the batch, ask first and then do it with `confirm`. Null where the answer is no.
 * @template T
 * @param {(isConfirmed: boolean) => Promise<T>} work
 * @param {(body: unknown) => Promise<boolean>} ask
 * @returns {Promise<T | null>}
 */
async function askBeforeBatchIsLost(work, ask) {
  try {
    return await work(false);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'would_lose_batch') throw error;
    return (await ask(error.body)) ? work(true) : null;
  }
}

/**
 * Ask for a photo until it has its verdict; null where none came in time.
 * @param {(method: any, path: string) => Promise<any>} call
 * @param {string} path of the photo
 * @param {{ isLeft: () => boolean, onAnswer?: (photo: Photo) => void, pause?: (ms: number) => Promise<void>,
 *   now?: () => number }} how
 * @returns {Promise<Photo | null>}
 */
function waitForVerdict(call, path, how) {
  return askUntil(() => /** @type {Promise<Photo>} */ (call('GET', path)), {
    ...how, isDone: ({ state }) => state !== 'received', everyMs: POLL_MS, forMs: POLL_FOR_MS,
  });
}

module.exports = { refuseTooLarge, askBeforeBatchIsLost, waitForVerdict };
