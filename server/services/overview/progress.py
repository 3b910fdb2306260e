"""How far the collection is: students per centre, level and status, read in one pass."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select

from models import REGISTERED, CollectionStatus, Enrolment, LearningCentre
from server.context import Context
from server.services.overview.list_students import MISSING
from server.services.viewer import Viewer, list_scope


@dataclass
class Tally:
    """Registered students of one group by status. Those not 在籍 are counted apart."""

    name: str
    key: str = ""
    """The value of the list's filter for this group; empty: it has none."""
    counts: Counter[CollectionStatus] = field(default_factory=Counter)
    not_registered: int = 0

    @property
    def total(self) -> int:
        """Registered students, and those collected before they left."""
        return self.counts.total()

    @property
    def collected(self) -> int:
        """Students whose photo is locked."""
        return self.counts[CollectionStatus.COLLECTED]

    @property
    def waiting(self) -> int:
        """Students whose photo waits for a reviewer."""
        return self.counts[CollectionStatus.UPLOADED] + self.counts[CollectionStatus.REUPLOADED]

    @property
    def missing(self) -> int:
        """Students who have to act."""
        return sum(self.counts[status] for status in MISSING)

    @property
    def collected_percent(self) -> float:
        """Share of collected students, 0-100."""
        return 100 * self.collected / self.total if self.total else 0.0


@dataclass
class Progress:
    """The tallies of everything, of each centre and of each level."""

    all: Tally
    centres: list[Tally]
    levels: list[Tally]


def read_progress(ctx: Context, viewer: Viewer) -> Progress:
    """Return the progress of the viewer's students."""
    with ctx.db.read() as session:
        rows = session.execute(
            select(
                Enrolment.centre_id,
                Enrolment.level,
                Enrolment.collection_status,
                Enrolment.register_status,
                func.count(),
            )
            .where(*list_scope(viewer))
            .group_by(
                Enrolment.centre_id,
                Enrolment.level,
                Enrolment.collection_status,
                Enrolment.register_status,
            )
        ).all()
        names = {
            row.id: row.name
            for row in session.execute(
                select(LearningCentre.id, LearningCentre.name).where(
                    LearningCentre.institution_id == viewer.institution_id
                )
            )
        }
    everything = Tally("全部")
    centres: dict[uuid.UUID, Tally] = {}
    levels: dict[str, Tally] = {}
    for centre_id, level, status, register_status, count in rows:
        centre = centres.setdefault(centre_id, Tally(names.get(centre_id, ""), str(centre_id)))
        group = levels.setdefault(level, Tally(level or "未填写", level))
        for tally in (everything, centre, group):
            if register_status == REGISTERED or status is CollectionStatus.COLLECTED:
                tally.counts[status] += count
            else:
                tally.not_registered += count
    return Progress(
        all=everything,
        centres=sorted(centres.values(), key=lambda tally: tally.name),
        levels=sorted(levels.values(), key=lambda tally: tally.name),
    )
