"""Own last moments: some students of a batch must be ready earlier than the others.

A notice often gives this spring's graduates, or one learning centre, an earlier last day than the
batch has. Whoever comes later goes on to the next batch like everybody after the cut-off.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Batch, Enrolment, LearningCentre


class Window(Protocol):
    """For whom an earlier last moment is, and when: a row, or what somebody plans."""

    @property
    def centre_id(self) -> uuid.UUID | None:
        """The learning centre; None: each."""

    @property
    def expected_term(self) -> str:
        """预计毕业; empty: each."""

    @property
    def last_at(self) -> dt.datetime:
        """The last moment, with its whole second."""


@dataclass(frozen=True)
class Group:
    """What tells a student's last moment: students of one group have the same one."""

    centre_id: uuid.UUID
    expected_term: str

    def has_window(self, window: Window) -> bool:
        """Tell whether a window is for this group."""
        return window.centre_id in {None, self.centre_id} and window.expected_term in {
            "",
            self.expected_term,
        }


def limit_cutoff(cutoff_at: dt.datetime, windows: Iterable[Window], group: Group) -> dt.datetime:
    """Return the last moment of a group: the earliest of the cut-off and the group's windows."""
    own = [window.last_at for window in windows if group.has_window(window)]
    return min([cutoff_at, *own])


def find_cutoff(batch: Batch, enrolment: Enrolment) -> dt.datetime:
    """Return the last moment of a batch for this student."""
    group = Group(enrolment.centre_id, enrolment.expected_term)
    return limit_cutoff(batch.cutoff_at, batch.windows, group)


def name_centres(session: Session, windows: Iterable[Window]) -> dict[uuid.UUID, str]:
    """Return the names of the learning centres that own last moments are for."""
    ids = {one.centre_id for one in windows if one.centre_id}
    if not ids:
        return {}
    rows = session.execute(
        select(LearningCentre.id, LearningCentre.name).where(LearningCentre.id.in_(ids))
    )
    return {row.id: row.name for row in rows}


def describe_windows(
    session: Session, batch: Batch, centre_ids: Sequence[uuid.UUID], now: dt.datetime
) -> list[tuple[str, dt.datetime]]:
    """Return whose last moment is still to come and earlier than the batch's, and when.

    ``centre_ids``: only what concerns students of these learning centres; empty: all.
    """
    coming = [
        one
        for one in batch.windows
        if now <= one.last_at < batch.cutoff_at
        and (not centre_ids or one.centre_id is None or one.centre_id in centre_ids)
    ]
    names = name_centres(session, coming)
    return [(describe_window(one, names), one.last_at) for one in coming]


def describe_window(window: Window, names: dict[uuid.UUID, str]) -> str:
    """Return for whom an own last moment is: ``上海学习中心 2026 春毕业``."""
    centre = names.get(window.centre_id, "") if window.centre_id else ""
    term = f"{window.expected_term}毕业" if window.expected_term else ""
    return f"{centre} {term}".strip()
