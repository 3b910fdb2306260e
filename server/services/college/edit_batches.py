"""Batches as an administrator keeps them. What a change would do to waiting photos is shown first.

``plan_…`` count what would move (``batch_plans``), ``change_batch`` does what was shown.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import Batch, BatchWindow, Enrolment, LearningCentre
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.collection import lock_enrolments
from server.services.college.batch_plans import (
    NEW_ID,
    BatchChangeRefused,
    BatchPlan,
    BatchRule,
    WindowRule,
    assign,
    find_next,
    make_rule,
    plan,
    read_batches,
    read_waiting,
    sort_windows,
)
from server.services.college.windows import describe_window, name_centres
from server.services.viewer import Viewer

MAX_GRACE_DAYS = 30
MAX_WINDOWS = 40


class BatchMoved(CaijiError):
    """Photos came or went since the change was shown."""

    code = "batch_moved"
    status = 409
    message = "看过影响之后情况又有变化，请重新确认"


@dataclass(frozen=True)
class BatchRow:
    """One line of the list."""

    batch: Batch
    waiting: int
    collected: int
    is_next: bool
    """New photos go here."""


@dataclass(frozen=True)
class WindowChoices:
    """For whom an own last moment can be: learning centres and 预计毕业 of the roster."""

    centres: list[tuple[uuid.UUID, str]]
    terms: list[str]


def list_batches(ctx: Context, viewer: Viewer) -> list[BatchRow]:
    """Return the institution's batches, the latest cut-off first."""
    with ctx.db.read() as session:
        batches = read_batches(session, viewer.institution_id)
        rules = [make_rule(one) for one in batches]
        waiting = assign(read_waiting(session, viewer.institution_id), rules)
        collected = session.execute(
            select(Enrolment.batch_id, func.count())
            .where(
                Enrolment.institution_id == viewer.institution_id, Enrolment.batch_id.is_not(None)
            )
            .group_by(Enrolment.batch_id)
        )
        by_batch = {row[0]: row[1] for row in collected}
    counts = Counter(waiting)
    following = find_next(ctx.now(), rules)
    return [
        BatchRow(one, counts[one.id], by_batch.get(one.id, 0), one.id == following)
        for one in reversed(batches)
    ]


def get_batch(ctx: Context, viewer: Viewer, batch_id: uuid.UUID) -> Batch:
    """Return a batch of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        return _get_own(session, viewer, batch_id)


def list_window_choices(ctx: Context, viewer: Viewer) -> WindowChoices:
    """Return for whom own last moments can be set."""
    with ctx.db.read() as session:
        centres = session.execute(
            select(LearningCentre.id, LearningCentre.name)
            .where(LearningCentre.institution_id == viewer.institution_id)
            .order_by(LearningCentre.name)
        )
        terms = session.scalars(
            select(Enrolment.expected_term)
            .where(Enrolment.institution_id == viewer.institution_id, Enrolment.expected_term != "")
            .distinct()
        )
        return WindowChoices([(row.id, row.name) for row in centres], sorted(terms))


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
    return _plan_values(
        ctx,
        viewer,
        batch_id,
        cutoff_at=cutoff_at,
        grace_days=grace_days,
        card_visible_from=card_visible_from,
    )


def plan_closing(ctx: Context, viewer: Viewer, batch_id: uuid.UUID) -> BatchPlan:
    """Return what closing a batch would do; raises NotFound, BatchChangeRefused."""
    return _plan_values(ctx, viewer, batch_id, is_closed=True)


def plan_reopening(ctx: Context, viewer: Viewer, batch_id: uuid.UUID) -> BatchPlan:
    """Return what opening a closed batch again would do; raises NotFound."""
    return _plan_values(ctx, viewer, batch_id, is_closed=False)


def plan_windows(
    ctx: Context,
    viewer: Viewer,
    batch_id: uuid.UUID,
    *,
    added: WindowRule | None = None,
    removed: WindowRule | None = None,
) -> BatchPlan:
    """Return what an own last moment more or less would do; one for the same students replaces.

    Raises:
        NotFound, BatchChangeRefused.
    """
    with ctx.db.read() as session:
        before = make_rule(_get_own(session, viewer, batch_id))
        windows = [one for one in before.windows if one != removed]
        if added is not None:
            _require_window(session, viewer, added)
            who = (added.centre_id, added.expected_term)
            windows = [one for one in windows if (one.centre_id, one.expected_term) != who]
            windows.append(added)
        if len(windows) > MAX_WINDOWS:
            raise BatchChangeRefused(f"一个批次最多 {MAX_WINDOWS} 个单独的截止时间")
        after = dataclasses.replace(before, windows=sort_windows(windows))
        return plan(session, viewer.institution_id, before, after, ctx.now())


def plan_extra(
    ctx: Context,
    viewer: Viewer,
    *,
    cutoff_at: dt.datetime,
    grace_days: int,
    card_visible_from: dt.date,
) -> BatchPlan:
    """Return what a supplementary batch would do; raises BatchChangeRefused."""
    after = BatchRule(
        id=NEW_ID,
        label=to_local(cutoff_at).date().isoformat(),
        cutoff_at=cutoff_at,
        grace_days=grace_days,
        card_visible_from=card_visible_from,
        is_closed=False,
    )
    with ctx.db.read() as session:
        return plan(session, viewer.institution_id, None, after, ctx.now())


def plan_removal(ctx: Context, viewer: Viewer, batch_id: uuid.UUID) -> BatchPlan:
    """Return what taking a supplementary batch away would do.

    Raises:
        NotFound, BatchChangeRefused: it is not supplementary, or photos were taken into it.
    """
    with ctx.db.read() as session:
        batch = _get_own(session, viewer, batch_id)
        _require_removable(session, batch)
        return plan(session, viewer.institution_id, make_rule(batch), None, ctx.now())


def _plan_values(ctx: Context, viewer: Viewer, batch_id: uuid.UUID, **values: object) -> BatchPlan:
    with ctx.db.read() as session:
        before = make_rule(_get_own(session, viewer, batch_id))
        after = dataclasses.replace(before, **values)  # type: ignore[arg-type]
        return plan(session, viewer.institution_id, before, after, ctx.now())


def change_batch(ctx: Context, viewer: Viewer, shown: BatchPlan, fingerprint: str) -> None:
    """Carry out a plan, if it is the one with this fingerprint and still true.

    Raises:
        NotFound, BatchChangeRefused, BatchMoved.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        old, batch = None, None
        if shown.before is not None:
            batch = _get_own(session, viewer, shown.before.id, is_locked=True)
            old = make_rule(batch)
        current = plan(session, viewer.institution_id, old, shown.after, now)
        if current.fingerprint != fingerprint:
            raise BatchMoved
        if shown.after is None:
            assert batch is not None
            action = "batch.remove"
            _remove(session, batch)
        elif batch is None:
            action, batch = "batch.add", _add(session, viewer, shown.after, now)
        else:
            action = _apply(batch, shown.after, now)
        record_audit(
            session,
            viewer,
            action,
            at=now,
            subject_kind="batch",
            subject_id=batch.id,
            batch=batch.label,
            **_describe_change(session, old, shown.after),
            moved=current.moved_count,
        )


def _apply(batch: Batch, after: BatchRule, now: dt.datetime) -> str:
    """Give a batch these values; returns the act's name."""
    was_closed = batch.closed_at is not None
    batch.cutoff_at = after.cutoff_at
    batch.grace_days = after.grace_days
    batch.card_visible_from = after.card_visible_from
    if make_rule(batch).windows != after.windows:
        batch.windows = [
            BatchWindow(
                centre_id=one.centre_id,
                expected_term=one.expected_term,
                last_at=one.last_at,
                created_at=now,
            )
            for one in after.windows
        ]
    if after.is_closed and not was_closed:
        batch.closed_at = now
        return "batch.close"
    if was_closed and not after.is_closed:
        batch.closed_at = None
        return "batch.reopen"
    return "batch.change"


def _add(session: Session, viewer: Viewer, rule: BatchRule, now: dt.datetime) -> Batch:
    batch = Batch(
        institution_id=viewer.institution_id,
        date=dt.date.fromisoformat(rule.label),
        cutoff_at=rule.cutoff_at,
        grace_days=rule.grace_days,
        card_visible_from=rule.card_visible_from,
        is_extra=True,
        created_at=now,
    )
    session.add(batch)
    try:
        session.flush()
    except IntegrityError as error:
        raise BatchMoved from error
    return batch


def _remove(session: Session, batch: Batch) -> None:
    """Delete a supplementary batch; who still had days of grace in it has them no longer."""
    _require_removable(session, batch)
    lock_enrolments(session, Enrolment.grace_batch_id == batch.id)
    session.execute(
        update(Enrolment)
        .where(Enrolment.grace_batch_id == batch.id)
        .values(grace_batch_id=None, grace_until=None)
    )
    session.delete(batch)


def _require_removable(session: Session, batch: Batch) -> None:
    if not batch.is_extra:
        raise BatchChangeRefused("春秋两季的批次不能删除，只有补充批次可以")
    taken = session.scalar(select(Enrolment.id).where(Enrolment.batch_id == batch.id).limit(1))
    if taken is not None:
        raise BatchChangeRefused("这个批次已经有采集的照片，不能删除")


def _require_window(session: Session, viewer: Viewer, window: WindowRule) -> None:
    if window.centre_id is None and not window.expected_term:
        raise BatchChangeRefused("请选择学习中心或预计毕业，至少一项")
    if window.centre_id is None:
        return
    centre = session.get(LearningCentre, window.centre_id)
    if centre is None or centre.institution_id != viewer.institution_id:
        raise BatchChangeRefused("没有这个学习中心")


def _describe_change(
    session: Session, before: BatchRule | None, after: BatchRule | None
) -> dict[str, dict[str, object]]:
    old, new = (_describe_rule(session, rule) for rule in (before, after))
    names = dict.fromkeys([*old, *new])
    return {
        name: {"old": old.get(name, ""), "new": new.get(name, "")}
        for name in names
        if old.get(name) != new.get(name)
    }


def _describe_rule(session: Session, rule: BatchRule | None) -> dict[str, object]:
    if rule is None:
        return {}
    names = name_centres(session, rule.windows)
    return {
        "cutoff_at": rule.cutoff_at.isoformat(timespec="minutes"),
        "grace_days": rule.grace_days,
        "card_visible_from": rule.card_visible_from.isoformat(),
        "own_last_moments": "；".join(
            f"{describe_window(one, names)} {to_local(one.last_at):%Y-%m-%d %H:%M}"
            for one in rule.windows
        ),
    }


def _get_own(
    session: Session, viewer: Viewer, batch_id: uuid.UUID, *, is_locked: bool = False
) -> Batch:
    query = select(Batch).where(Batch.id == batch_id, Batch.institution_id == viewer.institution_id)
    batch = session.scalars(query.with_for_update() if is_locked else query).one_or_none()
    if batch is None:
        raise NotFound
    return batch
