"""How an institution guards its console (等级保护): passwords, sessions, addresses."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class SecurityPolicy(Base):
    """The rules of one institution; without a row the defaults of these columns hold."""

    __tablename__ = "security_policy"

    institution_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("institution.id"), primary_key=True
    )
    password_min_length: Mapped[int] = mapped_column(default=10)
    password_kinds: Mapped[int] = mapped_column(default=1)
    """How many of capital letters, small letters, digits and other characters there must be."""
    password_max_age_days: Mapped[int] = mapped_column(default=0)
    """0: a password does not grow old."""
    password_history: Mapped[int] = mapped_column(default=0)
    """So many former passwords may not come back."""
    second_factor_roles: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Roles that must have the second factor; empty until an institution asks for it."""
    idle_minutes: Mapped[int] = mapped_column(default=60)
    absolute_hours: Mapped[int] = mapped_column(default=12)
    console_networks: Mapped[list[str]] = mapped_column(JSON, default=list)
    """CIDR networks from which the console opens; empty: from everywhere."""
    stale_after_days: Mapped[int] = mapped_column(default=90)
    """An account that nobody used for so long is reported."""
    changed_at: Mapped[dt.datetime | None]
