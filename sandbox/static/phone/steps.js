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
