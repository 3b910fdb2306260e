"""CropRequest (调整裁剪): a reviewer asks for the standard photo to be cut anew."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_type, new_id


class CropOutcome(enum.StrEnum):
    """What became of a request."""

    MADE = "made"
    REFUSED = "refused"
    """The new crop would not pass, or reaches beyond the original: the former one stays."""
    DROPPED = "dropped"
    """The photo was decided on, replaced or withdrawn meanwhile."""


class CropRequest(Base):
    """One request: the crop against the automatic one, who asked, and what became of it."""

    __tablename__ = "crop_request"
    __table_args__ = (
        Index("ix_crop_request_waiting", "finished_at", "asked_at"),
        Index("ix_crop_request_photo", "photo_id", "asked_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo.id"))
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    right_px: Mapped[int]
    down_px: Mapped[int]
    percent: Mapped[int]
    asked_at: Mapped[dt.datetime]
    started_at: Mapped[dt.datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[dt.datetime | None]
    outcome: Mapped[CropOutcome | None] = mapped_column(enum_type(CropOutcome, 10))
    message: Mapped[str] = mapped_column(String(500), default="")
    """Why it was refused, for the reviewer."""
