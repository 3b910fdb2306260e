"""Whom a figure of the dashboard counts: the conditions behind its link to the list."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from models import Decision, Enrolment, Photo, Review, Verdict
from server.gateways.clock import LOCAL_ZONE

DAYS_SHOWN = 30
"""How far back the dashboard looks."""
BY_NOTE = "note"
"""Stands for a reason that was given in free words alone."""


def match_rule(session: Session, code: str, since: dt.datetime) -> ColumnElement[bool]:
    """Return the condition that a rule of the check stopped the student since a moment."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        finding = func.json_each(Photo.report, "$.findings").table_valued("value")
    else:
        finding = func.json_array_elements(Photo.report["findings"]).table_valued("value")

    def read(name: str) -> ColumnElement[Any]:
        if is_sqlite:
            return func.json_extract(finding.c.value, f"$.{name}")
        return func.json_extract_path_text(finding.c.value, name)

    return exists(
        select(1)
        .select_from(Photo)
        .join(finding, and_(read("code") == code, read("status") == "fail"))
        .where(
            Photo.enrolment_id == Enrolment.id,
            Photo.verdict == Verdict.FAIL,
            Photo.checked_at >= since,
        )
        .correlate(Enrolment)
    )


def match_reason(session: Session, code: str, since: dt.datetime) -> ColumnElement[bool]:
    """Return the condition that a reviewer sent a photo back for a reason since a moment."""
    conditions = [
        Review.enrolment_id == Enrolment.id,
        Review.decision == Decision.REJECT,
        Review.undone_at.is_(None),
        Review.at >= since,
    ]
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    if code == BY_NOTE:
        length = func.json_array_length(Review.reason_codes)
        return exists(
            select(1).select_from(Review).where(*conditions, length == 0).correlate(Enrolment)
        )
    split = func.json_each if is_sqlite else func.json_array_elements_text
    reason = split(Review.reason_codes).table_valued("value")
    return exists(
        select(1)
        .select_from(Review)
        .join(reason, reason.c.value == code)
        .where(*conditions)
        .correlate(Enrolment)
    )


def match_day(column: InstrumentedAttribute[dt.datetime | None], text: str) -> ColumnElement[bool]:
    """Return the condition that a moment lies on a local day; no day matches nobody."""
    try:
        local = dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=LOCAL_ZONE)
        day = local.astimezone(dt.UTC)  # here, where the first of all days has none
        return and_(column >= day, column < day + dt.timedelta(days=1))
    except (ValueError, OverflowError):
        return false()
