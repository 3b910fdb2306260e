"""The key under which what is append-only keeps a person's words, until that person ends."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class PersonKey(Base):
    """32 random bytes of one enrolment, encrypted: without the row nobody reads what it sealed.

    The sealed text itself stays where it was written, so a chain of hashes over it still verifies.
    """

    __tablename__ = "person_key"

    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"), primary_key=True)
    key_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime]
