"""Handing photos over to who collects them for 学信网, and what comes back."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_type, new_id


class HandoverReceipt(Base):
    """One archive that left the house: who gave what to whom, for what. Kept three years."""

    __tablename__ = "handover_receipt"
    __table_args__ = (Index("ix_handover_receipt_institution", "institution_id", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    job_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    """The export, of a command no row; its archive is gone after a week, this row stays."""
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    """None: whoever may run commands on the machine."""
    at: Mapped[dt.datetime]
    receiver: Mapped[str] = mapped_column(String(100))
    purpose: Mapped[str] = mapped_column(String(200))
    fields: Mapped[str] = mapped_column(String(200))
    """What is told of each student, in words."""
    count: Mapped[int]
    left_out: Mapped[int]
    """Students of the same batch whom it leaves out: no code, or no consent."""
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))


class HandedOver(Base):
    """One student of an archive, and the serial number that stands for them in it."""

    __tablename__ = "handed_over"
    __table_args__ = (
        UniqueConstraint("job_id", "serial"),
        Index("ix_handed_over_enrolment", "enrolment_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    job_id: Mapped[uuid.UUID]
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    serial: Mapped[int]


class ChsiOutcome(enum.StrEnum):
    """What the collecting unit's or 学信网's list says of a student."""

    REPORTED = "reported"
    VISIBLE = "visible"
    WRONG = "wrong"

    @property
    def label(self) -> str:
        """The Chinese words shown to people."""
        return {"reported": "已上报", "visible": "学信网可见", "wrong": "校对有误"}[self.value]


class ChsiResult(Base):
    """One line of a list that came back. The newest by day is what is shown."""

    __tablename__ = "chsi_result"
    __table_args__ = (UniqueConstraint("enrolment_id", "outcome", "day"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    outcome: Mapped[ChsiOutcome] = mapped_column(enum_type(ChsiOutcome, 10))
    day: Mapped[dt.date]
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[dt.datetime]
