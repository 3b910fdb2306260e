"""Sweepers: no state lasts longer than its limit without somebody acting.

Each sweeper has a name, an interval and a use case. Whoever moves the heartbeat row first does the
round, so any number of worker hosts share the work without knowing each other.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from models import Heartbeat
from server.context import Context

log = structlog.get_logger()

TICK_S = 1.0


@dataclass(frozen=True)
class Sweeper:
    """One duty. ``name`` says which state must not last."""

    name: str
    interval_s: float
    run: Callable[[Context], object]


def claim_round(ctx: Context, name: str, interval_s: float) -> float:
    """Take the round of ``name`` where it is due: 0.0. Else return the seconds until one may be."""
    now = ctx.now()
    interval = dt.timedelta(seconds=interval_s)
    with ctx.db.read() as session:
        beat = session.get(Heartbeat, name)
    # A beat from the future was written by a host whose clock is ahead: it must not stop the rest.
    if beat is not None and now - interval < beat.at < now + interval:
        return min((beat.at + interval - now).total_seconds(), interval_s)
    try:
        with ctx.db.write() as session:
            if beat is None:
                session.add(Heartbeat(name=name, at=now))
                return 0.0
            result = session.execute(
                update(Heartbeat)
                .where(Heartbeat.name == name, Heartbeat.at == beat.at)
                .values(at=now)
                .execution_options(synchronize_session=False)
            )
            is_ours = bool(result.rowcount)  # type: ignore[attr-defined]
    except IntegrityError:
        is_ours = False
    return 0.0 if is_ours else interval_s


class SweeperThread(threading.Thread):
    """Runs the sweepers until it is told to stop."""

    def __init__(self, ctx: Context, sweepers: list[Sweeper], *, tick_s: float = TICK_S) -> None:
        super().__init__(name="sweepers", daemon=True)
        self._ctx = ctx
        self._sweepers = sweepers
        self._tick_s = tick_s
        self._stopping = threading.Event()
        self._look_at = dict.fromkeys([each.name for each in sweepers], 0.0)
        """Moment of the monotonic clock before which no round of this duty can be due."""

    def run(self) -> None:
        """Do each duty when its time has come; a failing one does not stop the others."""
        while not self._stopping.is_set():
            for sweeper in self._sweepers:
                if time.monotonic() >= self._look_at[sweeper.name]:
                    self._run_one(sweeper)
            self._stopping.wait(self._tick_s)

    def _run_one(self, sweeper: Sweeper) -> None:
        if self._stopping.is_set():
            return
        try:
            wait_s = claim_round(self._ctx, sweeper.name, sweeper.interval_s)
            self._look_at[sweeper.name] = time.monotonic() + (wait_s or sweeper.interval_s)
            if not wait_s and (done := sweeper.run(self._ctx)):
                log.info("swept", sweeper=sweeper.name, count=done)
        except Exception:
            log.exception("sweeper_failed", sweeper=sweeper.name)

    def stop(self) -> None:
        """Ask the thread to end after its present duty."""
        self._stopping.set()
