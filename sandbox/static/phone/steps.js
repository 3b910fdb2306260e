/** What each `next_step` of the server means to the student. */

export const STEP_HINTS = {
  capture: "待拍照",
  wait_check: "检测中",
  pay: "待支付",
  wait_review: "待审核",
  recapture: "需重新拍照",
  done: "已完成",
};

export const STEP_TITLES = {
  capture: "下一步:拍摄或上传照片",
  wait_check: "照片正在检测",
  pay: "下一步:支付采集费",
  wait_review: "已提交,等待审核",
  recapture: "照片未通过审核,请重新拍摄",
  done: "采集完成,照片已锁定",
};

/** Reasons that reviewers choose from; an unknown one is shown as it is. */
const REASONS = {
  head_top: "头顶距上边不合要求",
  eye_line: "眼睛高度不合要求",
  face_size: "人脸大小不合要求",
  pose: "姿势不端正",
  expression: "表情不自然",
  eyes: "眼睛未睁开或被遮挡",
  glasses: "眼镜反光或遮挡",
  hair: "头发遮挡",
  background: "背景不合要求",
  light: "光线不合要求",
  blur: "照片不清晰",
  clothing: "衣着与背景相近",
  retouched: "照片经过修饰",
  not_same_person: "与本人不符",
  other: "其他原因",
};

/** The Chinese of a reviewer's reason code. */
export function showReason(code) {
  return REASONS[code] ?? code;
}
