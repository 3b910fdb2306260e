"""The audit log: one row for every change that staff make, in the transaction of the change."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy.orm import Session

from models import AuditEntry
from server.services.viewer import Viewer


def record_audit(
    session: Session,
    viewer: Viewer,
    action: str,
    *,
    at: dt.datetime,
    subject_kind: str = "",
    subject_id: uuid.UUID | str = "",
    **detail: Any,
) -> None:
    """Write who did ``action`` to what. ``detail`` never carries ID numbers or photos."""
    entry = describe_audit(
        viewer, action, at=at, subject_kind=subject_kind, subject_id=subject_id, **detail
    )
    session.add(AuditEntry(**entry))


def describe_audit(
    viewer: Viewer,
    action: str,
    *,
    at: dt.datetime,
    subject_kind: str = "",
    subject_id: uuid.UUID | str = "",
    **detail: Any,
) -> dict[str, Any]:
    """Return the columns of an entry, for acts that write many at once."""
    return {
        "institution_id": viewer.institution_id,
        "at": at,
        "staff_id": viewer.staff_id,
        "action": action,
        "subject_kind": subject_kind,
        "subject_id": str(subject_id),
        "detail": detail,
        "request_id": viewer.request_id,
    }
