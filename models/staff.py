"""Staff accounts, their sessions and the audit log."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, enum_type, new_id
from models.institution import Institution, LearningCentre


class Role(enum.StrEnum):
    """What a staff member is."""

    ADMIN = "admin"
    REVIEWER = "reviewer"
    CENTRE = "centre"
    FINANCE = "finance"
    AUDITOR = "auditor"
    """Reads what others did and what the rules are; changes nothing."""

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return {
            "admin": "管理员",
            "reviewer": "审核员",
            "centre": "学习中心",
            "finance": "财务",
            "auditor": "审计员",
        }[self.value]


class StaffCentre(Base):
    """A further learning centre of an account, beside its first one."""

    __tablename__ = "staff_centre"

    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    centre_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("learning_centre.id"), primary_key=True, index=True
    )


class Staff(Base):
    """A person who signs in to the console."""

    __tablename__ = "staff"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"), index=True)
    username: Mapped[str] = mapped_column(String(40), unique=True)
    display_name: Mapped[str] = mapped_column(String(60), default="", server_default="")
    """The real name, for lists and the audit log; empty until somebody writes it."""
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    password_changed_at: Mapped[dt.datetime | None]
    former_password_hashes: Mapped[list[str]] = mapped_column(
        JSON, default=list, server_default="[]"
    )
    """Newest first; as many as the longest history that a policy may ask for."""
    last_signed_in_at: Mapped[dt.datetime | None]
    role: Mapped[Role] = mapped_column(enum_type(Role, 10))
    centre_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("learning_centre.id"))
    """The first learning centre, for that role; ``further_centres`` has the others."""
    totp_secret_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_enabled_at: Mapped[dt.datetime | None]
    totp_last_step: Mapped[int | None]
    """The 30-second step of the last accepted code: one code is accepted once."""
    recovery_code_hashes: Mapped[list[str]] = mapped_column(JSON, default=list)
    disabled_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]

    institution: Mapped[Institution] = relationship()
    centre: Mapped[LearningCentre | None] = relationship()
    further_centres: Mapped[list[LearningCentre]] = relationship(
        secondary="staff_centre", order_by=LearningCentre.name
    )

    @property
    def centres(self) -> list[LearningCentre]:
        """All learning centres whose students the account sees, the first one first."""
        return [self.centre, *self.further_centres] if self.centre else []

    @property
    def shown_name(self) -> str:
        """The real name with the user name, or the user name alone."""
        return show_staff_name(self.username, self.display_name)


def show_staff_name(username: str, display_name: str) -> str:
    """Return how a staff member is shown to others: ``王芳（reviewer1）``."""
    return f"{display_name}（{username}）" if display_name else username


class StaffSession(Base):
    """A server-side session: revocable, with idle and absolute limits."""

    __tablename__ = "staff_session"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    staff_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[dt.datetime]
    last_seen_at: Mapped[dt.datetime]
    reauthenticated_at: Mapped[dt.datetime]
    """When the password was last given; exports ask for a recent one."""
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    revoked_at: Mapped[dt.datetime | None]
    user_agent: Mapped[str] = mapped_column(String(200), default="")

    staff: Mapped[Staff] = relationship()


class AuditEntry(Base):
    """One change made by staff. Append-only: a trigger refuses updates and deletes."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_institution", "institution_id", "at"),
        Index("ix_audit_entry_subject", "subject_kind", "subject_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("institution.id"))
    at: Mapped[dt.datetime]
    staff_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("staff.id"))
    action: Mapped[str] = mapped_column(String(60))
    subject_kind: Mapped[str] = mapped_column(String(40), default="")
    subject_id: Mapped[str] = mapped_column(String(60), default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    request_id: Mapped[str] = mapped_column(String(40), default="")
