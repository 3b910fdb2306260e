"""The chain of hashes over the audit log: one seal an entry, in the order of sealing."""

from __future__ import annotations

import uuid

from sqlalchemy import BigInteger, ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class AuditSeal(Base):
    """Ties one audit entry to all those that were sealed before it.

    Append-only, like the entries: a trigger in the database refuses updates and deletes.
    """

    __tablename__ = "audit_seal"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """1, 2, 3 …: two processes that seal at once both want the next one, and one of them fails."""
    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("audit_entry.id"), unique=True)
    chain_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    """SHA-256 over the hash before and the entry as it is stored."""
