"""Rows that the running system keeps about itself."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id


class Heartbeat(Base):
    """When a background process or a sweeper last did its round."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    at: Mapped[dt.datetime]


class WechatAccessToken(Base):
    """WeChat's stable access token, shared by all processes, encrypted."""

    __tablename__ = "wechat_access_token"

    app_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    token_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[dt.datetime]
    refreshed_at: Mapped[dt.datetime]
    forced_at: Mapped[dt.datetime | None]
    """When a new token was last demanded, which ends the one that the college's others use."""
    forced_count: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often on the local day of ``forced_at``."""


class DeletionRecord(Base):
    """Proof that retention deleted something: what and when, never its content."""

    __tablename__ = "deletion_record"
    __table_args__ = (Index("ix_deletion_record_at", "at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[dt.datetime]
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(80))


class BackgroundJob(Base):
    """A long piece of work started from a page: roster import, export. Carries its progress."""

    __tablename__ = "background_job"
    __table_args__ = (Index("ix_background_job_institution", "institution_id", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    kind: Mapped[str] = mapped_column(String(30))
    """``roster_import`` or ``export``."""
    state: Mapped[str] = mapped_column(String(20), default="queued")
    """``queued``, ``running``, ``done``, ``failed`` or ``cancelled``."""
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    file_key: Mapped[str | None] = mapped_column(String(200))
    """The uploaded roster or the finished export in the photo store."""
    done_count: Mapped[int] = mapped_column(default=0)
    total_count: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(500), default="")
    started_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[dt.datetime]
    progressed_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
