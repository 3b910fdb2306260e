"""Orders (订单), refunds (退款), raw notices (支付通知) and money that did not fit."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, String, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, enum_type, new_id
from models.encryption import FieldCipher, describe_place
from models.enrolment import Enrolment

FEN = BigInteger().with_variant(Integer(), "sqlite")
"""Amounts that strangers name, and sums: they need not fit into 32 bits."""


class OrderState(enum.StrEnum):
    """The life of an order."""

    OPEN = "open"
    PAID = "paid"
    CLOSED = "closed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    PARTLY_REFUNDED = "partly_refunded"
    """A part went back, the rest has settled the fee."""
    QUARANTINED = "quarantined"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return _ORDER_LABELS[self]


_ORDER_LABELS = {
    OrderState.OPEN: "待支付",
    OrderState.PAID: "已支付",
    OrderState.CLOSED: "已关闭",
    OrderState.REFUNDING: "退款中",
    OrderState.REFUNDED: "已退款",
    OrderState.PARTLY_REFUNDED: "部分退款",
    OrderState.QUARANTINED: "待财务处理",
}

HAS_MONEY = frozenset(
    {OrderState.PAID, OrderState.REFUNDING, OrderState.REFUNDED, OrderState.PARTLY_REFUNDED}
)
"""States of an order whose payment was settled here, whatever became of it later."""


class Order(Base):
    """A demand for the fee of one enrolment. At most one is open at a time."""

    __tablename__ = "payment_order"
    __table_args__ = (
        Index(
            "uq_payment_order_open",
            "enrolment_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_payment_order_enrolment", "enrolment_id", "created_at"),
        Index("ix_payment_order_due", "state", "next_query_at"),
        Index("ix_payment_order_paid_at", "institution_id", "paid_at", "state", "amount_fen"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wechat_user.id"))
    out_trade_no: Mapped[str] = mapped_column(String(32), unique=True)
    description: Mapped[str] = mapped_column(String(127))
    amount_fen: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3), default="CNY")
    state: Mapped[OrderState] = mapped_column(
        enum_type(OrderState, 20),
        default=OrderState.OPEN,
    )
    pay_version: Mapped[str] = mapped_column(String(2))
    sign_type: Mapped[str] = mapped_column(String(20), default="RSA")
    prepay_id: Mapped[str | None] = mapped_column(String(64))
    prepay_expires_at: Mapped[dt.datetime | None]
    expires_at: Mapped[dt.datetime]
    """``time_expire`` at WeChat; fixed when the order is made, so a retry is identical."""
    transaction_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    paid_at: Mapped[dt.datetime | None]
    settled_at: Mapped[dt.datetime | None]
    settled_by: Mapped[str | None] = mapped_column(String(20))
    """Which evidence settled it: callback, query, reconciliation or finance."""
    closed_at: Mapped[dt.datetime | None]
    last_queried_at: Mapped[dt.datetime | None]
    next_query_at: Mapped[dt.datetime | None]
    query_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[dt.datetime]

    enrolment: Mapped[Enrolment] = relationship()


class PaymentNotice(Base):
    """A raw callback, kept encrypted before anything is decided on it."""

    __tablename__ = "payment_notice"
    __table_args__ = (
        Index("ix_payment_notice_received_at", "received_at"),
        Index("ix_payment_notice_order", "out_trade_no"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    notice_id: Mapped[str] = mapped_column(String(128), unique=True)
    """WeChat's id when it verified; else ``unverified:`` and the SHA-256 of the body."""
    pay_version: Mapped[str] = mapped_column(String(2))
    kind: Mapped[str] = mapped_column(String(20), default="payment")
    """``payment`` or ``refund``."""
    is_verified: Mapped[bool]
    body_encrypted: Mapped[bytes] = mapped_column(LargeBinary, info={"place": "notice_id"})
    out_trade_no: Mapped[str | None] = mapped_column(String(64))
    received_at: Mapped[dt.datetime]
    delivery_count: Mapped[int] = mapped_column(default=1)
    outcome: Mapped[str | None] = mapped_column(String(40))
    """What it led to: ``settled``, ``already_settled``, ``quarantined``, ``refused`` …"""
    handled_at: Mapped[dt.datetime | None]


def body_place(notice_id: str) -> bytes:
    """Return the associated data of a notice's encrypted body."""
    return describe_place("payment_notice", "body_encrypted", notice_id)


class QuarantinedPayment(Base):
    """Money that does not fit an order. Finance sees it and resolves it; it is never dropped."""

    __tablename__ = "quarantined_payment"
    __table_args__ = (Index("ix_quarantined_payment_open", "resolved_at", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("institution.id"))
    """None when even the college is unknown; every finance account sees those."""
    fingerprint: Mapped[str] = mapped_column(String(160), unique=True)
    """``transaction_id:reason``: the same fact told twice is one row."""
    reason: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(20))
    out_trade_no: Mapped[str] = mapped_column(String(64))
    transaction_id: Mapped[str] = mapped_column(String(64))
    amount_fen: Mapped[int] = mapped_column(FEN)
    paid_at: Mapped[dt.datetime | None]
    """When WeChat took the money, as far as it told us."""
    detail: Mapped[str] = mapped_column(String(500), default="")
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment_order.id"))
    notice_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment_notice.id"))
    created_at: Mapped[dt.datetime]
    resolution: Mapped[str | None] = mapped_column(String(20))
    """``refund``, ``accept``, ``link`` or ``dismiss``."""
    resolved_at: Mapped[dt.datetime | None]
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    resolution_note: Mapped[str] = mapped_column(String(500), default="")


class RefundState(enum.StrEnum):
    """The life of a refund."""

    REQUESTED = "requested"
    """Our row is committed; WeChat may or may not have heard of it."""
    PROCESSING = "processing"
    SUCCESS = "success"
    ABNORMAL = "abnormal"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return _REFUND_LABELS[self]


_REFUND_LABELS = {
    RefundState.REQUESTED: "已登记",
    RefundState.PROCESSING: "微信处理中",
    RefundState.SUCCESS: "已退回",
    RefundState.ABNORMAL: "异常，需处理",
    RefundState.CLOSED: "已关闭",
}


class Refund(Base):
    """Money that goes back. Retried with the same ``out_refund_no``: a new one is a second one."""

    __tablename__ = "refund"
    __table_args__ = (Index("ix_refund_due", "state", "next_query_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("institution.id"))
    order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("payment_order.id"), index=True)
    quarantined_payment_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("quarantined_payment.id")
    )
    transaction_id: Mapped[str] = mapped_column(String(64))
    out_trade_no: Mapped[str] = mapped_column(String(64))
    out_refund_no: Mapped[str] = mapped_column(String(64), unique=True)
    refund_id: Mapped[str | None] = mapped_column(String(64))
    amount_fen: Mapped[int] = mapped_column(FEN)
    total_fen: Mapped[int] = mapped_column(FEN)
    reason: Mapped[str] = mapped_column(String(80))
    state: Mapped[RefundState] = mapped_column(
        enum_type(RefundState, 20),
        default=RefundState.REQUESTED,
    )
    requested_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    """None: somebody made it on WeChat's merchant platform, and we learned of it."""
    requested_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    bill_date: Mapped[dt.date | None]
    """The day whose bill has shown it: WeChat's word for the day to which it belongs."""
    next_query_at: Mapped[dt.datetime | None]
    query_count: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(200), default="")


class Reconciliation(Base):
    """One comparison of our books with WeChat's bill of one day."""

    __tablename__ = "reconciliation"
    __table_args__ = (Index("ix_reconciliation_date", "bill_date"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    bill_date: Mapped[dt.date]
    started_at: Mapped[dt.datetime]
    finished_at: Mapped[dt.datetime | None]
    bill_rows: Mapped[int] = mapped_column(default=0)
    foreign_rows: Mapped[int] = mapped_column(default=0, server_default="0")
    """Lines of the college's other systems on the same merchant account: counted, not compared."""
    paid_fen: Mapped[int] = mapped_column(FEN, default=0)
    refunded_fen: Mapped[int] = mapped_column(FEN, default=0)
    error: Mapped[str] = mapped_column(String(200), default="")


class ReconciliationDifference(Base):
    """One row in which bill and books do not agree."""

    __tablename__ = "reconciliation_difference"
    __table_args__ = (Index("ix_reconciliation_difference_open", "resolved_at", "bill_date"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    reconciliation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("reconciliation.id"))
    institution_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("institution.id"))
    fingerprint: Mapped[str] = mapped_column(String(160), unique=True)
    bill_date: Mapped[dt.date]
    kind: Mapped[str] = mapped_column(String(30))
    """``missing_here``, ``missing_there``, ``amount_differs`` …"""
    out_trade_no: Mapped[str] = mapped_column(String(64))
    transaction_id: Mapped[str] = mapped_column(String(64), default="")
    our_fen: Mapped[int | None] = mapped_column(FEN)
    their_fen: Mapped[int | None] = mapped_column(FEN)
    resolved_at: Mapped[dt.datetime | None]
    resolved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    resolution_note: Mapped[str] = mapped_column(String(500), default="")


class FeeWaiver(Base):
    """减免: the college forgives one student the fee. There is one for an enrolment at most."""

    __tablename__ = "fee_waiver"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"), unique=True)
    amount_fen: Mapped[int] = mapped_column(FEN)
    """The fee that would have been due, as far as it was known then."""
    is_cash: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The college took the fee in cash: nothing is forgiven, and WeChat knows nothing of it."""
    reason_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    """Why: it may tell of somebody's poverty or illness."""
    actor_kind: Mapped[str] = mapped_column(String(20))
    actor_id: Mapped[uuid.UUID | None]
    at: Mapped[dt.datetime]

    enrolment: Mapped[Enrolment] = relationship()

    def encrypt_reason(self, reason: str, cipher: FieldCipher) -> None:
        """Store the reason encrypted for this row."""
        if self.id is None:
            self.id = new_id()
        self.reason_encrypted = cipher.encrypt(reason, place=self._place())

    def decrypt_reason(self, cipher: FieldCipher) -> str:
        """Return the reason; raises FieldUnreadable."""
        return cipher.decrypt(self.reason_encrypted, place=self._place())

    def _place(self) -> bytes:
        return describe_place("fee_waiver", "reason_encrypted", self.id)
