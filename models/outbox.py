"""Messages to students that wait to be sent: in WeChat (outbox), and by SMS."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, new_id


class OutboxMessage(Base):
    """A subscribe message, written in the transaction of the change that it tells of."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_due", "state", "next_attempt_at"),
        Index("ix_outbox_message_enrolment", "enrolment_id", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)
    """Names the fact; writing it twice is one message."""
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wechat_user.id"))
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    template: Mapped[str] = mapped_column(String(40))
    """``photo_rejected``, ``photo_collected``, ``deadline_near``, ``refund``, ``data_request``."""
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(20), default="pending")
    """``pending``, ``sent``, ``refused`` (never retried) or ``failed``."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    last_error: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[dt.datetime]


class SmsMessage(Base):
    """A reminder by SMS. The phone number stays with the enrolment and is read when it is sent."""

    __tablename__ = "sms_message"
    __table_args__ = (
        Index("ix_sms_message_due", "state", "next_attempt_at"),
        Index("ix_sms_message_enrolment", "enrolment_id", "created_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    dedupe_key: Mapped[str] = mapped_column(String(120), unique=True)
    """Names the fact; writing it twice is one message."""
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    text: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(20), default="pending")
    """``pending``, ``sent``, ``refused`` (never retried) or ``failed``."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[dt.datetime | None]
    sent_at: Mapped[dt.datetime | None]
    last_error: Mapped[str] = mapped_column(String(120), default="")
    created_at: Mapped[dt.datetime]
