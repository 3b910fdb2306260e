"""Asks WeChat how an order stands and brings our books in line with the answer."""

from __future__ import annotations

import datetime as dt
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from sqlalchemy import or_, select, update

from models import Order
from server.context import Context
from server.errors import NotFound
from server.gateways.pay import TradeReport, TradeState
from server.gateways.transport import GatewayError, time_budget
from server.services.money.orders.close_order import close_expired_order, mark_closed
from server.services.money.settling.settle import SETTLEABLE, settle_payment

log = structlog.get_logger()

FRESH_FOR = dt.timedelta(seconds=3)  # a student who keeps asking reaches WeChat this often
QUICK_POLL = dt.timedelta(seconds=20)  # the contract says every 30 s; the sweeper adds its round
QUICK_POLL_AGE = dt.timedelta(minutes=10)
SLOW_POLL_MAX = dt.timedelta(minutes=10)
STUDENT_WAITS_S = 7.0
POLL_THREADS = 8
POLL_SIZE = 200
GIVE_UP_AFTER_FAILURES = 8
CLOSED_STATES = frozenset({TradeState.CLOSED, TradeState.REVOKED})


@dataclass(frozen=True, slots=True)
class DueOrder:
    """What a question to WeChat needs to know of an order."""

    id: uuid.UUID
    out_trade_no: str
    expires_at: dt.datetime
    is_needless: bool = False
    """Nobody is to pay it any more: it is closed before its time."""

    def is_over(self, now: dt.datetime) -> bool:
        """Whether it is closed where it was not paid."""
        return self.is_needless or self.expires_at <= now


def get_order(ctx: Context, user_id: uuid.UUID, out_trade_no: str) -> Order:
    """Return the student's order, after asking WeChat when our answer may be old.

    A gateway that hangs or talks nonsense leaves the answer at what we know.

    Raises:
        NotFound: no such order of this user.
    """
    order = _find_own_order(ctx, user_id, out_trade_no)
    if order.state not in SETTLEABLE:
        return order
    with time_budget(STUDENT_WAITS_S):
        has_news = refresh_order(ctx, order.id)
    if not has_news:
        return order
    return _find_own_order(ctx, user_id, out_trade_no)


def _find_own_order(ctx: Context, user_id: uuid.UUID, out_trade_no: str) -> Order:
    """Return the order of this user; raises NotFound."""
    with ctx.db.read() as session:
        order = session.scalar(
            select(Order).where(Order.out_trade_no == out_trade_no, Order.user_id == user_id)
        )
    if order is None:
        raise NotFound
    return order


def refresh_order(ctx: Context, order_id: uuid.UUID) -> bool:
    """Ask WeChat about one order unless somebody just did; return whether we learned anything."""
    due = _claim_question(ctx, order_id)
    if due is None:
        return False
    try:
        ask_and_apply(ctx, due)
    except GatewayError as error:
        log.warning("order_query_failed", out_trade_no=due.out_trade_no, reason=str(error))
        return False
    return True


def _claim_question(ctx: Context, order_id: uuid.UUID) -> DueOrder | None:
    """Reserve the right to ask, so that many readers are one question; plan the next one."""
    now = ctx.now()
    with ctx.db.write() as session:
        order = session.get(Order, order_id)
        if order is None:
            return None
        claimed = session.execute(
            update(Order)
            .where(Order.id == order_id, Order.state.in_(SETTLEABLE))
            .where(or_(Order.last_queried_at.is_(None), Order.last_queried_at <= now - FRESH_FOR))
            .values(
                last_queried_at=now,
                query_count=Order.query_count + 1,
                next_query_at=_plan_next_query(order.created_at, order.expires_at, now),
            )
            .execution_options(synchronize_session=False)
        )
        if not claimed.rowcount:  # type: ignore[attr-defined]
            return None
        is_needless = order.enrolment.fee_settled_at is not None
        return DueOrder(order.id, order.out_trade_no, order.expires_at, is_needless)


def note_question(ctx: Context, order_id: uuid.UUID) -> None:
    """Write down that somebody asks out of turn."""
    with ctx.db.write() as session:
        session.execute(
            update(Order)
            .where(Order.id == order_id)
            .values(last_queried_at=ctx.now(), query_count=Order.query_count + 1)
            .execution_options(synchronize_session=False)
        )


def _plan_next_query(
    created_at: dt.datetime, expires_at: dt.datetime, now: dt.datetime
) -> dt.datetime:
    """Return when the sweeper asks next: often for ten minutes, then ever less, then at expiry."""
    age = now - created_at
    if age < QUICK_POLL_AGE:
        return now + QUICK_POLL
    later = now + min(age / 5, SLOW_POLL_MAX)
    return min(later, expires_at) if expires_at > now else later


def ask_and_apply(ctx: Context, due: DueOrder) -> None:
    """Ask, apply the answer, and close what has expired unpaid. Raises GatewayError."""
    report = ctx.pay.query(due.out_trade_no)
    if apply_report(ctx, due, report):
        return
    if due.is_over(ctx.now()):
        after = close_expired_order(ctx, due.out_trade_no)
        apply_report(ctx, due, after)


def apply_report(ctx: Context, due: DueOrder, report: TradeReport) -> bool:
    """Act on WeChat's answer; return whether it decided the order."""
    if report.payment is not None:
        settle_payment(ctx, report.payment)
        return True
    is_over = due.is_over(ctx.now())
    if report.state in CLOSED_STATES or (report.state is TradeState.NOT_FOUND and is_over):
        mark_closed(ctx, due.id)
        return True
    return False


def poll_due_orders(ctx: Context) -> int:
    """Ask about every order whose time has come; return how many were asked about.

    Questions run side by side. When WeChat fails again and again the round ends early; the orders
    that were not reached keep their date and come first in the next one.
    """
    with ctx.db.read() as session:
        order_ids = session.scalars(
            select(Order.id)
            .where(Order.state.in_(SETTLEABLE), Order.next_query_at <= ctx.now())
            .order_by(Order.next_query_at)
            .limit(POLL_SIZE)
        ).all()
    if not order_ids:
        return 0
    failures = 0
    with ThreadPoolExecutor(POLL_THREADS, thread_name_prefix="poll") as pool:
        for start in range(0, len(order_ids), POLL_THREADS):
            chunk = order_ids[start : start + POLL_THREADS]
            failures += sum(not ok for ok in pool.map(lambda each: _poll_one(ctx, each), chunk))
            if failures >= GIVE_UP_AFTER_FAILURES:
                log.warning("poll_given_up", failures=failures)
                break
    return len(order_ids)


def _poll_one(ctx: Context, order_id: uuid.UUID) -> bool:
    """Ask about one order; False only when WeChat failed. A surprise harms one order."""
    try:
        due = _claim_question(ctx, order_id)
        if due is not None:
            ask_and_apply(ctx, due)
    except GatewayError as error:
        log.warning("order_query_failed", order_id=str(order_id), reason=str(error))
        return False
    except Exception:
        log.exception("order_poll_failed", order_id=str(order_id))
    return True
