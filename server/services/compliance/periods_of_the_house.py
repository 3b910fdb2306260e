"""保存期限 of what the college keeps of its own work: staff, log, jobs, proofs."""

from __future__ import annotations

from server.services.compliance.kept_by_law import ASSESSMENTS, AUDIT, HANDOVERS
from server.services.compliance.period import RAW, AtEnd, Period

STAFF = "账号存在期间"

OF_THE_HOUSE: tuple[Period, ...] = (
    Period(
        "handover_receipt",
        ("receiver", "purpose", "fields", "sha256"),
        HANDOVERS.what,
        f"{HANDOVERS.years} 年",
        HANDOVERS.why,
        "期限届满",
        AtEnd.ELSEWHERE,
    ),
    Period(
        "status_change",
        ("reason",),
        "状态变化的原因代码",
        "不删除",
        "证明照片经过了什么；只有代码，没有个人信息",
        "不适用",
        AtEnd.STAYS,
    ),
    Period(
        "audit_entry",
        ("subject_id", "detail", "request_id"),
        "操作记录",
        f"{AUDIT.period}，不删除",
        "网络安全法第二十一条；只写编号，涉及个人的文字以本人密钥封存",
        "密钥销毁后文字不可读",
        AtEnd.SEALED,
    ),
    Period(
        "background_job",
        ("parameters", "result", "file_key", "error"),
        "名单导入和导出的任务、文件",
        f"名单文件用完即删，打印文件 1 天，导出文件 7 天，其余 {RAW}",
        "查看导入和导出的结果",
        "期限届满",
        AtEnd.ELSEWHERE,
    ),
    Period(
        "staff",
        (
            *("username", "display_name", "password_hash", "former_password_hashes"),
            *("totp_secret_encrypted", "recovery_code_hashes"),
        ),
        "工作人员账号",
        STAFF,
        "登录和操作记录",
        "停用后保留姓名，使操作记录仍有其人",
        AtEnd.STAYS,
    ),
    Period(
        "staff_session",
        ("token_hash", "user_agent"),
        "工作人员登录的设备",
        "失效后 30 天",
        "保持登录、结束其他设备",
        "期限届满",
        AtEnd.ELSEWHERE,
    ),
    Period(
        "impact_assessment",
        ("covers", "facts", "answers"),
        "个人信息保护影响评估",
        f"{ASSESSMENTS.period}，不删除",
        ASSESSMENTS.why,
        "不适用",
        AtEnd.STAYS,
    ),
    Period(
        "deletion_record",
        ("subject_kind", "subject_id", "reason"),
        "删除的记录：编号和时间，没有内容",
        "不删除",
        "证明已经删除",
        "不适用",
        AtEnd.STAYS,
    ),
)
