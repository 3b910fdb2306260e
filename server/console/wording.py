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
from server.console.measurement_words import MEASUREMENTS
from server.services.collection import Event
from server.services.messages.reasons import describe_reason, describe_reasons
from server.services.money.books.differences import KIND_LABELS
from server.services.money.books.ledger import SETTLED_BY_LABELS
from server.services.money.hold import REASON_LABELS
from server.services.money.quarantine.resolve import Resolution

NEXT_STEPS = {
    "capture": "等待学生上传照片",
    "wait_check": "照片检测中",
    "pay": "等待学生缴费",
    "wait_review": "等待审核",
    "chsi_code": "等待图像采集码",
    "wait_money": "付款核实中",
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
    Event.PERSON_REPLACED: "名单更换人员",
}
ACTORS = {"student": "学生", "staff": "工作人员", "system": "系统"}
MESSAGE_KINDS = {
    "photo_rejected": "照片需重新上传",
    "photo_collected": "照片已采集",
    "deadline_near": "截止提醒",
    "refund": "退款通知",
    "data_request": "权利申请的结果",
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
    "session.refuse": "登录失败",
    "password.change": "修改密码",
    "second_factor.enable": "开启两步验证",
    "second_factor.disable": "关闭两步验证",
    "photo.open": "打开照片",
    "photo.view": "查看照片",
    "photo.approve": "通过照片",
    "photo.crop": "调整裁剪",
    "faces.on": "开启人脸比对",
    "faces.off": "关闭人脸比对",
    "faces.references": "导入参考照片",
    "faces.references_removed": "删除全部参考照片",
    "onsite.agree": "现场登记同意",
    "onsite.take": "现场拍摄",
    "onsite.folder": "上传相机照片",
    "onsite.folder_confirm": "写入相机照片",
    "onsite.folder_discard": "放弃相机照片",
    "payment.cash": "登记现金",
    "photo.approve_automatically": "自动通过照片",
    "review.automatic_on": "开启自动通过",
    "review.automatic_off": "关闭自动通过",
    "photo.reject": "退回照片",
    "review.undo": "撤销审核",
    "enrolment.correct": "勘误解锁",
    "enrolment.release": "解除绑定",
    "institution.contact": "修改咨询方式",
    "institution.reasons": "修改退回原因",
    "notice.publish": "发布告知书",
    "consent.in_person": "代为登记同意或撤回",
    "consent.guardian": "登记监护人同意",
    "request.in_person": "代为登记权利申请",
    "request.decide": "处理权利申请",
    "copy.in_person": "为本人导出信息副本",
    "students.find_number": "按证件号码查找",
    "students.export": "导出学生列表",
    "missing.export": "导出未完成名单",
    "audit.export": "下载操作记录",
    "photo_numbers.view": "查看照片编号对照表",
    "photo_numbers.export": "导出照片编号对照表",
    "chsi.waive": "设为不需要图像采集码",
    "chsi.waiver_end": "重新要求图像采集码",
    "chsi.list_upload": "上传学信网结果清单",
    "chsi.list_apply": "登记学信网结果",
    "chsi.discard": "删除图像采集码",
    "students.remind": "发送提醒",
    "code.create": "新建特征码",
    "code.change": "修改特征码",
    "code.enable": "启用特征码",
    "code.disable": "停用特征码",
    "batch.add": "新建补充批次",
    "batch.change": "修改批次",
    "batch.close": "关闭批次",
    "batch.remove": "删除补充批次",
    "batch.reopen": "重新开放批次",
    "batch.create": "新建补采批次",
    "season.change": "修改截止日期",
    "print.sheet": "打印照片",
    "print.contact": "打印核对表",
    "print.download": "下载打印文件",
    "print.delete": "删除打印文件",
    "profile.create": "新建照片规格",
    "profile.change": "修改照片规格",
    "profile.switch_on": "启用照片规格",
    "profile.switch_off": "停用照片规格",
    "profile.catch_up": "补做照片规格",
    "profile.try": "试做照片规格",
    "centre.create": "新建学习中心",
    "centre.change": "修改学习中心",
    "centre.merge": "合并学习中心",
    "centre.delete": "删除学习中心",
    "roster.upload": "上传名单",
    "roster.import": "导入名单",
    "staff.create": "新建账号",
    "staff.disable": "停用账号",
    "staff.enable": "启用账号",
    "staff.reset_password": "重置密码",
    "staff.change": "修改账号",
    "periods.change": "修改保存年数",
    "security.change": "修改安全规则",
    "assessment.sign": "签署影响评估",
    "faces.filed": "记录人脸备案",
    "export.request": "申请导出",
    "export.download": "下载导出文件",
    "export.delete": "删除导出文件",
    "export.command": "命令行导出",
    "payment.sync": "向微信查询订单",
    "payment.refund": "退款",
    "payment.refund_decline": "不同意退款申请",
    "payment.receipt": "打印收据",
    "payment.refund_retry": "重试退款",
    "payment.refund_cancel": "放弃退款",
    "payment.waive": "减免费用",
    "payment.quarantine_refund": "异常款项：退款",
    "payment.quarantine_accept": "异常款项：入账",
    "payment.quarantine_link": "异常款项：关联订单",
    "payment.quarantine_dismiss": "异常款项：结案",
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
    "already_settled": "重复通知，已入账",
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
    "institution": "院校",
    "photo": "照片",
    "staff": "账号",
    "staff_session": "登录",
    "feature_code": "特征码",
    "batch": "批次",
    "learning_centre": "学习中心",
    "impact_assessment": "影响评估",
    "photo_profile": "照片规格",
    "background_job": "后台任务",
    "order": "订单",
    "refund": "退款",
    "quarantined_payment": "异常款项",
    "reconciliation_difference": "对账差异",
}
AUDIT_DETAILS = {
    "right_px": "向右像素",
    "down_px": "向下像素",
    "percent": "百分比",
    "draw_percent": "抽查比例",
    "kinds": "同意的事项",
    "address": "地址",
    "after": "之后",
    "before": "之前",
    "card_visible_from": "学籍卡日期",
    "centres": "学习中心",
    "contact": "联系方式",
    "covers": "范围",
    "kept_years": "保存年数",
    "photos": "照片",
    "step": "步骤",
    "password_min_length": "密码最短位数",
    "password_kinds": "密码字符种类",
    "password_max_age_days": "密码期限（天）",
    "password_history": "不能重复的密码个数",
    "second_factor_roles": "必须两步验证的角色",
    "idle_minutes": "闲置退出（分钟）",
    "absolute_hours": "最长登录（小时）",
    "console_networks": "工作台开放的网络",
    "stale_after_days": "长期未登录（天）",
    "version": "版本",
    "day": "日期",
    "display_name": "姓名",
    "fields": "字段",
    "file": "文件",
    "grace_days": "宽限天数",
    "identity_seen": "核对身份",
    "into": "合并到",
    "kind": "类型",
    "note": "备注",
    "outcome": "结果",
    "purpose": "用途",
    "replaced": "换人的人数",
    "shown": "发给学生的说明",
    "students": "学生人数",
    "use": "用途",
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
    "fee_fen": "费用（分）",
    "moved": "换批次",
    "name": "名称",
    "naming": "命名",
    "new": "新增",
    "opens_at": "开始时间",
    "own_last_moments": "单独的截止时间",
    "pay_first": "先缴费",
    "profile": "照片标准",
    "reason": "原因",
    "reasons": "原因",
    "role": "角色",
    "uses": "用途",
    "username": "用户名",
}
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
    return "；".join(describe_reason(part) for part in reason.split(",") if part)


ROSTER_STATES = {
    ("roster_check", "receiving"): "正在接收",
    ("roster_check", "queued"): "等待核对",
    ("roster_check", "running"): "正在核对",
    ("roster_check", "done"): "已核对，等待确认",
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
