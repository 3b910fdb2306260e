/** 订阅消息: which ones to ask for, and telling the server what was allowed. One tap, one message each. */

/** Old clients take three at once. What helps most comes first. */
const MOST = 3;
const DAY_MS = 24 * 60 * 60 * 1000;
const WANTED = /** @type {Record<string, string[]>} */ ({
  wait_review: ['photo_rejected', 'photo_collected', 'refund'],
  wait_check: ['photo_rejected', 'photo_collected', 'deadline_near'],
  wait_money: ['refund', 'photo_rejected', 'photo_collected'],
  recapture: ['deadline_near', 'photo_rejected', 'photo_collected'],
  pay: ['deadline_near', 'photo_rejected', 'photo_collected'],
  capture: ['deadline_near', 'photo_rejected', 'photo_collected'],
});

/**
 * The messages to offer at a step: names with the ids of this college's templates.
 * @param {string} step
 * @param {Record<string, string>} templates
 * @returns {{ name: string, id: string }[]}
 */
function listOffers(step, templates) {
  return (WANTED[step] || [])
    .filter((name) => templates[name])
    .slice(0, MOST)
    .map((name) => ({ name, id: templates[name] }));
}

/**
 * Ask WeChat, then tell the server. Must be the first thing in a tap: WeChat refuses it later.
 * @param {{ name: string, id: string }[]} offers
 * @param {{ askMessages: (ids: string[]) => Promise<Record<string, string>>,
 *   tellServer: (names: string[]) => Promise<unknown> }} sides
 * @returns {Promise<'allowed' | 'refused' | 'closed'>} closed: switched off in WeChat's settings
 */
async function askForMessages(offers, sides) {
  let answer;
  try {
    answer = await sides.askMessages(offers.map(({ id }) => id));
  } catch (error) {
    return 'closed';
  }
  const names = offers.filter(({ id }) => answer[id] === 'accept').map(({ name }) => name);
  if (!names.length) return 'refused';
  await sides.tellServer(names);
  return 'allowed';
}

/**
 * Ask in a tap that has work of its own: the work waits for nothing, and no trouble of the question
 * reaches it. Once a day at each place, so that nobody is pestered. Call it before anything is awaited.
 * @param {string} step what the student does next: decides which messages help
 * @param {string} place where the tap is, with the enrolment: `capture 1234`
 * @param {Record<string, string>} templates
 * @param {{ askMessages: (ids: string[]) => Promise<Record<string, string>>,
 *   tellServer: (names: string[]) => Promise<unknown>,
 *   read: (key: string) => unknown, write: (key: string, value: unknown) => void, nowMs: number }} sides
 * @returns {Promise<void>}
 */
async function askInPassing(step, place, templates, sides) {
  const offers = listOffers(step, templates);
  const asked = Number(sides.read(`asked ${place}`)) || 0;
  if (!offers.length || sides.nowMs - asked < DAY_MS) return;
  sides.write(`asked ${place}`, sides.nowMs);
  try {
    await askForMessages(offers, sides);
  } catch (error) {
    // The server could not be told: the next tap of another day asks again.
  }
}

const WORDS = {
  allowed: '好的，有结果会在微信里通知',
  refused: '没有允许通知，可以随时回来查看',
  closed: '微信里关闭了通知，可在右上角“设置”中打开',
};

module.exports = { listOffers, askForMessages, askInPassing, WORDS };
