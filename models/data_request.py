"""What a person asks about the own data: correction or deletion, decided by an administrator."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, enum_type, new_id
from models.encryption import FieldCipher, describe_place
from models.enrolment import Enrolment


class RequestKind(enum.StrEnum):
    """What is asked for."""

    CORRECTION = "correction"
    DELETION = "deletion"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return {"correction": "更正", "deletion": "删除"}[self.value]


class RequestState(enum.StrEnum):
    """Where a request stands."""

    OPEN = "open"
    GRANTED = "granted"
    """Decided, and still to be carried out."""
    REFUSED = "refused"
    DONE = "done"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return {
            "open": "等待处理",
            "granted": "已同意，办理中",
            "refused": "未同意",
            "done": "已办结",
        }[self.value]


class DataRequest(Base):
    """One request. What people write is encrypted; the certificate holds digests only."""

    __tablename__ = "data_request"
    __table_args__ = (
        Index("ix_data_request_list", "institution_id", "state", "due_at"),
        Index("ix_data_request_enrolment", "enrolment_id", "asked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("wechat_user.id"))
    kind: Mapped[RequestKind] = mapped_column(enum_type(RequestKind, 20))
    source: Mapped[str] = mapped_column(String(20))
    """``student``, ``withdrawal`` (of the consent to a collected photo) or ``in_person``."""
    wish_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    """What is wrong and what it should be, in the person's words."""
    state: Mapped[RequestState] = mapped_column(
        enum_type(RequestState, 20), default=RequestState.OPEN
    )
    asked_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime]
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    answer_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The decision's reason, for the person to read."""
    done_at: Mapped[dt.datetime | None]
    certificate: Mapped[dict[str, Any] | None] = mapped_column(JSON)

    enrolment: Mapped[Enrolment] = relationship()

    def encrypt_wish(self, text: str, cipher: FieldCipher) -> None:
        """Store the wish encrypted for this row; an empty one is none."""
        self.wish_encrypted = self._encrypt("wish_encrypted", text, cipher)

    def decrypt_wish(self, cipher: FieldCipher) -> str:
        """Return the wish, empty where there is none; raises FieldUnreadable."""
        return self._decrypt("wish_encrypted", self.wish_encrypted, cipher)

    def encrypt_answer(self, text: str, cipher: FieldCipher) -> None:
        """Store the answer encrypted for this row; an empty one is none."""
        self.answer_encrypted = self._encrypt("answer_encrypted", text, cipher)

    def decrypt_answer(self, cipher: FieldCipher) -> str:
        """Return the answer, empty where there is none; raises FieldUnreadable."""
        return self._decrypt("answer_encrypted", self.answer_encrypted, cipher)

    def _encrypt(self, column: str, text: str, cipher: FieldCipher) -> bytes | None:
        if self.id is None:
            self.id = new_id()
        place = describe_place("data_request", column, self.id)
        return cipher.encrypt(text, place=place) if text else None

    def _decrypt(self, column: str, stored: bytes | None, cipher: FieldCipher) -> str:
        if stored is None:
            return ""
        return cipher.decrypt(stored, place=describe_place("data_request", column, self.id))
