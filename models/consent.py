"""What a college tells its students about their data, and what each of them agreed to."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id
from models.encryption import FieldCipher, describe_place


class ConsentText(Base):
    """One published version of an institution's notice (个人信息告知书).

    Never changed: a trigger refuses updates and deletes.
    """

    __tablename__ = "consent_text"
    __table_args__ = (UniqueConstraint("institution_id", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    version: Mapped[str] = mapped_column(String(20))
    """``2026-11``, ``2026-11.2`` for the same with better words."""
    text: Mapped[str] = mapped_column(Text)
    """The whole notice as a student reads it."""
    parts: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    """The parts that the text is made of (``server.services.consent.parts``); empty for a text
    of the time before notices had parts."""
    created_at: Mapped[dt.datetime]
    published_at: Mapped[dt.datetime | None]
    published_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))


class ConsentRecord(Base):
    """One consent given or withdrawn. Append-only: a trigger refuses updates and deletes.

    The newest row of an enrolment and a kind says what holds now.
    """

    __tablename__ = "consent_record"
    __table_args__ = (Index("ix_consent_record_latest", "enrolment_id", "kind", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    kind: Mapped[str] = mapped_column(String(40), default="photo", server_default="photo")
    """``photo``, ``faces``, or the key of a receiver that the notice names."""
    is_given: Mapped[bool] = mapped_column(default=True, server_default="1")
    version: Mapped[str] = mapped_column(String(20))
    """Of the notice that was shown."""
    given_by: Mapped[str] = mapped_column(String(20), default="student", server_default="student")
    """``student``, ``guardian``, ``staff`` (in person) or ``system`` (another person now)."""
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("wechat_user.id"))
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[dt.datetime]


class GuardianConsent(Base):
    """Who agreed for a student under 14: the newest row counts. The name is personal data."""

    __tablename__ = "guardian_consent"
    __table_args__ = (Index("ix_guardian_consent_enrolment", "enrolment_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    name_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    relation: Mapped[str] = mapped_column(String(20))
    """父亲, 母亲 or 其他监护人."""
    way: Mapped[str] = mapped_column(String(20))
    """``mini_program``, or ``paper``: staff hold the signed sheet."""
    version: Mapped[str] = mapped_column(String(20))
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[dt.datetime]

    def encrypt_name(self, name: str, cipher: FieldCipher) -> None:
        """Store the guardian's name encrypted for this row."""
        if self.id is None:
            self.id = new_id()
        self.name_encrypted = cipher.encrypt(name, place=self._place())

    def decrypt_name(self, cipher: FieldCipher) -> str:
        """Return the guardian's name; raises FieldUnreadable."""
        return cipher.decrypt(self.name_encrypted, place=self._place())

    def _place(self) -> bytes:
        return describe_place("guardian_consent", "name_encrypted", self.id)
