"""How long a photo that comes now waits for its verdict, and when to ask people to come later."""

from __future__ import annotations

import datetime as dt
import math

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from models import Photo, PhotoState
from server.context import Context
from server.errors import ServiceBusy

SECONDS_PER_CHECK = 0.5
"""First guess of a verdict's share of the queue's time; what is measured replaces it."""
SLOWEST_CHECK_S = 3.0
"""The most that is assumed, so that a few may still come in while the workers are starting."""
WINDOW_S = 20.0
"""The verdicts of so many seconds tell how fast they come."""
CHECKED = select(func.count()).where(Photo.checked_at >= bindparam("since")).scalar_subquery()
# Built once: every upload asks.
COUNT = select(func.count(), func.min(Photo.submitted_at), CHECKED).where(
    Photo.state == PhotoState.RECEIVED
)


class QueueFull(ServiceBusy):
    """More photos wait than workers can judge soon, or the disk is nearly full."""

    code = "queue_full"
    message = "当前上传人数较多，请稍后再试"


def estimate_wait_s(ctx: Context) -> float:
    """Return the expected seconds until a photo that is submitted now has its verdict."""
    with ctx.db.read() as session:
        return _estimate(*_read_queue(session, ctx.now()))


def refuse_when_full(session: Session, ctx: Context) -> float:
    """Let nobody in whose verdict would be late, or whose photo might not fit on the disk.

    Returns the seconds until the verdict of one who is let in.

    Raises:
        QueueFull: with the seconds after which a place may be free.
    """
    free = ctx.photo_store.free_bytes()
    if free is not None and free < ctx.settings.min_free_mb * 1024 * 1024:
        raise QueueFull(retry_after_s=60)
    waiting, per_check_s = _read_queue(session, ctx.now())
    over_limit = waiting + 1 - ctx.settings.queue_limit
    over_wait = waiting + 1 - ctx.settings.queue_wait_limit_s / per_check_s
    if waiting and max(over_limit, over_wait) > 0:
        # Room for a few more than this one: the others come back at the same time.
        raise QueueFull(retry_after_s=min(60, max(5, math.ceil(2 * over_wait * per_check_s))))
    return _estimate(waiting, per_check_s)


def _estimate(waiting: int, per_check_s: float) -> float:
    return (waiting + 1) * per_check_s if waiting else SECONDS_PER_CHECK


def _read_queue(session: Session, now: dt.datetime) -> tuple[int, float]:
    """Return how many photos wait, and the seconds between two verdicts of all workers.

    While there was nothing to do, few verdicts mean nothing: then the first guess is the worst
    that is assumed. Since somebody has waited for the whole window, the measure is the truth.
    """
    since = now - dt.timedelta(seconds=WINDOW_S)
    waiting, oldest, checked_count = session.execute(COUNT, {"since": since}).one()
    measured_s = min(WINDOW_S / max(checked_count, 1), SLOWEST_CHECK_S)
    has_been_busy = oldest is not None and oldest < since
    return waiting, measured_s if has_been_busy else min(measured_s, SECONDS_PER_CHECK)
