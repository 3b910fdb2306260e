"""The time, behind a protocol that tests can set."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import Protocol

LOCAL_ZONE = zoneinfo.ZoneInfo("Asia/Shanghai")
"""Cut-offs and pages speak this zone; everything else is UTC."""
LOCAL_OFFSET = dt.timedelta(hours=8)
"""For SQL, which knows no zones: the zone has had no other offset since 1991."""

NEAR_YEARS = (2000, 2100)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> dt.datetime:
        """Return the present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """Return the present moment in UTC."""
        return dt.datetime.now(dt.UTC)


class SettableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: dt.datetime) -> None:
        self.at = at

    def now(self) -> dt.datetime:
        """Return the moment that was set."""
        return self.at

    def advance(self, **span: float) -> None:
        """Move forward by a ``datetime.timedelta(**span)``."""
        self.at += dt.timedelta(**span)


def is_near_year(year: int) -> bool:
    """Whether a year leaves room for zones and days added: 0001 and 9999 do not."""
    return NEAR_YEARS[0] <= year <= NEAR_YEARS[1]


def find_day_start(day: dt.date) -> dt.datetime:
    """Return the moment at which a day begins in Asia/Shanghai."""
    return dt.datetime.combine(day, dt.time(), LOCAL_ZONE)


def to_local(moment: dt.datetime) -> dt.datetime:
    """Return the same moment in Asia/Shanghai."""
    return moment.astimezone(LOCAL_ZONE)
