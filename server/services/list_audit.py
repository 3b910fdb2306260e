"""The audit log, newest first, a page at a time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select, tuple_

from models import AuditEntry, Staff
from server.context import Context
from server.services.staff_viewer import Viewer

PAGE_SIZE = 100


@dataclass(frozen=True)
class AuditPage:
    """One page. ``next_id`` is where the next one begins, or None."""

    entries: list[tuple[AuditEntry, str]]
    next_id: uuid.UUID | None


def list_audit(
    ctx: Context, viewer: Viewer, *, username: str = "", after: uuid.UUID | None = None
) -> AuditPage:
    """Return one page of the institution's entries with the user names of who acted."""
    query = (
        select(AuditEntry, Staff.username)
        .outerjoin(Staff, Staff.id == AuditEntry.staff_id)
        .where(AuditEntry.institution_id == viewer.institution_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
        .limit(PAGE_SIZE + 1)
    )
    if username:
        query = query.where(Staff.username == username)
    with ctx.db.read() as session:
        last = session.get(AuditEntry, after) if after else None
        if last is not None and last.institution_id == viewer.institution_id:
            query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < tuple_(last.at, last.id))
        rows = [(entry, name or "") for entry, name in session.execute(query)]
    shown = rows[:PAGE_SIZE]
    return AuditPage(shown, shown[-1][0].id if len(rows) > PAGE_SIZE else None)
