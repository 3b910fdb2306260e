"""Review (审核): a staff member's decision on a photo."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import JSON, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_type, new_id


class Decision(enum.StrEnum):
    """What was decided."""

    APPROVE = "approve"
    REJECT = "reject"
    CORRECT = "correct"
    """勘误: an administrator unlocked a collected photo."""


class Review(Base):
    """One decision with its reasons. Undone within a minute, it keeps the moment of undoing."""

    __tablename__ = "review"
    __table_args__ = (
        Index("ix_review_enrolment", "enrolment_id", "at"),
        Index("ix_review_photo", "photo_id"),
        Index("ix_review_decision", "decision", "at"),
        Index("ix_review_sheet", "sheet_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    decision: Mapped[Decision] = mapped_column(enum_type(Decision, 10))
    reason_codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    note: Mapped[str] = mapped_column(String(500), default="")
    """What the student reads beside the reasons."""
    record: Mapped[str] = mapped_column(String(500), default="")
    """Why, for the record: staff read it, the student does not."""
    is_automatic: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Approved by rule: ``staff_id`` then names who switched that on."""
    sheet_id: Mapped[uuid.UUID | None]
    """The contact sheet that the decision was made on: its approvals are undone together."""
    at: Mapped[dt.datetime]
    undone_at: Mapped[dt.datetime | None]
