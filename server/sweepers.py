"""Sweepers: no state lasts longer than its limit without somebody acting.

Each sweeper has a name, an interval and a use case. Whoever moves the heartbeat row first does the
round, so any number of worker hosts share the work without knowing each other.
"""

from __future__ import annotations

import datetime as dt
import threading
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


def claim_round(ctx: Context, name: str, interval_s: float) -> bool:
    """Tell whether this process does the next round of ``name`` now."""
    now = ctx.now()
    interval = dt.timedelta(seconds=interval_s)
    with ctx.db.read() as session:
        beat = session.get(Heartbeat, name)
    # A beat from the future was written by a host whose clock is ahead: it must not stop the rest.
    if beat is not None and now - interval < beat.at < now + interval:
        return False
    try:
        with ctx.db.write() as session:
            if beat is None:
                session.add(Heartbeat(name=name, at=now))
                return True
            result = session.execute(
                update(Heartbeat)
                .where(Heartbeat.name == name, Heartbeat.at == beat.at)
                .values(at=now)
                .execution_options(synchronize_session=False)
            )
            return bool(result.rowcount)  # type: ignore[attr-defined]
    except IntegrityError:
        return False


class SweeperThread(threading.Thread):
    """Runs the sweepers until it is told to stop."""

    def __init__(self, ctx: Context, sweepers: list[Sweeper]) -> None:
        super().__init__(name="sweepers", daemon=True)
        self._ctx = ctx
        self._sweepers = sweepers
        self._stopping = threading.Event()

    def run(self) -> None:
        """Do each duty when its time has come; a failing one does not stop the others."""
        while not self._stopping.is_set():
            for sweeper in self._sweepers:
                self._run_one(sweeper)
            self._stopping.wait(TICK_S)

    def _run_one(self, sweeper: Sweeper) -> None:
        if self._stopping.is_set():
            return
        try:
            if claim_round(self._ctx, sweeper.name, sweeper.interval_s):
                done = sweeper.run(self._ctx)
                if done:
                    log.info("swept", sweeper=sweeper.name, count=done)
        except Exception:
            log.exception("sweeper_failed", sweeper=sweeper.name)

    def stop(self) -> None:
        """Ask the thread to end after its present duty."""
        self._stopping.set()
