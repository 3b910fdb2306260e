"""Photo (照片): one submission, its verdict and the standard photo made from it."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_type, new_id


class PhotoState(enum.StrEnum):
    """Where one submission stands."""

    RECEIVED = "received"
    """Bytes and row are durable; the verdict is on its way."""
    CHECKED = "checked"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    """The student sent another one before a reviewer opened this one."""
    REJECTED = "rejected"
    APPROVED = "approved"


class Verdict(enum.StrEnum):
    """What imagecheck says."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    WARN = "warn"
    FAIL = "fail"


class Photo(Base):
    """The original bytes (by key in the photo store), the report and the 480x640 standard photo."""

    __tablename__ = "photo"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "sha256"),
        Index("ix_photo_state", "state", "submitted_at"),
        Index("ix_photo_enrolment", "enrolment_id", "submitted_at"),
        Index("ix_photo_lease", "leased_until"),
        Index("ix_photo_checked_at", "checked_at"),
        Index("ix_photo_original_key", "original_key"),
        Index("ix_photo_standard_key", "standard_key"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wechat_user.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    original_key: Mapped[str | None] = mapped_column(String(200))
    """Key in the photo store; None once retention has deleted the original."""
    profile: Mapped[str] = mapped_column(String(40))
    background: Mapped[str] = mapped_column(String(10), default="keep")
    state: Mapped[PhotoState] = mapped_column(
        enum_type(PhotoState, 20),
        default=PhotoState.RECEIVED,
    )
    submitted_at: Mapped[dt.datetime]
    check_attempts: Mapped[int] = mapped_column(default=0)
    check_started_at: Mapped[dt.datetime | None]
    checked_at: Mapped[dt.datetime | None]
    verdict: Mapped[Verdict | None] = mapped_column(enum_type(Verdict, 10))
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The imagecheck report: findings, measurements, elapsed_ms."""
    overlay_svg: Mapped[str | None] = mapped_column(Text)
    standard_key: Mapped[str | None] = mapped_column(String(200))
    standard_sha256: Mapped[str | None] = mapped_column(String(64))
    opened_at: Mapped[dt.datetime | None]
    """When a reviewer first opened it; from then on the student cannot replace or withdraw it."""
    leased_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("staff.id", name="fk_photo_leased_by")
    )
    leased_until: Mapped[dt.datetime | None]
    decided_at: Mapped[dt.datetime | None]
