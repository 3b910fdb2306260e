"""The calendar of the year: what happens at which second, and the worker's rounds."""

from __future__ import annotations

import datetime as dt
import heapq
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from limits.storage import MemoryStorage

from server.context import Context
from server.duties import SWEEPERS
from server.gateways.clock import LOCAL_ZONE, to_local
from server.security.attempts import AttemptCounter
from server.services.money.orders.query_order import SLOW_POLL_MAX
from server.sweepers import Sweeper
from tests.year.outside import Outside
from tests.year.people import College, Student

TICKS_H = (0.7, 3.7, 16.0, 21.0)
HOUR_S = 3600
NOT_OF_THE_YEAR = {"remove_orphans", "requeue_unchecked_photos"}
TIDY = {
    *("requeue_crops", "drop_spent_cuts", "remove_old_trials", "move_on_without_code"),
    *("measure_due_faces", "drop_spent_faces", "send_due_sms", "settle_free_fees"),
    *("remove_spent_rosters", "remove_spent_folders", "forget_old_lists"),
    *("delete_expired_exports", "approve_clean_passes"),
}
"""Nobody of this year has anything for them: once a week shows that they leave it alone."""
MONDAY = 0
Step = Callable[..., None]


@dataclass
class Calendar:
    """All that goes on; ``run`` lets one day after the other pass."""

    ctx: Context
    client: FlaskClient
    outside: Outside
    colleges: list[College]
    students: list[Student]
    rng: random.Random
    is_away: Callable[[dt.date], bool]
    check: Callable[[Any, bool], None]
    queue: list[Any] = field(default_factory=list)
    unjudged: list[Any] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)
    happened: Counter[str] = field(default_factory=Counter)
    """How often each thing came about: what never did was not tested."""
    count: int = 0

    def __post_init__(self) -> None:
        self.attempts = AttemptCounter(MemoryStorage())

    @property
    def now(self) -> dt.datetime:
        return self.ctx.now()

    def at(self, moment: dt.datetime, step: Step, *arguments: Any) -> None:
        self.count += 1
        heapq.heappush(self.queue, (moment, self.count, step, arguments))

    def later(self, span: float, step: Step, *arguments: Any) -> None:
        self.at(self.now + dt.timedelta(seconds=span), step, *arguments)

    def run(self, first: dt.date, last: dt.date) -> None:
        """Let the days pass; every one ends with the checks, at eleven the next morning."""
        for number in range((last - first).days + 1):
            day = first + dt.timedelta(days=number)
            morning = dt.datetime.combine(day, dt.time(11), LOCAL_ZONE)
            for hours in TICKS_H if self.is_busy(morning) else ():
                self.at(morning + dt.timedelta(hours=hours), self.tick)
            self.at(morning + dt.timedelta(minutes=30), self.review)
            night = morning + dt.timedelta(days=1)
            while self.queue and self.queue[0][0] <= night:
                moment, _, step, arguments = heapq.heappop(self.queue)
                self.go_to(moment)
                step(*arguments)
            self.go_to(night)
            self.tick(is_night=True)
            # an order that has been open for a while is asked about every ten minutes
            self.ctx.clock.advance(seconds=SLOW_POLL_MAX.total_seconds())  # type: ignore[attr-defined]
            self.tick()
            is_away = self.is_away(to_local(self.now).date())
            self.check(self, is_away)
            if not is_away:
                for student in self.students:
                    student.untold = 0
                self.touched.clear()

    def go_to(self, moment: dt.datetime) -> None:
        if moment > self.now:
            self.ctx.clock.at = moment.astimezone(dt.UTC)  # type: ignore[attr-defined]

    def is_busy(self, morning: dt.datetime) -> bool:
        return bool(self.queue) and self.queue[0][0] < morning + dt.timedelta(days=1)

    def tick(self, *, is_night: bool = False) -> None:
        """The worker's round, where there is a worker: all sweepers until none has work.

        Those of once an hour find something once a day at most: they run at night, once.
        """
        if self.is_away(to_local(self.now).date()):
            return
        self.judge_waiting()
        for is_first in (True, False):
            for sweepers in SWEEPERS.values():
                for sweeper in sweepers:
                    if self.is_due(sweeper, is_night=is_night, is_first=is_first):
                        sweeper.run(self.ctx)
            self.ctx.clock.advance(seconds=31)  # type: ignore[attr-defined]

    def is_due(self, sweeper: Sweeper, *, is_night: bool, is_first: bool) -> bool:
        """Whether a duty is done in this round; none of the worker's is left out of the year."""
        if sweeper.name in NOT_OF_THE_YEAR:
            return False
        is_once = is_night and is_first
        if sweeper.name in TIDY:
            return is_once and to_local(self.now).weekday() == MONDAY
        return sweeper.interval_s < HOUR_S or is_once

    def judge_waiting(self) -> None:
        """Judge the photos that came while no worker ran."""
        raise NotImplementedError
