"""Lets callbacks that arrive together share one transaction, and so one wait for the disk.

Whoever gets a turn takes everything that waits and settles it; the others find their own done. A
callback that comes alone waits for nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import OperationalError

from server.context import Context
from server.services.settle_many import NoticeInHand, settle_plain

log = structlog.get_logger()

MAX_BATCH = 32
MAX_WAIT_S = 4.0  # WeChat waits 5 s for an answer
POSTGRES_TURNS = 1  # its commits overlap; SQLite has one writer anyway


class NoTurn(Exception):
    """The turn did not come in time."""


@dataclass(slots=True)
class Ticket:
    """One waiting callback and how it ended."""

    hand: NoticeInHand
    done: threading.Event = field(default_factory=threading.Event)
    is_taken: bool = False
    is_settled: bool = False
    error: OperationalError | None = None


class NoticeBatcher:
    """The queue of one process; `turns` batches may run side by side."""

    def __init__(self, turns: int) -> None:
        self._waiting: deque[Ticket] = deque()
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(turns)

    def settle(self, ctx: Context, hand: NoticeInHand) -> bool:
        """Return whether the notice was plain and is settled now.

        Raises:
            NoTurn: the others took too long; nothing happened with this notice.
            sqlalchemy.exc.OperationalError: the database is busy or away.
        """
        ticket = Ticket(hand)
        with self._lock:
            self._waiting.append(ticket)
        if not self._turns.acquire(timeout=MAX_WAIT_S):
            self._give_up(ticket)
        else:
            try:
                settle_tickets(ctx, self._take(ticket))
            finally:
                self._turns.release()
        if not ticket.done.wait(MAX_WAIT_S):
            raise NoTurn
        if ticket.error is not None:
            raise ticket.error
        return ticket.is_settled

    def _take(self, own: Ticket) -> list[Ticket]:
        """Take the own ticket and others with it; nothing when somebody took the own one."""
        with self._lock:
            if own.is_taken:
                return []
            self._waiting.remove(own)
            tickets = [own]
            while self._waiting and len(tickets) < MAX_BATCH:
                tickets.append(self._waiting.popleft())
            for ticket in tickets:
                ticket.is_taken = True
            return tickets

    def _give_up(self, own: Ticket) -> None:
        """Leave the queue, unless somebody has taken the ticket meanwhile."""
        with self._lock:
            if not own.is_taken:
                self._waiting.remove(own)
                raise NoTurn


def settle_tickets(ctx: Context, tickets: list[Ticket]) -> None:
    """Settle a batch and end every ticket, also when it fails."""
    error: OperationalError | None = None
    settled: set[str] = set()
    try:
        settled = settle_plain(ctx, [ticket.hand for ticket in tickets])
    except OperationalError as caught:
        error = caught
    except Exception:
        # the careful way is still open to every one of them
        log.exception("short_way_failed")
    for ticket in tickets:
        # of two equal notices in one batch the first one counts; the other goes the careful way
        notice_id = ticket.hand.notice.notice_id
        ticket.is_settled = notice_id in settled
        settled.discard(notice_id)
        ticket.error = error
        ticket.done.set()


one_writer = NoticeBatcher(1)
many_writers = NoticeBatcher(POSTGRES_TURNS)


def settle_with_others(ctx: Context, hand: NoticeInHand) -> bool:
    """Settle a notice together with those that wait beside it; see `NoticeBatcher.settle`."""
    batcher = one_writer if ctx.db.is_sqlite else many_writers
    return batcher.settle(ctx, hand)
