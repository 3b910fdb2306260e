"""The cut-offs of the seasons: what the batches that do not exist yet are made from."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

from models import Institution
from server.context import Context
from server.errors import CaijiError
from server.services.audit import record_audit
from server.services.college.batches import MIN_APART_DAYS
from server.services.viewer import Viewer


class SeasonsDisordered(CaijiError):
    """Both seasons on nearly the same day, or a day that not every year has."""

    code = "seasons_disordered"
    status = 422
    message = f"春季和秋季的截止日期至少相隔 {MIN_APART_DAYS} 天，且不能是 2 月 29 日"


@dataclass(frozen=True)
class Seasons:
    """Month, day and time (``05-10 23:59:59``, Asia/Shanghai), and days of grace."""

    spring_cutoff: str
    autumn_cutoff: str
    grace_days: int


def read_seasons(ctx: Context, viewer: Viewer) -> Seasons:
    """Return the seasons of the viewer's institution."""
    with ctx.db.read() as session:
        return _read(session.get_one(Institution, viewer.institution_id))


def change_seasons(ctx: Context, viewer: Viewer, wanted: Seasons) -> bool:
    """Set the seasons; batches that exist stay as they are. Returns whether anything changed.

    Raises:
        SeasonsDisordered.
    """
    if find_disorder(wanted):
        raise SeasonsDisordered
    with ctx.db.write() as session:
        institution = session.get_one(Institution, viewer.institution_id, with_for_update=True)
        before = _read(institution)
        if before == wanted:
            return False
        changes: dict[str, Any] = {
            name: {"old": old, "new": getattr(wanted, name)}
            for name, old in asdict(before).items()
            if old != getattr(wanted, name)
        }
        for name in changes:
            setattr(institution, name, getattr(wanted, name))
        record_audit(session, viewer, "season.change", at=ctx.now(), **changes)
        return True


def find_disorder(wanted: Seasons) -> str:
    """Return why two cut-offs cannot be: each exists every year, apart from the other."""
    days = []
    for text in (wanted.spring_cutoff, wanted.autumn_cutoff):
        try:
            days.append(dt.datetime.strptime(f"2025-{text}", "%Y-%m-%d %H:%M:%S").toordinal())  # noqa: DTZ007
        except ValueError:
            return SeasonsDisordered.message
    apart = abs(days[0] - days[1])
    return SeasonsDisordered.message if min(apart, 365 - apart) < MIN_APART_DAYS else ""


def _read(institution: Institution) -> Seasons:
    return Seasons(institution.spring_cutoff, institution.autumn_cutoff, institution.grace_days)
