/** What the check said about a photo, in the order in which to fix it. */

/** @typedef {import('../types/model').Photo} Photo */
/** @typedef {import('../types/model').Finding} Finding */

const VERDICTS = /** @type {Record<string, { tone: string, title: string, text: string }>} */ ({
  pass: { tone: 'good', title: '照片通过检测', text: '符合毕业证书照片的标准。' },
  warn: { tone: 'look', title: '通过检测，有提示', text: '可以继续，审核老师会再看下面的提示；也可以重拍一张。' },
  fail: { tone: 'bad', title: '没有通过检测', text: '照下面的提示改一改，重新拍一张。' },
});
const WAITING = { tone: 'wait', title: '正在检测', text: '照片已经收到，正在检测，不用停在这里。' };
const UNDECIDED = { tone: 'look', title: '照片已收到', text: '机器没能得出结论，请重新拍一张。' };

/** The drawing beside a sentence: by the first half of a finding's code. */
const DRAWINGS = /** @type {Record<string, string>} */ ({
  background: 'wall',
  clothing: 'clothes',
  colour: 'light',
  ears: 'hair',
  expression: 'mouth',
  eyes: 'eyes',
  face: 'face',
  file: 'file',
  focus: 'focus',
  frame: 'file',
  geometry: 'frame',
  glasses: 'glasses',
  hair: 'hair',
  head: 'hair',
  light: 'light',
  mouth: 'mouth',
  pose: 'tilt',
  recapture: 'focus',
});
const STATUS_WORDS = /** @type {Record<string, string>} */ ({ fail: '要改', warn: '提示', unknown: '提示' });

/** Measured values that the notice names, with the bands of 教毕指[2017]99号 in the 480 × 640 photo. */
const MEASURED = /** @type {[string, string, [number, number], string][]} */ ([
  ['head_top_px', '头顶到上边', [50, 110], '像素'],
  ['eye_line_px', '眼睛到上边', [200, 300], '像素'],
  ['face_width_px', '脸宽', [180, 300], '像素'],
  ['off_centre_px', '左右偏移', [-24, 24], '像素'],
  ['roll_deg', '头部倾斜', [-8, 8], '度'],
]);

/**
 * Everything that the verdict page shows.
 * @param {Photo} photo
 */
function present(photo) {
  const isWaiting = photo.state === 'received';
  const words = (photo.verdict && VERDICTS[photo.verdict]) || (isWaiting ? WAITING : UNDECIDED);
  const first = photo.first_findings.map(presentFinding);
  const shown = new Set(first.map(({ key }) => key));
  return {
    id: photo.id,
    verdict: photo.verdict || '',
    state: photo.state,
    isWaiting,
    isGood: photo.verdict === 'pass' || photo.verdict === 'warn',
    ...words,
    estimate: isWaiting ? showEstimate(photo.estimate_s) : '',
    image: photo.image || '',
    overlay: photo.overlay || '',
    findings: first,
    more: photo.findings.map(presentFinding).filter(({ key }) => !shown.has(key)),
    measured: presentMeasured(photo.measurements || {}),
    triesLeft: showTries(photo.tries_left),
    poll: photo.poll || '',
  };
}

/** @param {Finding} finding */
function presentFinding(finding) {
  return {
    key: `${finding.code} ${finding.message}`,
    code: finding.code,
    status: finding.status,
    label: STATUS_WORDS[finding.status] || '提示',
    text: finding.message,
    drawing: `/images/finding-${DRAWINGS[finding.code.split('.')[0]] || 'face'}.svg`,
  };
}

/** @param {Record<string, unknown>} measurements */
function presentMeasured(measurements) {
  return MEASURED.filter(([name]) => typeof measurements[name] === 'number').map(([name, label, [low, high], unit]) => {
    const value = /** @type {number} */ (measurements[name]);
    return {
      name,
      label,
      value: `${round(value)} ${unit}`,
      band: `${low} 至 ${high} ${unit}`,
      isInside: value >= low && value <= high,
    };
  });
}

/** Whole pixels; degrees with one digit behind the point. @param {number} value */
function round(value) {
  return Math.abs(value) < 20 ? Number(value.toFixed(1)) : Math.round(value);
}

/** @param {number | null} seconds */
function showEstimate(seconds) {
  if (!seconds) return '很快就好';
  return seconds < 60 ? `大约还要 ${seconds} 秒` : `大约还要 ${Math.ceil(seconds / 60)} 分钟`;
}

/** @param {number | null | undefined} tries */
function showTries(tries) {
  if (tries === null || tries === undefined) return '';
  return tries > 0 ? `今天还可以上传 ${tries} 次` : '今天的上传次数用完了，明天可以再试';
}

module.exports = { present };
