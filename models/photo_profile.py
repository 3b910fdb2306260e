"""Photo profiles (照片规格) of an institution, and the pictures that were cut by them."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_type, new_id


class PhotoProfileRow(Base):
    """One profile as an institution has it: shipped ones have a row once they were touched."""

    __tablename__ = "photo_profile"
    __table_args__ = (UniqueConstraint("institution_id", "key"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    key: Mapped[str] = mapped_column(String(40))
    is_on: Mapped[bool] = mapped_column(default=False)
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Size, KB, walls, head, source: what ``imagecheck.PhotoProfile`` reads."""
    changed_at: Mapped[dt.datetime]


class CutState(enum.StrEnum):
    """Where one picture of a profile stands."""

    WAITING = "waiting"
    MADE = "made"
    REFUSED = "refused"
    """It cannot be made of this photo; the report says why."""


class ProfilePhoto(Base):
    """A photo cut by one profile, judged by its rules; or why there is none."""

    __tablename__ = "profile_photo"
    __table_args__ = (
        UniqueConstraint("photo_id", "profile_key"),
        Index("ix_profile_photo_state", "state", "requested_at"),
        Index("ix_profile_photo_file_key", "file_key"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo.id"))
    profile_key: Mapped[str] = mapped_column(String(40))
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The profile as it was when the picture was asked for: it is judged by these numbers."""
    state: Mapped[CutState] = mapped_column(enum_type(CutState, 10), default=CutState.WAITING)
    requested_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    file_key: Mapped[str | None] = mapped_column(String(200))
    sha256: Mapped[str | None] = mapped_column(String(64))
    size_bytes: Mapped[int | None]
    derived_wall: Mapped[str] = mapped_column(String(10), default="")
    """Colour that the wall was changed to; empty: as it was shot."""
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class ProfileTrial(Base):
    """A profile tried on one photo of the institution while it is edited; gone within the hour."""

    __tablename__ = "profile_trial"
    __table_args__ = (Index("ix_profile_trial_requested_at", "requested_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo.id"))
    profile: Mapped[dict[str, Any]] = mapped_column(JSON)
    requested_at: Mapped[dt.datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[dt.datetime | None]
    ended_at: Mapped[dt.datetime | None]
    derived_wall: Mapped[str] = mapped_column(String(10), default="")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    picture_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
