"""The Chinese words of stored values, as template filters."""

from __future__ import annotations

from models import (
    BackgroundJob,
    Decision,
    OrderState,
    PhotoState,
    RefundState,
    Review,
    Verdict,
)
from server.console.access import blueprint
from server.services.collection import Event
from server.services.ledger_csv import SETTLED_BY_LABELS
from server.services.quarantine import REASON_LABELS
from server.services.reconcile import KIND_LABELS
from server.services.rejection_reasons import REASONS, describe_reasons
from server.services.resolve_quarantine import Resolution

NEXT_STEPS = {
    "capture": "等待学生上传照片",
    "wait_check": "照片检测中",
    "pay": "等待学生缴费",
    "wait_review": "等待审核",
    "recapture": "等待学生重新上传",
    "done": "已完成",
}
PHOTO_STATES = {
    PhotoState.RECEIVED: "检测中",
    PhotoState.CHECKED: "已检测",
    PhotoState.WITHDRAWN: "学生已撤回",
    PhotoState.SUPERSEDED: "已被新照片替换",
    PhotoState.REJECTED: "已退回",
    PhotoState.APPROVED: "已采用",
}
VERDICTS = {Verdict.PASS: "检测合格", Verdict.WARN: "需人工查看", Verdict.FAIL: "检测不合格"}
DECISIONS = {Decision.APPROVE: "通过", Decision.REJECT: "退回", Decision.CORRECT: "勘误"}
ORDER_STATES = {state: state.label for state in OrderState}
REFUND_STATES = {state: state.label for state in RefundState}
EVENTS = {
    Event.IMPORTED: "导入名单",
    Event.SUBMITTED: "照片与缴费齐备",
    Event.RESUBMITTED: "重新上传",
    Event.REPLACED: "更换照片",
    Event.WITHDRAWN: "撤回照片",
    Event.REFUNDED: "退款",
    Event.APPROVED: "审核采用",
    Event.REJECTED: "审核退回",
    Event.APPROVAL_UNDONE: "撤销采用",
    Event.REJECTION_UNDONE: "撤销退回",
    Event.CORRECTED: "勘误解锁",
}
ACTORS = {"student": "学生", "staff": "工作人员", "system": "系统"}
MESSAGE_KINDS = {
    "photo_rejected": "照片需重新上传",
    "photo_collected": "照片已采集",
    "deadline_near": "截止提醒",
    "refund": "退款通知",
}
MESSAGE_STATES = {
    "pending": "待发送",
    "sent": "已发送",
    "refused": "微信未接受",
    "failed": "发送失败",
}
AUDIT_ACTIONS = {
    "session.open": "登录",
    "session.close": "退出登录",
    "password.change": "修改密码",
    "second_factor.enable": "开启两步验证",
    "second_factor.disable": "关闭两步验证",
    "photo.open": "打开照片",
    "photo.approve": "采用照片",
    "photo.reject": "退回照片",
    "review.undo": "撤销审核",
    "enrolment.correct": "勘误解锁",
    "students.remind": "发送提醒",
    "code.create": "新建特征码",
    "code.change": "修改特征码",
    "code.enable": "启用特征码",
    "code.disable": "停用特征码",
    "batch.change": "修改批次",
    "batch.close": "关闭批次",
    "centre.create": "新建学习中心",
    "centre.change": "修改学习中心",
    "roster.upload": "上传名单",
    "roster.import": "导入名单",
    "staff.create": "新建账号",
    "staff.disable": "停用账号",
    "staff.enable": "启用账号",
    "staff.reset_password": "重置密码",
    "export.request": "申请导出",
    "export.download": "下载导出文件",
    "export.delete": "删除导出文件",
    "export.command": "命令行导出",
    "payment.sync": "向微信查询订单",
    "payment.refund": "申请退款",
    "payment.refund_retry": "重试退款",
    "payment.refund_cancel": "放弃退款",
    "payment.quarantine_refund": "异常款项:退款",
    "payment.quarantine_accept": "异常款项:入账",
    "payment.quarantine_link": "异常款项:关联订单",
    "payment.quarantine_dismiss": "异常款项:结案",
    "payment.reconcile": "对账",
    "payment.difference_resolve": "处理对账差异",
    "payment.ledger": "下载收款明细",
}
JOB_STATES = {
    "queued": "排队中",
    "running": "生成中",
    "done": "已完成",
    "failed": "失败",
    "cancelled": "已取消",
}
TRADE_STATES = {
    "SUCCESS": "支付成功",
    "REFUND": "已转入退款",
    "NOTPAY": "未支付",
    "CLOSED": "已关闭",
    "REVOKED": "已撤销",
    "USERPAYING": "支付中",
    "PAYERROR": "支付失败",
    "NOT_FOUND": "没有这个订单",
}
NOTICE_OUTCOMES = {
    "settled": "已入账",
    "already_settled": "重复通知,已入账",
    "quarantined": "转入异常款项",
    "refused": "未通过验证",
    "ignored": "与业务无关",
    "refund_success": "退款成功",
    "refund_processing": "退款处理中",
    "refund_abnormal": "退款异常",
    "refund_closed": "退款关闭",
}
EVIDENCE_SOURCES = {**SETTLED_BY_LABELS, "refund": "退款通知"}
SUBJECT_KINDS = {
    "": "",
    "enrolment": "学生",
    "photo": "照片",
    "staff": "账号",
    "staff_session": "登录",
    "feature_code": "特征码",
    "batch": "批次",
    "learning_centre": "学习中心",
    "background_job": "后台任务",
    "order": "订单",
    "refund": "退款",
    "quarantined_payment": "异常款项",
    "reconciliation_difference": "对账差异",
}
AUDIT_DETAILS = {
    "batch": "批次",
    "background": "背景处理",
    "capture_policy": "照片来源",
    "centre": "学习中心",
    "changed": "更新",
    "closes_at": "结束时间",
    "code": "特征码",
    "count": "人数",
    "cutoff_at": "截止时间",
    "daily_submissions": "每天最多提交",
    "fee_fen": "费用(分)",
    "moved": "换批次",
    "name": "名称",
    "naming": "命名",
    "new": "新增",
    "opens_at": "开始时间",
    "pay_first": "先缴费",
    "profile": "照片标准",
    "reason": "原因",
    "reasons": "原因",
    "role": "角色",
    "uses": "用途",
    "username": "用户名",
}
MEASUREMENTS = {
    "head_top_px": "头顶到上边 px",
    "eye_line_px": "眼睛到上边 px",
    "face_width_px": "脸宽 px",
    "off_centre_px": "偏离中线 px",
    "roll_deg": "头部倾斜 度",
    "yaw_ratio": "左右转头",
    "pitch_score": "抬头低头",
    "shoulder_tilt": "双肩高差",
    "eye_openness": "睁眼程度",
    "gaze": "视线位置",
    "mouth_gap": "嘴唇间隙",
    "smile": "笑容",
    "lens_tint": "镜片颜色",
    "lens_glare_share": "镜片反光",
    "brow_cover": "头发遮眉",
    "eye_cover": "头发遮眼",
    "ear_skin_share": "露耳",
    "cheek_ratio": "左右脸亮度比",
    "highlight_share": "亮斑",
    "colour_cast": "偏色",
    "wall_colour": "背景色差",
    "wall_unevenness": "背景不均匀",
    "wall_shadow": "背景阴影",
    "clothing_blend": "衣服接近背景",
    "blur": "模糊",
    "file_size_kb": "文件大小 KB",
}
"""What a reviewer may want to know; other measurements are for calibration."""
WORDS: dict[str, dict[str, str]] = {
    "next_step": NEXT_STEPS,
    "photo_state": {str(key): text for key, text in PHOTO_STATES.items()},
    "verdict": {str(key): text for key, text in VERDICTS.items()},
    "decision": {str(key): text for key, text in DECISIONS.items()},
    "order_state": {str(key): text for key, text in ORDER_STATES.items()},
    "refund_state": {str(key): text for key, text in REFUND_STATES.items()},
    "event": {str(key): text for key, text in EVENTS.items()},
    "actor": ACTORS,
    "audit_action": AUDIT_ACTIONS,
    "audit_detail": AUDIT_DETAILS,
    "subject_kind": SUBJECT_KINDS,
    "measurement": MEASUREMENTS,
    "job_state": JOB_STATES,
    "trade_state": TRADE_STATES,
    "notice_outcome": NOTICE_OUTCOMES,
    "evidence_source": EVIDENCE_SOURCES,
    "quarantine_reason": {str(key): text for key, text in REASON_LABELS.items()},
    "resolution": {str(each): each.label for each in Resolution},
    "difference_kind": KIND_LABELS,
    "message_kind": MESSAGE_KINDS,
    "message_state": MESSAGE_STATES,
}


def _register(name: str, words: dict[str, str]) -> None:
    @blueprint.app_template_filter(name)
    def show(value: object) -> str:
        return words.get(str(value), str(value)) if value is not None else "—"


for _name, _words in WORDS.items():
    _register(_name, _words)


@blueprint.app_template_filter("reasons")
def show_reasons(review: Review) -> str:
    """Show why a photo was sent back."""
    return describe_reasons(review.reason_codes, review.note)


@blueprint.app_template_filter("reason_text")
def show_reason_text(reason: str) -> str:
    """Show the reason of a status change: codes, comma-separated, perhaps with a note."""
    return ";".join(REASONS.get(part, part) for part in reason.split(",") if part)


ROSTER_STATES = {
    ("roster_check", "receiving"): "正在接收",
    ("roster_check", "queued"): "等待核对",
    ("roster_check", "running"): "正在核对",
    ("roster_check", "done"): "已核对,等待确认",
    ("roster_import", "queued"): "等待导入",
    ("roster_import", "running"): "正在导入",
    ("roster_import", "done"): "已导入",
}


@blueprint.app_template_filter("roster_state")
def show_roster_state(job: BackgroundJob) -> str:
    """Show where a roster is."""
    if job.state == "cancelled":
        return "已放弃"
    if job.state == "failed":
        return "失败"
    if job.kind == "roster_check" and job.state == "done" and job.result.get("faults"):
        return "有错误"
    return ROSTER_STATES[job.kind, job.state]
