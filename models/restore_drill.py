"""That somebody tried whether a backup can be restored, and how it ended."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id


class RestoreDrill(Base):
    """恢复演练: one trial of one snapshot, beside the running service."""

    __tablename__ = "restore_drill"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[dt.datetime]
    snapshot: Mapped[str] = mapped_column(String(40))
    """Name of the snapshot: the moment of the backup."""
    row_count: Mapped[int]
    photo_count: Mapped[int]
    problem_count: Mapped[int]
    """What ``flask check`` would say of the restored installation."""
    took_s: Mapped[int]
    fault: Mapped[str] = mapped_column(String(200), default="")
    """Why it could not be restored at all; empty: it could."""
