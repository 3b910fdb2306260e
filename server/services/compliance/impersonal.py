"""Columns of free content that tell of nobody: each says what it holds."""

from __future__ import annotations

IMPERSONAL: dict[str, str] = {
    "audit_entry.action subject_kind": "做了什么、对什么",
    "audit_seal.*": "操作记录的摘要链",
    "background_job.kind state": "任务的种类和状态",
    "batch.*": "批次",
    "batch_window.*": "批次的期限",
    "consent_text.*": "告知书的文字",
    "crop_request.outcome": "结果代码",
    "data_request.kind source state certificate": "申请的种类、结果和证明（只有摘要）",
    "feature_code.*": "特征码，公开",
    "fee_waiver.actor_kind": "谁减免的种类",
    "heartbeat.*": "程序的心跳",
    "institution.*": "院校自己公布的信息",
    "learning_centre.*": "学习中心公布的信息",
    "message_allowance.template": "消息种类",
    "outbox_message.template state": "消息种类和状态",
    "payment_notice.pay_version kind outcome": "通知的种类和结果",
    "payment_order.currency pay_version sign_type settled_by": "订单的技术字段",
    "photo.profile background": "照片标准",
    "photo_profile.*": "照片规格",
    "quarantined_payment.reason source resolution": "原因和处理的代码",
    "reconciliation.*": "对账的汇总",
    "reconciliation_difference.kind": "差异的种类",
    "restore_drill.*": "恢复演练的记录",
    "review.reason_codes": "原因代码",
    "security_policy.*": "安全规则",
    "sms_message.state": "短信状态",
    "status_change.event actor_kind": "事件代码",
    "stored_faces.*": "人数",
    "wechat_access_token.*": "小程序的访问凭据",
}
"""Columns of free content that tell of nobody: ``table.column column``, or ``table.*``."""
