"""What a student asks for about a payment: the fee back, decided by finance."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, enum_type, new_id
from models.encryption import FieldCipher, describe_place
from models.payment import Order


class RefundRequestState(enum.StrEnum):
    """Where a request stands. What became of the money is the order's to say."""

    REQUESTED = "requested"
    ACCEPTED = "accepted"
    """Finance agreed: the refund is on its way, or has come to its end."""
    REFUSED = "refused"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return {"requested": "等待处理", "accepted": "已同意", "refused": "未同意"}[self.value]


class RefundRequest(Base):
    """One request. What people write is encrypted; at most one of an order waits at a time."""

    __tablename__ = "refund_request"
    __table_args__ = (
        Index(
            "uq_refund_request_waiting",
            "order_id",
            unique=True,
            sqlite_where=text("state = 'requested'"),
            postgresql_where=text("state = 'requested'"),
        ),
        Index("ix_refund_request_list", "institution_id", "state", "due_at"),
        Index("ix_refund_request_order", "order_id", "asked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment_order.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wechat_user.id"))
    state: Mapped[RefundRequestState] = mapped_column(
        enum_type(RefundRequestState, 20), default=RefundRequestState.REQUESTED
    )
    reason_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Why, in the person's words: they may tell of an illness."""
    asked_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    answer_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The decision's reason, for the person to read."""

    order: Mapped[Order] = relationship()

    def encrypt_reason(self, words: str, cipher: FieldCipher) -> None:
        """Store the reason encrypted for this row."""
        self.reason_encrypted = self._encrypt("reason_encrypted", words, cipher)

    def decrypt_reason(self, cipher: FieldCipher) -> str:
        """Return the reason, empty where it has ended; raises FieldUnreadable."""
        return self._decrypt("reason_encrypted", self.reason_encrypted, cipher)

    def encrypt_answer(self, words: str, cipher: FieldCipher) -> None:
        """Store the answer encrypted for this row; an empty one is none."""
        self.answer_encrypted = self._encrypt("answer_encrypted", words, cipher)

    def decrypt_answer(self, cipher: FieldCipher) -> str:
        """Return the answer, empty where there is none; raises FieldUnreadable."""
        return self._decrypt("answer_encrypted", self.answer_encrypted, cipher)

    def _encrypt(self, column: str, words: str, cipher: FieldCipher) -> bytes | None:
        if self.id is None:
            self.id = new_id()
        place = describe_place("refund_request", column, self.id)
        return cipher.encrypt(words, place=place) if words else None

    def _decrypt(self, column: str, stored: bytes | None, cipher: FieldCipher) -> str:
        if stored is None:
            return ""
        return cipher.decrypt(stored, place=describe_place("refund_request", column, self.id))
