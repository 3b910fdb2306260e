"""Who looked at which photos, written beside what staff change (等保: sight of personal data).

A page shows many photos, and a reviewer sees hundreds an hour: a row and a lock of the writer for
each picture would slow every list. So looks are collected in the process for a moment and written
together: one entry for a person, a kind and a moment, with the ids of the photos. A process that
is killed loses the looks of the last seconds; one that ends by itself writes them first.
"""

from __future__ import annotations

import atexit
import threading
import uuid
from collections.abc import Callable

import structlog

from models import AuditEntry
from server.context import Context
from server.services.audit import describe_audit
from server.services.viewer import Viewer

log = structlog.get_logger()

EVERY_S = 2.0
MOST_WAITING = 500
"""So many looks are written at once, however young they are."""
MOST_IN_ENTRY = 100
Key = tuple[uuid.UUID, str]


class ReadNotes:
    """The looks of one process. Safe to share between threads."""

    def __init__(self, ctx: Context, *, every_s: float = EVERY_S) -> None:
        self._ctx = ctx
        self._every_s = every_s
        self._lock = threading.Lock()
        self._looks: dict[Key, tuple[Viewer, list[uuid.UUID]]] = {}
        self._count = 0
        self._timer: threading.Timer | None = None
        self._is_kept_for_exit = False

    def note_photo(self, viewer: Viewer, kind: str, photo_id: uuid.UUID) -> None:
        """Remember that somebody was sent a photo; ``kind``: ``standard`` or ``original``."""
        with self._lock:
            _, ids = self._looks.setdefault((viewer.session_id, kind), (viewer, []))
            if photo_id not in ids:
                ids.append(photo_id)
                self._count += 1
            is_full = self._count >= MOST_WAITING
            if self._timer is None:
                self._timer = self._start_timer()
            if not self._is_kept_for_exit:
                atexit.register(_flush_quietly, self.flush)
                self._is_kept_for_exit = True
        if is_full:
            self.flush()

    def flush(self) -> int:
        """Write what was seen; returns how many entries. Owns its transaction."""
        with self._lock:
            looks, self._looks, self._count = self._looks, {}, 0
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        entries = [
            describe_audit(
                viewer,
                "photo.view",
                at=self._ctx.now(),
                subject_kind="photo",
                subject_id=part[0] if len(part) == 1 else "",
                kind=kind,
                photos=[str(one) for one in part],
            )
            for (_, kind), (viewer, ids) in looks.items()
            for part in (ids[at : at + MOST_IN_ENTRY] for at in range(0, len(ids), MOST_IN_ENTRY))
        ]
        if entries:
            with self._ctx.db.write() as session:
                session.add_all([AuditEntry(**entry) for entry in entries])
        return len(entries)

    def _start_timer(self) -> threading.Timer:
        timer = threading.Timer(self._every_s, _flush_quietly, [self.flush])
        timer.daemon = True
        timer.start()
        return timer


def _flush_quietly(flush: Callable[[], int]) -> None:
    try:
        flush()
    except Exception:
        log.exception("reads_not_noted")
