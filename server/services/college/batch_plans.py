"""What a change of batches would do to photos that wait: planned before it is done.

A photo that waits for review belongs to a batch by rule, not by a stored link: moving a cut-off,
an own last moment or the closing of a batch moves photos. A plan counts them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Batch, Enrolment
from server.errors import CaijiError
from server.services.collection import WAITING
from server.services.college.windows import Group, limit_cutoff
from server.services.moment import whole_second

NO_BATCH = "没有批次"
NEW_ID = uuid.UUID(int=0)
"""Stands for the id of a batch that is planned and does not exist yet."""


class BatchChangeRefused(CaijiError):
    """The change would leave batches without order; the message says why."""

    code = "batch_change_refused"
    status = 422
    message = "不能这样修改批次"


@dataclass(frozen=True)
class WindowRule:
    """An own last moment for some students: of a centre, of a 预计毕业, or both."""

    centre_id: uuid.UUID | None
    expected_term: str
    last_at: dt.datetime


@dataclass(frozen=True)
class BatchRule:
    """What decides which photos a batch takes, and what else staff may set."""

    id: uuid.UUID
    label: str
    cutoff_at: dt.datetime
    grace_days: int
    card_visible_from: dt.date
    is_closed: bool
    windows: tuple[WindowRule, ...] = ()


@dataclass(frozen=True)
class WaitingPhoto:
    """What decides the batch of a photo that waits; moments in whole seconds."""

    moment: dt.datetime
    grace_batch: uuid.UUID | None
    grace_until: dt.datetime | None
    group: Group


@dataclass(frozen=True)
class BatchPlan:
    """What a change would do: (from, to, photos), and where new photos go before and after.

    ``before`` is None where the batch is new, ``after`` where it goes.
    """

    before: BatchRule | None
    after: BatchRule | None
    moves: list[tuple[str, str, int]]
    next_before: str
    next_after: str

    @property
    def fingerprint(self) -> str:
        """Equal for plans that change the same and move the same."""
        return hashlib.sha256(repr((self.after, self.moves)).encode()).hexdigest()

    @property
    def label(self) -> str:
        """The name of the batch that changes."""
        rule = self.after or self.before
        return rule.label if rule else ""

    @property
    def moved_count(self) -> int:
        """Photos that change their batch."""
        return sum(count for _, _, count in self.moves)


def plan(
    session: Session,
    institution_id: uuid.UUID,
    before: BatchRule | None,
    after: BatchRule | None,
    now: dt.datetime,
) -> BatchPlan:
    """Return what putting ``after`` in the place of ``before`` would do; raises BatchChangeRefused.

    Without ``before`` the batch is new; without ``after`` it goes.
    """
    old = [make_rule(one) for one in read_batches(session, institution_id)]
    kept = [one for one in old if before is None or one.id != before.id]
    new = sorted([*kept, after] if after else kept, key=lambda one: one.cutoff_at)
    if after is not None:
        _refuse_disorder(before, after, new, now)
    labels: dict[uuid.UUID | None, str] = {one.id: one.label for one in [*old, *new]}
    waiting = read_waiting(session, institution_id)
    moves: Counter[tuple[str, str]] = Counter()
    for source, target in zip(assign(waiting, old), assign(waiting, new), strict=True):
        if source != target:
            moves[labels.get(source, NO_BATCH), labels.get(target, NO_BATCH)] += 1
    return BatchPlan(
        before=before,
        after=after,
        moves=[(*move, count) for move, count in sorted(moves.items())],
        next_before=labels.get(find_next(now, old), NO_BATCH),
        next_after=labels.get(find_next(now, new), NO_BATCH),
    )


def _refuse_disorder(
    before: BatchRule | None, after: BatchRule, rules: Sequence[BatchRule], now: dt.datetime
) -> None:
    was_closed = before is not None and before.is_closed
    if after.is_closed and not was_closed and whole_second(now) <= after.cutoff_at:
        raise BatchChangeRefused("截止时间还没有到，不能关闭这个批次")
    is_moved = before is None or before.cutoff_at != after.cutoff_at
    has_other_windows = before is not None and before.windows != after.windows
    if not is_moved and not has_other_windows:
        return
    if was_closed:
        raise BatchChangeRefused("批次已关闭，不能再改截止时间")
    if before is None and after.cutoff_at <= now:
        raise BatchChangeRefused("截止时间已经过去")
    _refuse_wrong_place(before, after, rules)


def _refuse_wrong_place(
    before: BatchRule | None, after: BatchRule, rules: Sequence[BatchRule]
) -> None:
    """Refuse a cut-off beyond a neighbour's, and own last moments outside their batch."""
    others = [one for one in rules if one.id != after.id]
    if before is not None:
        since = max((x.cutoff_at for x in others if x.cutoff_at < before.cutoff_at), default=None)
        until = min((x.cutoff_at for x in others if x.cutoff_at > before.cutoff_at), default=None)
        names = {one.cutoff_at: one.label for one in others}
        if since is not None and after.cutoff_at <= since:
            raise BatchChangeRefused(f"截止时间必须晚于批次 {names[since]} 的截止时间")
        if until is not None and after.cutoff_at >= until:
            raise BatchChangeRefused(f"截止时间必须早于批次 {names[until]} 的截止时间")
    if any(one.cutoff_at == after.cutoff_at or one.label == after.label for one in others):
        raise BatchChangeRefused("同一天已经有一个批次")
    for one, earlier in zip(rules[1:], rules[:-1], strict=True):
        if after.id in {one.id, earlier.id} and any(
            window.last_at <= earlier.cutoff_at for window in one.windows
        ):
            raise BatchChangeRefused(
                f"批次 {one.label} 单独的截止时间必须晚于批次 {earlier.label} 的截止时间"
            )
    if any(window.last_at > after.cutoff_at for window in after.windows):
        raise BatchChangeRefused("单独的截止时间不能晚于批次的截止时间")


def assign(waiting: Sequence[WaitingPhoto], rules: Sequence[BatchRule]) -> list[uuid.UUID | None]:
    """Return the batch of each waiting photo; the rule of ``batches.find_target_batch``."""
    takers = sorted((one for one in rules if not one.is_closed), key=lambda one: one.cutoff_at)
    open_ids = {one.id for one in takers}
    cutoffs: dict[Group, list[tuple[dt.datetime, uuid.UUID]]] = {}
    found: list[uuid.UUID | None] = []
    for photo in waiting:
        is_in_grace = photo.grace_until is not None and photo.moment <= photo.grace_until
        if is_in_grace and photo.grace_batch in open_ids:
            found.append(photo.grace_batch)
            continue
        if photo.group not in cutoffs:
            cutoffs[photo.group] = [
                (limit_cutoff(one.cutoff_at, one.windows, photo.group), one.id) for one in takers
            ]
        found.append(
            next((one for last, one in cutoffs[photo.group] if photo.moment <= last), None)
        )
    return found


def find_next(moment: dt.datetime, rules: Sequence[BatchRule]) -> uuid.UUID | None:
    """Return the batch of photos that come at ``moment`` from students without own last moments."""
    second = whole_second(moment)
    takers = sorted((one for one in rules if not one.is_closed), key=lambda one: one.cutoff_at)
    return next((one.id for one in takers if second <= one.cutoff_at), None)


def read_waiting(session: Session, institution_id: uuid.UUID) -> list[WaitingPhoto]:
    """Return every photo of the institution that waits for a reviewer."""
    rows = session.execute(
        select(
            Enrolment.uploaded_at,
            Enrolment.grace_batch_id,
            Enrolment.grace_until,
            Enrolment.centre_id,
            Enrolment.expected_term,
        ).where(
            Enrolment.institution_id == institution_id,
            Enrolment.collection_status.in_(WAITING),
            Enrolment.uploaded_at.is_not(None),
        )
    )
    return [
        WaitingPhoto(
            whole_second(moment), batch, until and whole_second(until), Group(centre, term)
        )
        for moment, batch, until, centre, term in rows
        if moment
    ]


def read_batches(session: Session, institution_id: uuid.UUID) -> Sequence[Batch]:
    """Return the institution's batches by cut-off."""
    return session.scalars(
        select(Batch).where(Batch.institution_id == institution_id).order_by(Batch.cutoff_at)
    ).all()


def make_rule(batch: Batch) -> BatchRule:
    """Return what decides about photos in a batch as it is."""
    return BatchRule(
        id=batch.id,
        label=batch.label,
        cutoff_at=batch.cutoff_at,
        grace_days=batch.grace_days,
        card_visible_from=batch.card_visible_from,
        is_closed=batch.closed_at is not None,
        windows=sort_windows(
            WindowRule(one.centre_id, one.expected_term, one.last_at) for one in batch.windows
        ),
    )


def sort_windows(windows: Iterable[WindowRule]) -> tuple[WindowRule, ...]:
    """Return windows in one order, so that equal sets are equal."""
    return tuple(
        sorted(windows, key=lambda one: (one.last_at, one.expected_term, str(one.centre_id)))
    )
