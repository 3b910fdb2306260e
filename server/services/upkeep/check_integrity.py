"""``flask check``: do rows, files and history agree? Reads only, beside the running service."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from models import (
    CollectionStatus,
    Enrolment,
    Order,
    OrderState,
    Photo,
    ProfilePhoto,
    QuarantinedPayment,
    Refund,
    RefundState,
    StatusChange,
)
from server.context import Context
from server.gateways.photo_store import FolderPhotoStore, PhotoMissing, hash_bytes
from server.services.collection import Event, TransitionRefused, resolve_transition
from server.services.faces import check_faces as faces
from server.services.money.books.due_days import ALERT_ABOVE_DAYS, list_due_days
from server.services.photo.remove_orphans import list_orphans
from server.services.upkeep.audit_chain import find_break
from server.services.upkeep.check_fields import check_fields
from server.services.upkeep.check_rights import OVERDUE, check_rights
from server.services.upkeep.state_limits import LIMITS

ORPHAN_LIMIT = dt.timedelta(minutes=30)
"""``remove_orphans`` deletes after 15 minutes and looks every 10."""
KEEPS_MONEY = (OrderState.PAID, OrderState.REFUNDING, OrderState.PARTLY_REFUNDED)
HOLDS_THE_FEE = (OrderState.PAID, OrderState.PARTLY_REFUNDED)
RUNNING = (RefundState.REQUESTED, RefundState.PROCESSING, RefundState.ABNORMAL)
PAGE = 1000
CHANGE = (StatusChange.event, StatusChange.from_status, StatusChange.to_status)

DAY_PROBLEM = "day_not_reconciled"


@dataclass(frozen=True)
class Problem:
    """One disagreement. ``subject`` is an id, never personal data."""

    kind: str
    subject: str


TIME_LIMITS = {each.problem for each in LIMITS} | {DAY_PROBLEM} | OVERDUE | faces.OVERDUE
"""Kinds that only say that nobody has acted yet: a stopped installation collects them."""


def check_integrity(ctx: Context, *, has_to_read_files: bool = False) -> Iterator[Problem]:
    """Yield every problem; with ``has_to_read_files`` each file and encrypted field is read."""
    with ctx.db.read() as session:
        yield from _check_photos(session, ctx, has_to_read_files=has_to_read_files)
        yield from _check_files(ctx)
        yield from _check_limits(session, ctx.now())
        yield from _check_history(session)
        yield from _check_audit(session)
        yield from _check_money(session)
        yield from _check_stuck_orders(session)
        yield from _check_days(session, ctx.now())
        for kind, subject in check_rights(session, ctx.now()):
            yield Problem(kind, subject)
        for kind, subject in faces.check_faces(session, ctx, has_to_read=has_to_read_files):
            yield Problem(kind, subject)
        if has_to_read_files:
            for kind, subject in check_fields(session, ctx):
                yield Problem(kind, subject)


def _check_photos(session: Session, ctx: Context, *, has_to_read_files: bool) -> Iterator[Problem]:
    # columns and not objects: a report is large, and there may be a million of them
    photos = select(
        Photo.id, Photo.original_key, Photo.sha256, Photo.standard_key, Photo.standard_sha256
    )
    for photo in session.execute(photos.execution_options(yield_per=PAGE)):
        keys = {photo.original_key: photo.sha256, photo.standard_key: photo.standard_sha256}
        for key, sha256 in keys.items():
            if key is None:
                continue
            if not ctx.photo_store.has(key):
                yield Problem("row_without_file", str(photo.id))
            elif has_to_read_files and _read_hash(ctx, key) != sha256:
                yield Problem("file_damaged", str(photo.id))
    cuts = select(ProfilePhoto.id, ProfilePhoto.file_key, ProfilePhoto.sha256).where(
        ProfilePhoto.file_key.is_not(None)
    )
    for cut in session.execute(cuts.execution_options(yield_per=PAGE)):
        assert cut.file_key is not None, "only those are asked for"
        if not ctx.photo_store.has(cut.file_key):
            yield Problem("row_without_file", str(cut.id))
        elif has_to_read_files and _read_hash(ctx, cut.file_key) != cut.sha256:
            yield Problem("file_damaged", str(cut.id))


def _read_hash(ctx: Context, key: str) -> str:
    try:
        return hash_bytes(ctx.photo_store.get(key))
    except PhotoMissing:
        return ""


def _check_files(ctx: Context) -> Iterator[Problem]:
    """Yield files that no row knows and that the sweeper should have deleted."""
    limit = ctx.now() - ORPHAN_LIMIT
    for key in list_orphans(ctx):
        with contextlib.suppress(PhotoMissing):
            if ctx.photo_store.modified_at(key) < limit:
                yield Problem("file_without_row", key)
    if isinstance(ctx.photo_store, FolderPhotoStore):
        for path in ctx.photo_store.list_unfinished():
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < limit.timestamp():
                    yield Problem("file_unfinished", path.name)


def _check_limits(session: Session, now: dt.datetime) -> Iterator[Problem]:
    for each in LIMITS:
        for subject in session.scalars(each.select_overdue(now - each.limit)):
            yield Problem(each.problem, str(subject))


def _check_history(session: Session) -> Iterator[Problem]:
    """Each history must start at its beginning, follow the table, and end at the row's status."""
    query = (
        select(Enrolment.id, Enrolment.collection_status, *CHANGE)
        .join(StatusChange, StatusChange.enrolment_id == Enrolment.id, isouter=True)
        .order_by(Enrolment.id, StatusChange.at, StatusChange.id)
        .execution_options(yield_per=PAGE)
    )
    owner = None
    reached: CollectionStatus | None = None
    expected: CollectionStatus | None = None
    for enrolment_id, status, event, before, after in session.execute(query):
        if enrolment_id != owner:
            if owner is not None and reached != expected:
                yield Problem("history_differs_from_state", str(owner))
            owner, reached, expected = enrolment_id, None, status
        if event is None:
            continue
        if before != reached or not _is_allowed(event, before, after):
            yield Problem("history_breaks_table", str(enrolment_id))
        reached = after
    if owner is not None and reached != expected:
        yield Problem("history_differs_from_state", str(owner))


def _is_allowed(
    event: str, before: CollectionStatus | None, after: CollectionStatus | None
) -> bool:
    try:
        resolve_transition(Event(event), before, after)
    except (TransitionRefused, ValueError):
        return False
    return True


def _check_audit(session: Session) -> Iterator[Problem]:
    """Yield the first place at which the audit log is not what was sealed."""
    if (place := find_break(session)) is not None:
        yield Problem("audit_chain_broken", place)


def _check_money(session: Session) -> Iterator[Problem]:
    paid_twice = (
        select(Order.enrolment_id)
        .where(Order.state.in_(KEEPS_MONEY))
        .group_by(Order.enrolment_id)
        .having(func.count() > 1)
    )
    for enrolment_id in session.scalars(paid_twice):
        yield Problem("paid_twice", str(enrolment_id))
    paid_not_settled = (
        select(Order.id)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(Order.state.in_(HOLDS_THE_FEE), Enrolment.fee_settled_at.is_(None))
    )
    for order_id in session.scalars(paid_not_settled):
        yield Problem("paid_but_not_settled", str(order_id))
    uploaded_unpaid = select(Enrolment.id).where(
        Enrolment.collection_status.in_((CollectionStatus.UPLOADED, CollectionStatus.REUPLOADED)),
        Enrolment.fee_settled_at.is_(None),
    )
    for enrolment_id in session.scalars(uploaded_unpaid):
        yield Problem("uploaded_but_not_paid", str(enrolment_id))


def _check_stuck_orders(session: Session) -> Iterator[Problem]:
    """Yield orders that wait for something that is not there: no row could ever move them."""
    has_held = exists().where(
        QuarantinedPayment.order_id == Order.id, QuarantinedPayment.resolved_at.is_(None)
    )
    has_refund = exists().where(Refund.order_id == Order.id, Refund.state.in_(RUNNING))
    stuck = select(Order.id).where(
        ((Order.state == OrderState.QUARANTINED) & ~has_held & Order.next_query_at.is_(None))
        | ((Order.state == OrderState.REFUNDING) & ~has_refund)
    )
    for order_id in session.scalars(stuck):
        yield Problem("order_stuck", str(order_id))


def _check_days(session: Session, now: dt.datetime) -> Iterator[Problem]:
    """Yield the days without a comparison, once there are more than a few."""
    days = list_due_days(session, now)
    if len(days) > ALERT_ABOVE_DAYS:
        for day in days:
            yield Problem(DAY_PROBLEM, day.isoformat())
