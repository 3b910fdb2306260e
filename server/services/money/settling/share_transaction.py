"""Lets callbacks that arrive together share one transaction, and so one wait for the disk.

Who comes first settles everything that waits, itself included, and wakes the next one in line. A
callback that comes alone waits for nobody, or once for a crowd that has just gone. On PostgreSQL,
too, one transaction of eight costs less than eight that overlap: the time goes into statements, not
into the disk.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

import structlog
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from server.context import Context
from server.services.money.settling.settle_plain import NoticeInHand, settle_plain

log = structlog.get_logger()

MAX_BATCH = 32
MAX_WAIT_S = 4.0  # WeChat waits 5 s for an answer
GATHER_S = 0.02
"""The longest that a leader waits for as many as the last batch had. Without it the first one to
come back after a batch would take a transaction for itself, and the rest would wait for it."""


class NoTurn(Exception):
    """The turn did not come in time."""


def _make_sleep() -> threading.Lock:
    sleep = threading.Lock()
    sleep.acquire()
    return sleep


@dataclass(slots=True, eq=False)
class Ticket:
    """One waiting callback and how it ended. It is woken when it is done, or when it leads.

    Attributes:
        sleep: held until it is woken; an event would cost each callback several locks.
    """

    hand: NoticeInHand
    sleep: threading.Lock = field(default_factory=_make_sleep)
    is_done: bool = False
    is_settled: bool = False
    error: SQLAlchemyError | None = None


class NoticeBatcher:
    """The queue of one process. One ticket at a time leads: it settles a batch."""

    def __init__(self) -> None:
        self._waiting: deque[Ticket] = deque()
        self._lock = threading.Lock()
        self._company = threading.Condition(self._lock)
        self._is_led = False
        self._crowd = 1

    def settle(self, ctx: Context, hand: NoticeInHand) -> bool:
        """Return whether the notice was plain and is settled now.

        Raises:
            NoTurn: the others took too long. Nothing happened with this notice yet; if it is in
                their hands, it may still be settled, and WeChat's repetition will find it so.
            OperationalError, PoolTimeout: the database is busy or away.
        """
        ticket = Ticket(hand)
        if not self._enter(ticket):
            self._wait(ticket)
        if not ticket.is_done:
            self._lead(ctx)
        if ticket.error is not None:
            raise ticket.error
        return ticket.is_settled

    def _enter(self, ticket: Ticket) -> bool:
        """Join the queue; return whether this ticket leads at once."""
        with self._lock:
            self._waiting.append(ticket)
            if len(self._waiting) == self._crowd:
                self._company.notify()
            leads, self._is_led = not self._is_led, True
            return leads

    def _wait(self, ticket: Ticket) -> None:
        """Return when the ticket is done or leads; raise NoTurn when neither comes in time."""
        if ticket.sleep.acquire(timeout=MAX_WAIT_S):
            return
        with self._lock:
            if ticket.sleep.acquire(blocking=False):
                return
            if ticket in self._waiting:
                self._waiting.remove(ticket)
        raise NoTurn

    def _lead(self, ctx: Context) -> None:
        """Settle the first of the queue, the own ticket at its head, and pass the lead on."""
        with self._lock:
            self._company.wait_for(lambda: len(self._waiting) >= self._crowd, GATHER_S)
            self._crowd = min(MAX_BATCH, len(self._waiting))
            tickets = [self._waiting.popleft() for _ in range(self._crowd)]
        try:
            _settle_tickets(ctx, tickets)
        finally:
            with self._lock:
                self._is_led = bool(self._waiting)
                if self._is_led:
                    self._waiting[0].sleep.release()


def _settle_tickets(ctx: Context, tickets: list[Ticket]) -> None:
    """Settle a batch and end every ticket, also when it fails."""
    error: SQLAlchemyError | None = None
    settled: set[str] = set()
    try:
        settled = settle_plain(ctx, [ticket.hand for ticket in tickets])
    except (OperationalError, PoolTimeout) as caught:
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
        ticket.is_done = True
        ticket.sleep.release()


batcher = NoticeBatcher()


def settle_with_others(ctx: Context, hand: NoticeInHand) -> bool:
    """Settle a notice together with those that wait beside it; see `NoticeBatcher.settle`."""
    return batcher.settle(ctx, hand)
