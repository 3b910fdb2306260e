"""Automatic approval (自动通过) of clean passes, and the draw of those that people look at."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class AutomaticApproval(Base):
    """Whether an institution has it on, what share people look at, and who decided so."""

    __tablename__ = "automatic_approval"

    institution_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("institution.id"), primary_key=True
    )
    is_on: Mapped[bool] = mapped_column(default=False)
    draw_percent: Mapped[int] = mapped_column(default=10)
    changed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    changed_at: Mapped[dt.datetime]


class DrawnPhoto(Base):
    """The draw about one clean pass; it is drawn once."""

    __tablename__ = "drawn_photo"
    __table_args__ = (Index("ix_drawn_photo_institution", "institution_id", "at"),)

    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo.id"), primary_key=True)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    is_for_people: Mapped[bool]
    at: Mapped[dt.datetime]
