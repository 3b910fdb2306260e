"""Institution (院校) and its learning centres (学习中心)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, new_id


class Institution(Base):
    """A college. It owns everything below it; nothing crosses from one to another."""

    __tablename__ = "institution"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    spring_cutoff: Mapped[str] = mapped_column(String(14), default="05-10 23:59:59")
    """Month, day and time of the spring cut-off in Asia/Shanghai."""
    autumn_cutoff: Mapped[str] = mapped_column(String(14), default="11-10 23:59:59")
    grace_days: Mapped[int] = mapped_column(default=2)
    """Days after a rejection near the cut-off in which a new photo keeps the batch."""
    contact_name: Mapped[str] = mapped_column(String(100), default="")
    """Whom a student asks who cannot go on, for example 教务处学籍科."""
    contact_phone: Mapped[str] = mapped_column(String(100), default="")
    contact_hours: Mapped[str] = mapped_column(String(100), default="")
    own_reasons: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    """The college's own reasons for sending a photo back: ``[{"code": …, "text": …}]``."""
    kept_years: Mapped[int] = mapped_column(default=3, server_default="3")
    """Years after the batch for which a collected student's data is kept."""
    notice_draft: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The parts of the next notice (告知书) while somebody writes it."""
    created_at: Mapped[dt.datetime]


class LearningCentre(Base):
    """A site of the institution; its staff see only its own students."""

    __tablename__ = "learning_centre"
    __table_args__ = (UniqueConstraint("institution_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    name: Mapped[str] = mapped_column(String(100))
    contact: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[dt.datetime]

    institution: Mapped[Institution] = relationship()
