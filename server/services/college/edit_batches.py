"""Batches as an administrator keeps them. What a change would do to waiting photos is shown first.

A photo that waits for review belongs to a batch by rule, not by a stored link: moving a cut-off or
closing a batch moves photos. ``plan_change`` counts them, ``change_batch`` does what was shown.
"""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Batch, Enrolment
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.review_queue import WAITING
from server.services.staff_viewer import Viewer

NO_BATCH = "没有批次"
MAX_GRACE_DAYS = 30


class BatchChangeRefused(CaijiError):
    """The change would leave batches without order; the message says why."""

    code = "batch_change_refused"
    status = 422
    message = "不能这样修改批次"


class BatchMoved(CaijiError):
    """Photos came or went since the change was shown."""

    code = "batch_moved"
    status = 409
    message = "看过影响之后情况又有变化,请重新确认"


@dataclass(frozen=True)
class BatchRule:
    """What decides which photos a batch takes, and what else staff may set."""

    id: uuid.UUID
    label: str
    cutoff_at: dt.datetime
    grace_days: int
    card_visible_from: dt.date
    is_closed: bool


@dataclass(frozen=True)
class BatchRow:
    """One line of the list."""

    batch: Batch
    waiting: int
    collected: int
    is_next: bool
    """New photos go here."""


@dataclass(frozen=True)
class BatchPlan:
    """What a change would do: (from, to, photos), and where new photos go before and after."""

    before: BatchRule
    after: BatchRule
    moves: list[tuple[str, str, int]]
    next_before: str
    next_after: str

    @property
    def fingerprint(self) -> str:
        """Equal for plans that change the same and move the same."""
        return hashlib.sha256(repr((self.after, self.moves)).encode()).hexdigest()

    @property
    def moved_count(self) -> int:
        """Photos that change their batch."""
        return sum(count for _, _, count in self.moves)


Waiting = tuple[dt.datetime, uuid.UUID | None, dt.datetime | None]


def list_batches(ctx: Context, viewer: Viewer) -> list[BatchRow]:
    """Return the institution's batches, the latest cut-off first."""
    with ctx.db.read() as session:
        batches = _list_batches(session, viewer)
        waiting = _assign(_list_waiting(session, viewer), [_rule_of(one) for one in batches])
        collected = session.execute(
            select(Enrolment.batch_id, func.count())
            .where(
                Enrolment.institution_id == viewer.institution_id, Enrolment.batch_id.is_not(None)
            )
            .group_by(Enrolment.batch_id)
        )
        by_batch = {row[0]: row[1] for row in collected}
    counts = Counter(waiting)
    following = _find_for(ctx.now(), [_rule_of(one) for one in batches])
    return [
        BatchRow(one, counts[one.id], by_batch.get(one.id, 0), one.id == following)
        for one in reversed(batches)
    ]


def get_batch(ctx: Context, viewer: Viewer, batch_id: uuid.UUID) -> Batch:
    """Return a batch of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        return _get_own(session, viewer, batch_id)


def plan_change(
    ctx: Context,
    viewer: Viewer,
    batch_id: uuid.UUID,
    *,
    cutoff_at: dt.datetime,
    grace_days: int,
    card_visible_from: dt.date,
) -> BatchPlan:
    """Return what setting these values would do; changes nothing.

    Raises:
        NotFound, BatchChangeRefused.
    """
    with ctx.db.read() as session:
        before = _rule_of(_get_own(session, viewer, batch_id))
        after = dataclasses.replace(
            before,
            cutoff_at=cutoff_at,
            grace_days=grace_days,
            card_visible_from=card_visible_from,
        )
        return _plan(session, viewer, before, after, ctx.now())


def plan_closing(ctx: Context, viewer: Viewer, batch_id: uuid.UUID) -> BatchPlan:
    """Return what closing a batch would do; raises NotFound, BatchChangeRefused."""
    with ctx.db.read() as session:
        before = _rule_of(_get_own(session, viewer, batch_id))
        after = dataclasses.replace(before, is_closed=True)
        return _plan(session, viewer, before, after, ctx.now())


def change_batch(ctx: Context, viewer: Viewer, shown: BatchPlan, fingerprint: str) -> None:
    """Carry out a plan, if it is the one with this fingerprint and still true.

    Raises:
        NotFound, BatchChangeRefused, BatchMoved.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        batch = _get_own(session, viewer, shown.after.id, is_locked=True)
        plan = _plan(session, viewer, _rule_of(batch), shown.after, now)
        if plan.fingerprint != fingerprint:
            raise BatchMoved
        is_closing = shown.after.is_closed and batch.closed_at is None
        batch.cutoff_at = shown.after.cutoff_at
        batch.grace_days = shown.after.grace_days
        batch.card_visible_from = shown.after.card_visible_from
        if is_closing:
            batch.closed_at = now
        record_audit(
            session,
            viewer,
            "batch.close" if is_closing else "batch.change",
            at=now,
            subject_kind="batch",
            subject_id=batch.id,
            batch=batch.label,
            cutoff_at=batch.cutoff_at.isoformat(timespec="minutes"),
            moved=plan.moved_count,
        )


def _plan(
    session: Session, viewer: Viewer, before: BatchRule, after: BatchRule, now: dt.datetime
) -> BatchPlan:
    old = [_rule_of(one) for one in _list_batches(session, viewer)]
    _refuse_disorder(before, after, old, now)
    new = sorted(
        (after if one.id == after.id else one for one in old), key=lambda one: one.cutoff_at
    )
    labels: dict[uuid.UUID | None, str] = {one.id: one.label for one in old}
    waiting = _list_waiting(session, viewer)
    moves: Counter[tuple[str, str]] = Counter()
    for source, target in zip(_assign(waiting, old), _assign(waiting, new), strict=True):
        if source != target:
            moves[labels.get(source, NO_BATCH), labels.get(target, NO_BATCH)] += 1
    return BatchPlan(
        before=before,
        after=after,
        moves=[(*move, count) for move, count in sorted(moves.items())],
        next_before=labels.get(_find_for(now, old), NO_BATCH),
        next_after=labels.get(_find_for(now, new), NO_BATCH),
    )


def _refuse_disorder(
    before: BatchRule, after: BatchRule, rules: Sequence[BatchRule], now: dt.datetime
) -> None:
    if after.is_closed and not before.is_closed and now <= before.cutoff_at:
        raise BatchChangeRefused("截止时间还没有到,不能关闭这个批次")
    if after.cutoff_at == before.cutoff_at:
        return
    if before.is_closed:
        raise BatchChangeRefused("批次已关闭,不能再改截止时间")
    place = next(number for number, one in enumerate(rules) if one.id == before.id)
    earlier, later = rules[:place][-1:], rules[place + 1 :][:1]
    if earlier and after.cutoff_at <= earlier[0].cutoff_at:
        raise BatchChangeRefused(f"截止时间必须晚于批次 {earlier[0].label} 的截止时间")
    if later and after.cutoff_at >= later[0].cutoff_at:
        raise BatchChangeRefused(f"截止时间必须早于批次 {later[0].label} 的截止时间")


def _assign(waiting: Sequence[Waiting], rules: Sequence[BatchRule]) -> list[uuid.UUID | None]:
    """Return the batch of each waiting photo; the rule of ``batches.find_target_batch``."""
    takers = sorted((one for one in rules if not one.is_closed), key=lambda one: one.cutoff_at)
    cutoffs = [one.cutoff_at for one in takers]
    open_ids: list[uuid.UUID | None] = [one.id for one in takers]
    after_all = [*open_ids, None]
    return [
        grace_batch
        if grace_until is not None and uploaded_at <= grace_until and grace_batch in open_ids
        else after_all[bisect.bisect_left(cutoffs, uploaded_at)]
        for uploaded_at, grace_batch, grace_until in waiting
    ]


def _find_for(moment: dt.datetime, rules: Sequence[BatchRule]) -> uuid.UUID | None:
    return _assign([(moment, None, None)], rules)[0]


def _list_waiting(session: Session, viewer: Viewer) -> list[Waiting]:
    rows = session.execute(
        select(Enrolment.uploaded_at, Enrolment.grace_batch_id, Enrolment.grace_until).where(
            Enrolment.institution_id == viewer.institution_id,
            Enrolment.collection_status.in_(WAITING),
            Enrolment.uploaded_at.is_not(None),
        )
    )
    return [(uploaded_at, batch, until) for uploaded_at, batch, until in rows if uploaded_at]


def _list_batches(session: Session, viewer: Viewer) -> Sequence[Batch]:
    return session.scalars(
        select(Batch).where(Batch.institution_id == viewer.institution_id).order_by(Batch.cutoff_at)
    ).all()


def _rule_of(batch: Batch) -> BatchRule:
    return BatchRule(
        id=batch.id,
        label=batch.label,
        cutoff_at=batch.cutoff_at,
        grace_days=batch.grace_days,
        card_visible_from=batch.card_visible_from,
        is_closed=batch.closed_at is not None,
    )


def _get_own(
    session: Session, viewer: Viewer, batch_id: uuid.UUID, *, is_locked: bool = False
) -> Batch:
    query = select(Batch).where(Batch.id == batch_id, Batch.institution_id == viewer.institution_id)
    batch = session.scalars(query.with_for_update() if is_locked else query).one_or_none()
    if batch is None:
        raise NotFound
    return batch
