"""保存期限 of money: the law keeps what explains it, without a name or an ID number."""

from __future__ import annotations

from server.services.compliance.kept_by_law import MONEY
from server.services.compliance.period import PERSON, PERSON_ENDS, RAW, AtEnd, Period

VOUCHERS = f"按会计凭证保存，{MONEY.period}"
MONEY_LAW = "会计法、电子商务法要求保留收付记录；不含姓名和证件号码"

OF_MONEY: tuple[Period, ...] = (
    Period(
        "payment_notice",
        ("body_encrypted", "notice_id", "out_trade_no"),
        "微信支付通知原文（加密）",
        f"处理后 {RAW}，未通过验证的 7 天",
        "核对付款",
        "期限届满",
        AtEnd.ELSEWHERE,
    ),
    Period(
        "payment_order",
        ("out_trade_no", "description", "transaction_id", "prepay_id"),
        "订单",
        VOUCHERS,
        MONEY_LAW,
        "保存期满后由财务处理",
        AtEnd.LAW,
    ),
    Period(
        "refund",
        ("transaction_id", "out_trade_no", "out_refund_no", "refund_id", "reason", "last_error"),
        "退款",
        VOUCHERS,
        MONEY_LAW,
        "保存期满后由财务处理",
        AtEnd.LAW,
    ),
    Period(
        "refund_request",
        ("reason_encrypted", "answer_encrypted"),
        "退款申请的原因和答复（加密）",
        PERSON,
        "答复本人；退款本身作为凭证保留",
        PERSON_ENDS,
        AtEnd.EMPTY,
    ),
    Period(
        "quarantined_payment",
        (
            *("fingerprint", "out_trade_no", "transaction_id", "detail"),
            "resolution_note",
        ),
        "与订单不符的款项",
        VOUCHERS,
        MONEY_LAW,
        "保存期满后由财务处理",
        AtEnd.LAW,
    ),
    Period(
        "reconciliation_difference",
        ("fingerprint", "out_trade_no", "transaction_id", "resolution_note"),
        "对账差异",
        VOUCHERS,
        MONEY_LAW,
        "保存期满后由财务处理",
        AtEnd.LAW,
    ),
    Period(
        "fee_waiver",
        ("reason_encrypted",),
        "减免原因（加密）",
        PERSON,
        "说明为什么没有收费；金额作为凭证保留",
        PERSON_ENDS,
        AtEnd.ELSEWHERE,
    ),
)
