"""Money that does not fit: kept, shown to finance, resolved by a person."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from models import HAS_MONEY, Order, OrderState, QuarantinedPayment
from server.gateways.pay import EvidenceSource, Misfit, PaymentEvidence, RefundEvidence
from server.services.viewer import Viewer
from server.upsert import insert_once

log = structlog.get_logger()

MAX_FEN = 10**15
"""Ten thousand billion yuan: more is not believed, and does not fit the column."""
RECHECK_AFTER = dt.timedelta(seconds=10)
SUPERSEDED_NOTE = "后来的支付凭据与订单一致，已自动入账"
FOREIGN_ACCOUNT = frozenset({"wrong_app", "wrong_merchant"})


class Reason(enum.StrEnum):
    """Why a payment did not settle its order."""

    UNKNOWN_ORDER = "unknown_order"
    WRONG_APP = "wrong_app"
    WRONG_MERCHANT = "wrong_merchant"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_PAYER = "wrong_payer"
    IMPLAUSIBLE = "implausible"
    """Signed, but with a number or a time that cannot be."""
    PAID_AFTER_CLOSE = "paid_after_close"
    PAID_TWICE = "paid_twice"
    TRANSACTION_USED = "transaction_used"
    REFUNDED_ELSEWHERE = "refunded_elsewhere"
    UNKNOWN_REFUND = "unknown_refund"
    WRONG_REFUND_AMOUNT = "wrong_refund_amount"

    @property
    def label(self) -> str:
        """The Chinese words shown to finance."""
        return REASON_LABELS[self]


REASON_LABELS = {
    Reason.UNKNOWN_ORDER: "没有这个订单",
    Reason.WRONG_APP: "小程序不一致",
    Reason.WRONG_MERCHANT: "商户号不一致",
    Reason.WRONG_CURRENCY: "币种不一致",
    Reason.WRONG_AMOUNT: "金额不一致",
    Reason.WRONG_PAYER: "付款人不一致",
    Reason.IMPLAUSIBLE: "凭据内容异常",
    Reason.PAID_AFTER_CLOSE: "订单关闭后付款",
    Reason.PAID_TWICE: "重复付款",
    Reason.TRANSACTION_USED: "交易号已被其他订单使用",
    Reason.REFUNDED_ELSEWHERE: "已在系统之外退款",
    Reason.UNKNOWN_REFUND: "没有这笔退款",
    Reason.WRONG_REFUND_AMOUNT: "退款金额不一致",
}


def put_in_quarantine(
    session: Session,
    evidence: PaymentEvidence,
    *,
    order: Order | None,
    reason: Reason,
    at: dt.datetime,
    notice_row_id: uuid.UUID | None = None,
) -> bool:
    """Keep a payment; the same fact told twice is one row. Returns whether it is a new one.

    An order that waits for its payment shows `quarantined` from then on, so that the student does
    not pay again; unless the payment went to another account and so is not the order's at all.
    """
    is_new = keep(
        session,
        reason=reason,
        source=evidence.source,
        out_trade_no=evidence.out_trade_no,
        transaction_id=evidence.transaction_id,
        amount_fen=evidence.amount_fen,
        order=order,
        at=at,
        notice_row_id=notice_row_id,
        paid_at=None if reason is Reason.IMPLAUSIBLE else evidence.success_time,
        detail=f"{evidence.currency} {evidence.trade_state}{describe_excess(evidence.amount_fen)}",
    )
    is_ours = reason not in FOREIGN_ACCOUNT
    # what finance has resolved must not block the student again when WeChat repeats itself
    is_open = is_new or _is_unresolved(session, evidence.transaction_id, reason)
    if order is not None and is_ours and is_open and order.state not in HAS_MONEY:
        _hold_order(session, order, at if is_new else None)
    return is_new


def describe_excess(amount_fen: int) -> str:
    """Return the amount in words where the column cannot hold it."""
    return f" {str(amount_fen)[:40]}分" if amount_fen > MAX_FEN else ""


def _is_unresolved(session: Session, transaction_id: str, reason: Reason) -> bool:
    """Whether finance still has to decide about this transaction and reason."""
    row = session.scalar(
        select(QuarantinedPayment.id).where(
            QuarantinedPayment.fingerprint == _make_fingerprint(transaction_id, reason),
            QuarantinedPayment.resolved_at.is_(None),
        )
    )
    return row is not None


def _make_fingerprint(transaction_id: str, reason: Reason) -> str:
    """Return what makes a held payment the same one when it is told again."""
    return f"{transaction_id}:{reason}"[:160]


def keep_misfit(
    session: Session,
    misfit: Misfit,
    notice_id: str,
    notice_row_id: uuid.UUID,
    *,
    order: Order | None,
    at: dt.datetime,
) -> None:
    """Keep what no amount, number or time can be read from, until WeChat says more or finance does.

    An order that waits for its payment is held as for any payment that does not fit.
    """
    is_new = keep(
        session,
        reason=Reason.IMPLAUSIBLE,
        source="refund" if misfit.is_refund else EvidenceSource.CALLBACK,
        out_trade_no=misfit.out_trade_no,
        transaction_id=misfit.transaction_id or notice_id,
        amount_fen=0,
        order=order,
        at=at,
        detail=f"通知内容无法识别：{misfit.reason}",
        notice_row_id=notice_row_id,
    )
    if is_new and not misfit.is_refund and order is not None and order.state not in HAS_MONEY:
        _hold_order(session, order, at)


def keep_refund(
    session: Session,
    evidence: RefundEvidence,
    *,
    order: Order | None,
    reason: Reason,
    at: dt.datetime,
) -> bool:
    """Keep a refund that we did not ask for, or not like this."""
    return keep(
        session,
        reason=reason,
        source="refund",
        out_trade_no=evidence.out_trade_no,
        transaction_id=evidence.refund_id or evidence.out_refund_no,
        amount_fen=evidence.refund_fen,
        order=order,
        at=at,
        detail=f"out_refund_no {evidence.out_refund_no} {evidence.status}",
    )


def keep(
    session: Session,
    *,
    reason: Reason,
    source: str,
    out_trade_no: str,
    transaction_id: str,
    amount_fen: int,
    order: Order | None,
    at: dt.datetime,
    detail: str,
    paid_at: dt.datetime | None = None,
    notice_row_id: uuid.UUID | None = None,
) -> bool:
    """Insert the row once for each transaction and reason."""
    row_id = insert_once(
        session,
        QuarantinedPayment,
        key="fingerprint",
        values={
            "fingerprint": _make_fingerprint(transaction_id, reason),
            "institution_id": order.institution_id if order else None,
            "reason": reason,
            "source": source,
            "out_trade_no": out_trade_no[:64],
            "transaction_id": transaction_id[:64],
            "amount_fen": min(amount_fen, MAX_FEN),
            "paid_at": paid_at,
            "detail": detail[:500],
            "order_id": order.id if order else None,
            "notice_id": notice_row_id,
            "created_at": at,
            "resolution_note": "",
        },
    )
    if row_id is not None:
        log.warning("payment_quarantined", reason=reason, source=source, out_trade_no=out_trade_no)
    return row_id is not None


def _hold_order(session: Session, order: Order, ask_again_from: dt.datetime | None) -> None:
    """Show the order as quarantined; for a new row ask WeChat soon, it may have been a bad copy."""
    next_query_at = ask_again_from + RECHECK_AFTER if ask_again_from else None
    session.execute(
        update(Order)
        .where(Order.id == order.id, Order.state.not_in(HAS_MONEY))
        .values(state=OrderState.QUARANTINED, next_query_at=next_query_at)
    )


def accept_superseded(session: Session, order: Order, transaction_id: str, at: dt.datetime) -> None:
    """Resolve what was held against a payment that has now settled its order after all."""
    session.execute(
        update(QuarantinedPayment)
        .where(
            QuarantinedPayment.transaction_id == transaction_id,
            QuarantinedPayment.order_id == order.id,
            QuarantinedPayment.resolved_at.is_(None),
        )
        .values(resolution="accept", resolved_at=at, resolution_note=SUPERSEDED_NOTE)
    )


def is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of what the viewer answers for; nobody's money is everybody's."""
    mine = QuarantinedPayment.institution_id == viewer.institution_id
    return mine | QuarantinedPayment.institution_id.is_(None)
