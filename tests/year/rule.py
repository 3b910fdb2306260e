"""What the college has promised, written down a second time, from what people did alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

GRACE = dt.timedelta(days=2)


@dataclass
class Facts:
    """One student as a witness would tell it; all times to the second, as clocks show them."""

    photo_at: dt.datetime | None = None
    paid: dict[str, dt.datetime] = field(default_factory=dict)
    """transaction -> WeChat's time, of the money that WeChat still has."""
    is_waived: bool = False
    is_asked_again: bool = False
    rejected_at: dt.datetime | None = None
    kept_cutoff: dt.datetime | None = None
    """The cut-off of the batch in which the rejected photo was."""
    collected_cutoff: dt.datetime | None = None
    earlier: dict[dt.datetime, dt.datetime] = field(default_factory=dict)
    """cut-off of a batch -> the last moment that the notice gives this student for it."""


def find_cutoff(
    facts: Facts, cutoffs: list[dt.datetime], closed: set[dt.datetime]
) -> dt.datetime | None:
    """Return the cut-off of the batch in which the student has a place; None without a place."""
    if facts.collected_cutoff:
        return facts.collected_cutoff
    if facts.photo_at is None or not (facts.paid or facts.is_waived):
        return None
    moment = max([facts.photo_at, *sorted(facts.paid.values())[:1]])
    kept = facts.kept_cutoff
    if kept and kept not in closed and facts.rejected_at and moment <= facts.rejected_at + GRACE:
        return kept
    last = {each: facts.earlier.get(each, each) for each in cutoffs if each not in closed}
    return next((each for each in sorted(last) if last[each] >= moment), None)


def find_status(facts: Facts) -> str:
    """Return the 采集情况 that follows."""
    if facts.collected_cutoff:
        return "collected"
    is_in = facts.photo_at is not None and (facts.paid or facts.is_waived)
    if facts.is_asked_again:
        return "reuploaded" if is_in else "reupload_required"
    return "uploaded" if is_in else "not_uploaded"
