"""Batches: the next ones exist by themselves, and a photo finds its own by the cut-off rule."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Batch, Enrolment, Institution, Photo, PhotoState
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import LOCAL_ZONE, to_local
from server.services.chsi_due import is_code_due
from server.services.collection import has_passing_photo, is_free
from server.services.college.windows import find_cutoff
from server.services.moment import find_moment, find_paid_at, whole_second

MIN_APART_DAYS = 60
"""Batches nearer to each other than this are of one season."""
UPCOMING_COUNT = 3
"""How many future cut-offs always have their batch."""
CARD_MONTH_BY_CUTOFF_MONTH = {5: 6, 11: 12}
"""学籍卡 photos become visible in early June and early December (DESIGN §3)."""


def list_cutoffs(institution: Institution, after: dt.datetime, count: int) -> list[dt.datetime]:
    """Return the next ``count`` cut-off moments not before ``after``, in UTC."""
    moments: list[dt.datetime] = []
    year = to_local(after).year
    while len(moments) < count:
        for rule in sorted((institution.spring_cutoff, institution.autumn_cutoff)):
            moment = dt.datetime.strptime(f"{year}-{rule}", "%Y-%m-%d %H:%M:%S").replace(
                tzinfo=LOCAL_ZONE
            )
            if moment >= after:
                moments.append(moment.astimezone(dt.UTC))
        year += 1
    return moments[:count]


def ensure_batches(session: Session, institution: Institution, now: dt.datetime) -> None:
    """Create the batches of the next cut-offs that do not exist yet (writes, caller commits)."""
    existing = session.execute(
        select(Batch.date, Batch.cutoff_at, Batch.is_extra).where(
            Batch.institution_id == institution.id
        )
    ).all()
    for cutoff in list_cutoffs(institution, now, UPCOMING_COUNT):
        local_date = to_local(cutoff).date()
        if any(
            _stands_for(row.date, row.cutoff_at, cutoff, is_extra=row.is_extra) for row in existing
        ):
            continue
        session.add(
            Batch(
                institution_id=institution.id,
                date=local_date,
                cutoff_at=cutoff,
                grace_days=institution.grace_days,
                card_visible_from=default_card_date(local_date),
                created_at=now,
            )
        )
    session.flush()


def _stands_for(
    date: dt.date, cutoff_at: dt.datetime, season: dt.datetime, *, is_extra: bool
) -> bool:
    """Tell whether a batch makes the one of a season needless.

    One whose cut-off staff moved by some days still stands for its season; a supplementary one
    does only where it takes the very same day.
    """
    day = to_local(season).date()
    if is_extra:
        return day == date or season == cutoff_at
    return abs((day - date).days) < MIN_APART_DAYS


def default_card_date(cutoff_date: dt.date) -> dt.date:
    """Return the first day of June or December after the cut-off (or of the next month)."""
    month = CARD_MONTH_BY_CUTOFF_MONTH.get(cutoff_date.month, cutoff_date.month % 12 + 1)
    year = cutoff_date.year + (1 if month < cutoff_date.month else 0)
    return dt.date(year, month, 1)


def ensure_all_batches(ctx: Context) -> None:
    """Do ensure_batches for every institution. Owns its transaction."""
    with ctx.db.write() as session:
        for institution in session.scalars(select(Institution)).all():
            ensure_batches(session, institution, ctx.now())


class WouldLoseBatch(CaijiError):
    """Replacing or withdrawing now would move the student to a later batch: ask first."""

    code = "would_lose_batch"
    status = 409
    message = "截止时间已过，更换或撤回照片会改到下一批次，请确认后再试"


def find_batch_for(
    session: Session,
    institution_id: uuid.UUID,
    moment: dt.datetime,
    *,
    who: Enrolment | None = None,
    is_locked: bool = False,
) -> Batch | None:
    """Return the first open batch whose cut-off, in whole seconds, is not before ``moment``.

    ``who``: the student, where the own last moments count. ``is_locked`` keeps it open until the
    transaction ends: closing it waits, or has come first.
    """
    second = whole_second(moment)
    query = select(Batch).where(
        Batch.institution_id == institution_id,
        Batch.cutoff_at >= second,
        Batch.closed_at.is_(None),
    )
    if is_locked:
        query = query.with_for_update(read=True).execution_options(populate_existing=True)
    # Ordered here: a row that was changed while we waited for its lock keeps its old place.
    batches = sorted(session.scalars(query), key=lambda batch: batch.cutoff_at)
    return next((one for one in batches if who is None or find_cutoff(one, who) >= second), None)


def find_target_batch(
    session: Session, enrolment: Enrolment, now: dt.datetime, *, is_locked: bool = False
) -> Batch | None:
    """Return the batch that the enrolment's photo belongs to, or would if it came now.

    ``is_locked`` as in :func:`find_batch_for`.
    """
    if enrolment.batch_id is not None:
        return session.get(Batch, enrolment.batch_id)
    moment = _find_kept_moment(session, enrolment) or now
    return _find_batch_at(session, enrolment, moment, is_locked=is_locked)


def _find_kept_moment(session: Session, enrolment: Enrolment) -> dt.datetime | None:
    """Return the student's moment where it is past already; None: it would be now.

    A student who only lacks the 图像采集码 has it: the code moves nobody.
    """
    if _counts_from_upload(enrolment):
        return enrolment.uploaded_at
    if enrolment.photo is None or not has_passing_photo(enrolment):
        return None
    is_settled = enrolment.fee_settled_at is not None
    if is_settled and is_code_due(session, enrolment):
        return find_moment(session, enrolment, enrolment.photo)
    return None


def _find_batch_at(
    session: Session, enrolment: Enrolment, moment: dt.datetime, *, is_locked: bool = False
) -> Batch | None:
    """Return the batch of an enrolment whose moment is ``moment``: the whole rule.

    A student who was rejected near the cut-off keeps the batch until the grace period ends.
    """
    is_in_grace = enrolment.grace_until is not None and whole_second(moment) <= whole_second(
        enrolment.grace_until
    )
    if enrolment.grace_batch_id is not None and is_in_grace:
        kept = session.get(
            Batch,
            enrolment.grace_batch_id,
            with_for_update={"read": True} if is_locked else None,
            populate_existing=is_locked,
        )
        if kept is not None and kept.closed_at is None:
            return kept
    return find_batch_for(
        session, enrolment.institution_id, moment, who=enrolment, is_locked=is_locked
    )


def _counts_from_upload(enrolment: Enrolment) -> bool:
    return enrolment.collection_status.value in {"uploaded", "reuploaded", "collected"}


def list_open_batches(session: Session, institution_id: uuid.UUID) -> list[Batch]:
    """Return the open batches by cut-off, kept open until the transaction ends."""
    return list(
        session.scalars(
            select(Batch)
            .where(Batch.institution_id == institution_id, Batch.closed_at.is_(None))
            .order_by(Batch.cutoff_at)
            .with_for_update(read=True)
            .execution_options(populate_existing=True)
        )
    )


def choose_target_batch(enrolment: Enrolment, batches: Sequence[Batch]) -> Batch | None:
    """Return what :func:`find_target_batch` finds for a photo that waits, without asking anew.

    ``batches``: the open ones of its institution by cut-off.
    """
    assert enrolment.uploaded_at is not None
    moment = whole_second(enrolment.uploaded_at)
    until = enrolment.grace_until
    is_in_grace = until is not None and moment <= whole_second(until)
    for batch in batches:
        if is_in_grace and batch.id == enrolment.grace_batch_id:
            return batch
    return next((batch for batch in batches if find_cutoff(batch, enrolment) >= moment), None)


def require_kept_batch(session: Session, enrolment: Enrolment, moment: dt.datetime) -> None:
    """Refuse to let a photo of ``moment`` take the place of the present one in a later batch.

    Raises:
        WouldLoseBatch: with both batches in its data.
    """
    place = _find_place(session, enrolment)
    if place is None:
        return
    paid_at = find_paid_at(session, enrolment)
    after = _find_batch_at(session, enrolment, max(moment, paid_at) if paid_at else moment)
    if after is not None and after.cutoff_at <= place.cutoff_at:
        return
    raise WouldLoseBatch(
        data={
            "batch": place.label,
            "cutoff_at": find_cutoff(place, enrolment).isoformat(),
            "next_batch": after.label if after else None,
            "next_cutoff_at": find_cutoff(after, enrolment).isoformat() if after else None,
        }
    )


def _find_place(session: Session, enrolment: Enrolment) -> Batch | None:
    """Return the batch in which the student has a place: by a photo that waits for a reviewer.

    Where the fee is settled, a photo that is still being checked holds one, too.
    """
    kept = _find_kept_moment(session, enrolment)
    if kept is not None:
        return _find_batch_at(session, enrolment, kept)
    if enrolment.fee_settled_at is None and not is_free(session, enrolment):
        return None
    checking = session.scalars(
        select(Photo)
        .where(Photo.enrolment_id == enrolment.id, Photo.state == PhotoState.RECEIVED)
        .order_by(Photo.submitted_at)
        .limit(1)
    ).first()
    if checking is None:
        return None
    return _find_batch_at(session, enrolment, find_moment(session, enrolment, checking))
