"""Batch (照片扫描批次): a processing round named by its date."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

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
    is_extra: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A supplementary batch: made by staff beside those of the seasons."""
    created_at: Mapped[dt.datetime]

    windows: Mapped[list[BatchWindow]] = relationship(
        lazy="selectin", order_by="BatchWindow.last_at", cascade="all, delete-orphan"
    )

    @property
    def label(self) -> str:
        """The date as shown, ``2026-11-10``."""
        return self.date.isoformat()


class BatchWindow(Base):
    """An earlier last moment of a batch for some students: of a centre, of a 预计毕业, or both."""

    __tablename__ = "batch_window"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("batch.id"), index=True)
    centre_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("learning_centre.id"), index=True
    )
    """None: for the students of every centre."""
    expected_term: Mapped[str] = mapped_column(String(40), default="")
    """预计毕业 as the roster writes it; empty: whenever they graduate."""
    last_at: Mapped[dt.datetime]
    created_at: Mapped[dt.datetime]
