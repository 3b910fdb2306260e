"""Batch (照片扫描批次): a processing round named by its date."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id

NO_BATCH_LABEL = "0000-00-00"


class Batch(Base):
    """One round of one institution. A photo belongs to the first whose cut-off is not before it."""

    __tablename__ = "batch"
    __table_args__ = (
        UniqueConstraint("institution_id", "date"),
        UniqueConstraint("institution_id", "cutoff_at", name="uq_batch_cutoff"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    date: Mapped[dt.date]
    """The name of the batch: the local date of its cut-off when it was made."""
    cutoff_at: Mapped[dt.datetime]
    grace_days: Mapped[int]
    card_visible_from: Mapped[dt.date]
    """From this local day the photos appear on the 学籍卡."""
    closed_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]

    @property
    def label(self) -> str:
        """The date as shown, ``2026-11-10``."""
        return self.date.isoformat()
