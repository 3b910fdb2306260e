"""Receives a callback: keeps it first, decides on it then, and answers only after the commit.

Notice and decision are one transaction, so an acknowledged notice is durable and a crash in
between leaves nothing: WeChat was not answered and sends it again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import timedelta

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from models import PaymentNotice, body_place
from server import failpoints
from server.context import Context
from server.errors import CaijiError
from server.gateways.pay import (
    Misfit,
    Notice,
    NoticeMalformed,
    PaymentEvidence,
    RefundEvidence,
    SignatureInvalid,
)
from server.services.money.hold import Reason, keep
from server.services.money.refunds.book import apply_refund_in
from server.services.money.settling.settle import hold_misfit_in, settle_in
from server.services.money.settling.settle_plain import NoticeInHand
from server.services.money.settling.share_transaction import NoTurn, settle_with_others
from server.upsert import insert_once

log = structlog.get_logger()

MAX_REFUSED_KEPT = 20  # in each minute and process: forged notices must not fill the disk
KEPT_WINDOW_S = 60.0
REFUSED_PREFIX_BYTES = 512
"""So much of a forged notice tells a person what it was; the rest is thrown away."""
MAX_REFUSED_ROWS = 2_000
"""In all: a megabyte. Above it nothing more is kept until retention has deleted some."""
UNDECIDED_AFTER = timedelta(seconds=5)
SWEEP_SIZE = 50


class NoticeRefused(CaijiError):
    """The notice is not WeChat's, or not understandable. It will be sent again, or was forged."""

    code = "notice_refused"
    status = 401
    message = "通知未通过验证"


class NoticeNotDecided(CaijiError):
    """The notice is genuine and kept, but could not be decided now: WeChat should repeat it."""

    code = "notice_not_decided"
    status = 503
    message = "暂时无法处理"


def receive_notice(ctx: Context, headers: Mapping[str, str], raw_body: bytes) -> None:
    """Return once the notice is durably kept and decided.

    Raises:
        NoticeRefused: not verified.
        NoticeNotDecided: verified, but a lock was not free or deciding failed.
    """
    try:
        notice = ctx.pay.read_notice(headers, raw_body, ctx.now())
    except (SignatureInvalid, NoticeMalformed) as error:
        is_probe = isinstance(error, SignatureInvalid) and error.is_probe
        log.log(20 if is_probe else 30, "notice_refused", reason=str(error), is_probe=is_probe)
        _keep_refused(ctx, raw_body)
        raise NoticeRefused from None
    try:
        if settle_with_others(ctx, NoticeInHand(notice, raw_body)):
            return
        with ctx.db.write() as session:
            _decide_in(session, ctx, notice, raw_body)
            failpoints.hit("notice_before_commit")
    except (OperationalError, PoolTimeout, NoTurn):
        raise NoticeNotDecided(retry_after_s=15) from None
    except DataError:
        # genuine, but with something that no column takes: a person has to look at it
        log.exception("notice_does_not_fit", notice_id=notice.notice_id)
        _keep_unfitting(ctx, notice, raw_body)
    except Exception:
        log.exception("notice_not_decided", notice_id=notice.notice_id)
        keep_undecided(ctx, notice, raw_body)
        raise NoticeNotDecided(retry_after_s=15) from None
    failpoints.hit("notice_committed")


def _decide_in(session: Session, ctx: Context, notice: Notice, raw_body: bytes) -> None:
    """Keep the notice and act on it in the caller's transaction, once for each notice id."""
    row_id = store(session, ctx, notice, raw_body)
    failpoints.hit("notice_stored")
    if row_id is None:
        row_id = _count_repetition(session, notice)
    if row_id is None:
        return
    outcome = _act_on(session, ctx, notice, row_id)
    session.execute(
        update(PaymentNotice)
        .where(PaymentNotice.id == row_id)
        .values(outcome=outcome, handled_at=ctx.now())
        .execution_options(synchronize_session=False)
    )


def store(session: Session, ctx: Context, notice: Notice, raw_body: bytes) -> uuid.UUID | None:
    """Insert the raw notice, encrypted; None when this notice id is already there."""
    event = notice.event
    return insert_once(
        session,
        PaymentNotice,
        key="notice_id",
        values={
            "notice_id": notice.notice_id,
            "pay_version": ctx.pay.version,
            "kind": "refund" if _is_refund(event) else "payment",
            "is_verified": True,
            "body_encrypted": ctx.cipher.encrypt(raw_body, place=body_place(notice.notice_id)),
            "out_trade_no": event.out_trade_no[:64] if event else None,
            "received_at": ctx.now(),
            "delivery_count": 1,
        },
    )


def _is_refund(event: PaymentEvidence | RefundEvidence | Misfit | None) -> bool:
    return isinstance(event, RefundEvidence) or (isinstance(event, Misfit) and event.is_refund)


def _count_repetition(session: Session, notice: Notice) -> uuid.UUID | None:
    """Count a notice that came again; return its row only when it still waits for a decision."""
    session.execute(
        update(PaymentNotice)
        .where(PaymentNotice.notice_id == notice.notice_id)
        .values(delivery_count=PaymentNotice.delivery_count + 1)
        .execution_options(synchronize_session=False)
    )
    return session.scalar(
        select(PaymentNotice.id).where(
            PaymentNotice.notice_id == notice.notice_id, PaymentNotice.handled_at.is_(None)
        )
    )


def _act_on(session: Session, ctx: Context, notice: Notice, row_id: uuid.UUID) -> str:
    """Do what the notice asks for and return the outcome in a word."""
    if isinstance(notice.event, PaymentEvidence):
        return settle_in(session, ctx, notice.event, row_id)
    if isinstance(notice.event, RefundEvidence):
        return apply_refund_in(session, ctx, notice.event)
    if isinstance(notice.event, Misfit):
        return hold_misfit_in(session, ctx, notice.event, notice.notice_id, row_id)
    return "ignored"


def keep_undecided(ctx: Context, notice: Notice, raw_body: bytes) -> None:
    """Keep a notice that could not be decided; the sweeper tries again."""
    with ctx.db.write() as session:
        store(session, ctx, notice, raw_body)


def _keep_unfitting(ctx: Context, notice: Notice, raw_body: bytes) -> None:
    """Keep a genuine notice whose values no column takes, and put it before finance."""
    with ctx.db.write() as session:
        row_id = store(session, ctx, dataclasses.replace(notice, event=None), raw_body)
        if row_id is None:
            return
        keep(
            session,
            reason=Reason.IMPLAUSIBLE,
            source="callback",
            out_trade_no="",
            transaction_id=hashlib.sha256(raw_body).hexdigest()[:32],
            amount_fen=0,
            order=None,
            at=ctx.now(),
            detail=notice.event_type,
            notice_row_id=row_id,
        )
        session.execute(
            update(PaymentNotice)
            .where(PaymentNotice.id == row_id)
            .values(outcome="quarantined", handled_at=ctx.now())
        )


def decide_kept_notices(ctx: Context) -> int:
    """Decide verified notices that were kept without a decision. Returns how many."""
    with ctx.db.read() as session:
        waiting = session.scalars(
            select(PaymentNotice)
            .where(PaymentNotice.is_verified, PaymentNotice.handled_at.is_(None))
            .where(PaymentNotice.received_at < ctx.now() - UNDECIDED_AFTER)
            .order_by(PaymentNotice.received_at)
            .limit(SWEEP_SIZE)
        ).all()
    for row in waiting:
        try:
            place = body_place(row.notice_id)
            raw_body = ctx.cipher.decrypt_bytes(row.body_encrypted, place=place)
            with ctx.db.write() as session:
                _decide_in(session, ctx, ctx.pay.reread_notice(raw_body), raw_body)
        except Exception:
            log.exception("kept_notice_not_decided", notice_id=row.notice_id)
    return len(waiting)


def _keep_refused(ctx: Context, raw_body: bytes) -> None:
    """Keep the beginning of a notice that did not verify, for a person to look at, of a few."""
    if not raw_body or not refused_budget.take():
        return
    kept = raw_body[:REFUSED_PREFIX_BYTES]
    notice_id = "unverified:" + hashlib.sha256(raw_body).hexdigest()
    try:
        with ctx.db.write() as session:
            if _count_refused(session) >= MAX_REFUSED_ROWS:
                return
            insert_once(
                session,
                PaymentNotice,
                key="notice_id",
                values={
                    "notice_id": notice_id,
                    "pay_version": ctx.pay.version,
                    "kind": "payment",
                    "is_verified": False,
                    "body_encrypted": ctx.cipher.encrypt(kept, place=body_place(notice_id)),
                    "received_at": ctx.now(),
                    "delivery_count": 1,
                    "outcome": "refused",
                    "handled_at": ctx.now(),
                },
            )
    except (OperationalError, PoolTimeout):
        log.warning("refused_notice_not_kept")


def _count_refused(session: Session) -> int:
    """Return how many forged notices are kept."""
    query = select(func.count()).select_from(PaymentNotice).where(~PaymentNotice.is_verified)
    return session.scalar(query) or 0


class Budget:
    """Allows `size` actions in each window of `window_s` seconds."""

    def __init__(self, size: int, window_s: float) -> None:
        self._size = size
        self._window_s = window_s
        self._lock = threading.Lock()
        self._window_start = 0.0
        self._left = 0

    def take(self) -> bool:
        """Use one action; False when the window has none left."""
        with self._lock:
            now = time.monotonic()
            if now - self._window_start >= self._window_s:
                self._window_start, self._left = now, self._size
            self._left -= 1
            return self._left >= 0


refused_budget = Budget(MAX_REFUSED_KEPT, KEPT_WINDOW_S)
