"""The append-only history of the collection status."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_type, new_id
from models.enrolment import CollectionStatus


class StatusChange(Base):
    """Who changed one enrolment's status, when, from what, to what, and why.

    Rows are never updated or deleted: a trigger in the database refuses it.
    """

    __tablename__ = "status_change"
    __table_args__ = (
        Index("ix_status_change_enrolment", "enrolment_id", "at"),
        Index("ix_status_change_at", "at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    at: Mapped[dt.datetime]
    from_status: Mapped[CollectionStatus | None] = mapped_column(enum_type(CollectionStatus, 20))
    to_status: Mapped[CollectionStatus] = mapped_column(enum_type(CollectionStatus, 20))
    event: Mapped[str] = mapped_column(String(30))
    actor_kind: Mapped[str] = mapped_column(String(20))
    """``student``, ``staff`` or ``system``."""
    actor_id: Mapped[uuid.UUID | None]
    reason: Mapped[str] = mapped_column(String(500), default="")
