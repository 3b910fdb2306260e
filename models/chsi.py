"""图像采集码: the encrypted code that 学信网 gives a student, and who goes without one.

The text is opaque: kept encrypted, found again by a keyed index, never parsed, never a credential.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id
from models.encryption import FieldCipher, describe_place


class ChsiPolicy(enum.StrEnum):
    """Whether a feature code asks its students for their 图像采集码."""

    OFF = "off"
    WANTED = "wanted"
    """Taken, and asked for; nothing waits for it."""
    REQUIRED = "required"
    """Without it, or a waiver, a photo does not become 已上传."""

    @property
    def label(self) -> str:
        """The Chinese words shown to staff."""
        return {
            "off": "不收",
            "wanted": "请学生提供，不提供也可以提交",
            "required": "必须提供，否则照片不提交审核",
        }[self.value]


class ChsiCode(Base):
    """One code of one enrolment. No two enrolments have the same."""

    __tablename__ = "chsi_code"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"), unique=True)
    text_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    text_index: Mapped[bytes] = mapped_column(
        LargeBinary(32),
        unique=True,
        info={"index_of": "text_encrypted", "purpose": "chsi_code"},
    )
    raw_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The bytes inside the picture, where they are not the text in UTF-8."""
    mode: Mapped[str] = mapped_column(String(12))
    """How the picture packs its bytes: numeric, alphanumeric, byte, or auto where nobody knows."""
    error_level: Mapped[str] = mapped_column(String(1))
    version: Mapped[int | None]
    """The size of the picture, 1-40; None for a text that WeChat scanned."""
    mask: Mapped[int | None]
    source: Mapped[str] = mapped_column(String(10))
    """``scan`` or ``picture``."""
    created_at: Mapped[dt.datetime]

    def encrypt(self, text: str, raw: bytes, cipher: FieldCipher) -> None:
        """Store the text for this row, with its index, and the bytes where they differ."""
        if self.id is None:
            self.id = new_id()
        self.text_encrypted = cipher.encrypt(text, place=self._place("text_encrypted"))
        self.text_index = index_chsi_code(text, cipher)
        is_other = raw != text.encode()
        place = self._place("raw_encrypted")
        self.raw_encrypted = cipher.encrypt(raw, place=place) if is_other else None

    def decrypt_raw(self, cipher: FieldCipher) -> bytes:
        """Return the bytes to draw; raises FieldUnreadable."""
        if self.raw_encrypted is not None:
            return cipher.decrypt_bytes(self.raw_encrypted, place=self._place("raw_encrypted"))
        return cipher.decrypt_bytes(self.text_encrypted, place=self._place("text_encrypted"))

    def _place(self, column: str) -> bytes:
        return describe_place("chsi_code", column, self.id)


def index_chsi_code(text: str, cipher: FieldCipher) -> bytes:
    """Return the look-up index of a code, the same on every row."""
    return cipher.index(text, purpose="chsi_code")


class ChsiWaiver(Base):
    """A student who has no code and goes on without one, and why staff said so."""

    __tablename__ = "chsi_waiver"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"), unique=True)
    reason_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[dt.datetime]

    def encrypt_reason(self, reason: str, cipher: FieldCipher) -> None:
        """Store the reason encrypted for this row."""
        if self.id is None:
            self.id = new_id()
        self.reason_encrypted = cipher.encrypt(reason, place=self._place())

    def decrypt_reason(self, cipher: FieldCipher) -> str:
        """Return the reason; raises FieldUnreadable."""
        return cipher.decrypt(self.reason_encrypted, place=self._place())

    def _place(self) -> bytes:
        return describe_place("chsi_waiver", "reason_encrypted", self.id)
