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

    @property
    def is_passing(self) -> bool:
        """Whether the student goes on with it; a warning asks for a person's look, nothing more."""
        return self is not Verdict.FAIL


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
        Index("ix_photo_sha256", "sha256"),
        Index("ix_photo_picture_hash", "picture_hash"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("wechat_user.id"))
    """The student who sent it; None where staff took it."""
    taken_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("staff.id", name="fk_photo_taken_by")
    )
    """The photographer on site."""
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int]
    original_key: Mapped[str | None] = mapped_column(String(200))
    """Key in the photo store; None once retention has deleted the original."""
    source: Mapped[str] = mapped_column(String(10), default="")
    """``camera`` or ``album`` as the client says, ``staff``; empty: it did not say."""
    picture_hash: Mapped[str | None] = mapped_column(String(16))
    """64-bit difference hash of the standard photo in hex: alike for the same picture."""
    picture_print: Mapped[str | None] = mapped_column(String(64))
    """256 bits of the same kind: decides between those whose ``picture_hash`` is near."""
    profile: Mapped[str] = mapped_column(String(40))
    background: Mapped[str] = mapped_column(String(10), default="auto")
    state: Mapped[PhotoState] = mapped_column(
        enum_type(PhotoState, 20),
        default=PhotoState.RECEIVED,
    )
    submitted_at: Mapped[dt.datetime]
    counts_from: Mapped[dt.datetime | None]
    """The student's first try, where we had refused it or our checker had died on it."""
    check_attempts: Mapped[int] = mapped_column(default=0)
    check_started_at: Mapped[dt.datetime | None]
    checked_at: Mapped[dt.datetime | None]
    verdict: Mapped[Verdict | None] = mapped_column(enum_type(Verdict, 10))
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """The imagecheck report: findings, measurements, elapsed_ms."""
    overlay_svg: Mapped[str | None] = mapped_column(Text)
    standard_key: Mapped[str | None] = mapped_column(String(200))
    standard_sha256: Mapped[str | None] = mapped_column(String(64))
    crop_right_px: Mapped[int] = mapped_column(default=0, server_default="0")
    crop_down_px: Mapped[int] = mapped_column(default=0, server_default="0")
    crop_percent: Mapped[int] = mapped_column(default=100, server_default="100")
    """How a reviewer moved the standard photo against the automatic crop."""
    opened_at: Mapped[dt.datetime | None]
    """When a reviewer first opened it; from then on the student cannot replace or withdraw it."""
    leased_by: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("staff.id", name="fk_photo_leased_by")
    )
    leased_until: Mapped[dt.datetime | None]
    decided_at: Mapped[dt.datetime | None]
    doubted_at: Mapped[dt.datetime | None]
    """When a reviewer unticked it on a contact sheet: it is judged alone from then on."""


class RefusedUpload(Base):
    """That we could not take an enrolment's photo when it came: the next try counts from then.

    One row an enrolment; ``last_at`` moves with every refusal that follows within the hour.
    """

    __tablename__ = "refused_upload"

    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"), primary_key=True)
    first_at: Mapped[dt.datetime]
    last_at: Mapped[dt.datetime]
