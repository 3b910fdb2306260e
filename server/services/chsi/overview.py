"""How many students have given their 图像采集码, and which: figures and the filter of lists."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, exists, false, func, or_, select
from sqlalchemy.orm import Session

from models import REGISTERED, ChsiCode, ChsiPolicy, ChsiWaiver, Enrolment, FeatureCode, Photo
from server.context import Context
from server.gateways.clock import find_day_start, to_local
from server.services.chsi_due import find_first_day, is_confirmed_column
from server.services.viewer import Viewer, list_scope

GROUPS = {
    "missing": "未提供",
    "present": "已提供",
    "waived": "不需要",
    "ended": "已交接并得到确认，码已删除",
    "old_photo": "照片早于毕业前一年",
}
IS_ASKED = exists().where(
    FeatureCode.id == Enrolment.feature_code_id, FeatureCode.chsi_policy != ChsiPolicy.OFF
)
HAS_CODE = exists().where(ChsiCode.enrolment_id == Enrolment.id)
IS_WAIVED = exists().where(ChsiWaiver.enrolment_id == Enrolment.id)


@dataclass(frozen=True)
class ChsiTally:
    """Registered students whose feature code asks for a code."""

    present: int
    waived: int
    ended: int
    missing: int
    old_photos: int

    @property
    def total(self) -> int:
        """All who are asked."""
        return self.present + self.waived + self.ended + self.missing


def count_codes(ctx: Context, viewer: Viewer) -> ChsiTally:
    """Return the figures of the viewer's students."""
    group = case(
        (HAS_CODE, "present"),
        (IS_WAIVED, "waived"),
        (is_confirmed_column(), "ended"),
        else_="missing",
    )
    scope = [*list_scope(viewer), IS_ASKED, Enrolment.register_status == REGISTERED]
    with ctx.db.read() as session:
        counts: dict[str, int] = {
            row[0]: row[1]
            for row in session.execute(select(group, func.count()).where(*scope).group_by(group))
        }
        old = _has_old_photo(session, viewer.institution_id, ctx.now())
        old_photos = session.scalar(select(func.count()).select_from(Enrolment).where(*scope, old))
    return ChsiTally(
        counts.get("present", 0),
        counts.get("waived", 0),
        counts.get("ended", 0),
        counts.get("missing", 0),
        old_photos or 0,
    )


def match_group(
    session: Session, institution_id: uuid.UUID, group: str, now: dt.datetime
) -> list[ColumnElement[bool]]:
    """Return the conditions of one of GROUPS; none for anything else."""
    if group == "old_photo":
        return [IS_ASKED, _has_old_photo(session, institution_id, now)]
    of_group = {
        "missing": and_(IS_ASKED, ~HAS_CODE, ~IS_WAIVED, ~is_confirmed_column()),
        "present": HAS_CODE,
        "waived": and_(IS_WAIVED, ~HAS_CODE),
        "ended": and_(IS_ASKED, ~HAS_CODE, ~IS_WAIVED, is_confirmed_column()),
    }.get(group)
    return [] if of_group is None else [of_group]


def _has_old_photo(
    session: Session, institution_id: uuid.UUID, now: dt.datetime
) -> ColumnElement[bool]:
    """Return ``chsi_due.needs_new_photo`` as an expression: there are few different 预计毕业."""
    terms = session.scalars(
        select(Enrolment.expected_term).where(Enrolment.institution_id == institution_id).distinct()
    )
    first_days = {term: find_first_day(term) for term in terms}
    too_early = [
        and_(Enrolment.expected_term == term, Photo.submitted_at < _begin(day))
        for term, day in first_days.items()
        if day is not None and day <= to_local(now).date()
    ]
    if not too_early:
        return false()
    return exists().where(Photo.id == Enrolment.photo_id, or_(*too_early))


def _begin(day: dt.date) -> dt.datetime:
    """Return the first moment of a local day."""
    return find_day_start(day)
