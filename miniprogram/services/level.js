/** Is the phone held upright? From the direction of gravity, in units of g. */

const LEVEL_DEG = 3;
const MOST_DEG = 30;
const FLAT_G = 0.5;
const HINT = '头和肩放进轮廓，眼睛平视镜头';

/**
 * How far the phone leans to a side; null while it lies flat, where that means nothing.
 * @param {{ x: number, y: number, z: number }} gravity y is along the screen, x across it
 */
function readRoll({ x, y }) {
  if (Math.hypot(x, y) < FLAT_G) return null;
  return (Math.atan2(x, Math.abs(y)) * 180) / Math.PI;
}

/**
 * The line of the capture page: its turn in degrees, its colour, its words.
 * @param {{ x: number, y: number, z: number }} gravity
 */
function presentLevel(gravity) {
  const roll = readRoll(gravity);
  if (roll === null) return { turn: 0, isLevel: false, words: '把手机竖直举到眼睛高度' };
  const turn = Math.round(Math.max(-MOST_DEG, Math.min(MOST_DEG, roll)));
  const isLevel = Math.abs(roll) <= LEVEL_DEG;
  return { turn, isLevel, words: isLevel ? HINT : '手机歪了，请扶正' };
}

module.exports = { HINT, readRoll, presentLevel };
