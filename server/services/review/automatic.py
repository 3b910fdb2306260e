"""自动通过: clean passes are approved without a person, a share of them is drawn for people.

Off unless an institution turns it on. A clean pass is a photo in which the check found nothing,
whose wall was not mended, which nobody else sent and nobody sent back or doubted before. It waits
an hour first: until then its student may replace it. What people reject of the drawn ones tells
how often the machine would have been wrong.
"""

from __future__ import annotations

import datetime as dt
import math
import secrets
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, aliased

from models import (
    REGISTERED,
    AuditEntry,
    AutomaticApproval,
    CollectionStatus,
    Decision,
    DrawnPhoto,
    Enrolment,
    FeatureCode,
    Photo,
    PhotoState,
    Review,
    Verdict,
)
from server.context import Context
from server.errors import CaijiError
from server.services.audit import record_audit
from server.services.collection import SYSTEM, lock_enrolment
from server.services.faces.hints import has_hint
from server.services.messages.tell_student import tell_collected
from server.services.review.decide import NoOpenBatch, lock_into_batch
from server.services.review.sheet_doubts import is_source_trusted
from server.services.review.twins import has_twins
from server.services.viewer import Viewer

log = structlog.get_logger()

WAIT = dt.timedelta(hours=1)
"""After the student's moment: time to replace the photo, as before a reviewer opens one."""
DRAW_PERCENT = (5, 100)
"""Below the first figure, nobody could tell how often the machine is wrong."""
DEFAULT_DRAW_PERCENT = 10
SWEEP_SIZE = 200
FIGURES_SPAN = dt.timedelta(days=365)
CONFIDENCE = 0.95


class DrawUnusable(CaijiError):
    """A share that is no whole number within the limits."""

    code = "draw_unusable"
    status = 422
    message = f"抽查比例请填 {DRAW_PERCENT[0]} 到 {DRAW_PERCENT[1]} 的整数"


@dataclass(frozen=True)
class AutomaticFigures:
    """How automatic approval does, over the last year."""

    is_on: bool
    draw_percent: int
    approved: int
    corrected: int
    """Approved automatically and taken back later by a correction."""
    drawn: int
    judged: int
    rejected: int

    @property
    def share(self) -> float:
        """The share of the drawn and judged ones that people rejected."""
        return self.rejected / self.judged if self.judged else 0.0

    @property
    def bound(self) -> float:
        """The one-sided 95 % bound of that share (Clopper and Pearson); 1 without any."""
        return bound_share(self.rejected, self.judged)


def read_automatic(ctx: Context, viewer: Viewer) -> AutomaticFigures:
    """Return the setting of the viewer's institution and its figures."""
    with ctx.db.read() as session:
        return _read_figures(session, viewer.institution_id, ctx.now())


def _read_figures(
    session: Session, institution_id: uuid.UUID, now: dt.datetime
) -> AutomaticFigures:
    """Return setting and figures of an institution."""
    row = session.get(AutomaticApproval, institution_id)
    since = now - FIGURES_SPAN
    drawn = select(DrawnPhoto.photo_id).where(
        DrawnPhoto.institution_id == institution_id, DrawnPhoto.at >= since
    )
    of_people = drawn.where(DrawnPhoto.is_for_people)

    def count(photos: Select[uuid.UUID], *conditions: ColumnElement[bool]) -> int:
        query = select(func.count(Review.photo_id.distinct())).where(
            Review.photo_id.in_(photos), Review.undone_at.is_(None), *conditions
        )
        return session.scalar(query) or 0

    later = aliased(Review)
    corrected = select(later.photo_id).where(later.decision == Decision.CORRECT)
    judged = Review.decision.in_((Decision.APPROVE, Decision.REJECT))
    return AutomaticFigures(
        is_on=bool(row and row.is_on),
        draw_percent=row.draw_percent if row else DEFAULT_DRAW_PERCENT,
        approved=count(drawn, Review.is_automatic.is_(True)),
        corrected=count(drawn, Review.is_automatic.is_(True), Review.photo_id.in_(corrected)),
        drawn=session.scalar(select(func.count()).select_from(of_people.subquery())) or 0,
        judged=count(of_people, judged),
        rejected=count(of_people, Review.decision == Decision.REJECT),
    )


def set_automatic(ctx: Context, viewer: Viewer, *, is_on: bool, draw_percent: int) -> None:
    """Turn it on or off and set the share that people look at. Owns its transaction.

    Raises:
        DrawUnusable.
    """
    least, most = DRAW_PERCENT
    if not least <= draw_percent <= most:
        raise DrawUnusable
    with ctx.db.write() as session:
        row = session.get(AutomaticApproval, viewer.institution_id)
        if row is None:
            row = AutomaticApproval(institution_id=viewer.institution_id)
            session.add(row)
        row.is_on, row.draw_percent = is_on, draw_percent
        row.changed_by, row.changed_at = viewer.staff_id, ctx.now()
        record_audit(
            session,
            viewer,
            "review.automatic_on" if is_on else "review.automatic_off",
            at=ctx.now(),
            subject_kind="institution",
            subject_id=viewer.institution_id,
            draw_percent=draw_percent,
        )


def approve_clean_passes(ctx: Context) -> int:
    """Draw for every clean pass that waits and approve those not drawn; returns how many.

    Owns its transactions, one a photo.
    """
    with ctx.db.read() as session:
        switched_on = session.scalars(
            select(AutomaticApproval).where(AutomaticApproval.is_on)
        ).all()
    return sum(_approve_of(ctx, row) for row in switched_on)


def _approve_of(ctx: Context, setting: AutomaticApproval) -> int:
    now = ctx.now()
    with ctx.db.read() as session:
        waiting = session.execute(
            select(Enrolment.id, Photo.id)
            .join(Photo, Photo.id == Enrolment.photo_id)
            .where(
                Enrolment.institution_id == setting.institution_id,
                Enrolment.collection_status == CollectionStatus.UPLOADED,
                Enrolment.register_status == REGISTERED,
                Enrolment.uploaded_at <= now - WAIT,
                Photo.state == PhotoState.CHECKED,
                Photo.verdict == Verdict.PASS,
                Photo.opened_at.is_(None),
                Photo.doubted_at.is_(None),
                Photo.id.not_in(select(DrawnPhoto.photo_id)),
            )
            .order_by(Enrolment.uploaded_at, Photo.id)
            .limit(SWEEP_SIZE)
        ).all()
    approved = 0
    for enrolment_id, photo_id in waiting:
        try:
            approved += _draw(ctx, setting, enrolment_id, photo_id)
        except NoOpenBatch:
            log.warning("automatic_approval_without_batch", photo_id=str(photo_id))
    return approved


def _draw(
    ctx: Context, setting: AutomaticApproval, enrolment_id: uuid.UUID, photo_id: uuid.UUID
) -> bool:
    """Draw for one photo and approve it where it is not drawn; tells whether it was."""
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        photo = session.get(Photo, photo_id, populate_existing=True)
        if enrolment is None or photo is None or not _is_clean(session, enrolment, photo, now):
            return False
        is_drawn = secrets.randbelow(100) < setting.draw_percent
        session.add(
            DrawnPhoto(
                photo_id=photo.id,
                institution_id=enrolment.institution_id,
                is_for_people=is_drawn,
                at=now,
            )
        )
        if is_drawn:
            return False
        batch = lock_into_batch(session, enrolment, photo, SYSTEM, now)
        review = Review(
            photo_id=photo.id,
            enrolment_id=enrolment.id,
            staff_id=setting.changed_by,
            is_automatic=True,
            decision=Decision.APPROVE,
            reason_codes=[],
            at=now,
        )
        session.add(review)
        session.flush()
        tell_collected(session, enrolment, review, batch)
        session.add(
            AuditEntry(
                institution_id=enrolment.institution_id,
                at=now,
                action="photo.approve_automatically",
                subject_kind="photo",
                subject_id=str(photo.id),
                detail={},
            )
        )
    return True


def _is_clean(session: Session, enrolment: Enrolment, photo: Photo, now: dt.datetime) -> bool:
    """Tell whether nothing about a locked enrolment's photo asks for a person."""
    report = photo.report or {}
    is_held = photo.leased_until is not None and photo.leased_until > now
    return (
        enrolment.photo_id == photo.id
        and enrolment.collection_status is CollectionStatus.UPLOADED
        and photo.state is PhotoState.CHECKED
        and photo.verdict is Verdict.PASS
        and photo.opened_at is None
        and photo.doubted_at is None
        and not is_held
        and not report.get("findings")
        and not any(change.get("code") == "wall" for change in report.get("changes", []))
        and _is_source_allowed(session, enrolment, photo)
        and not has_twins(session, photo, enrolment)
        and not has_hint(session, photo.id)
    )


def _is_source_allowed(session: Session, enrolment: Enrolment, photo: Photo) -> bool:
    code = session.get(FeatureCode, enrolment.feature_code_id or uuid.UUID(int=0))
    return is_source_trusted(code, photo)


def bound_share(hits: int, tries: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of a share (Clopper and Pearson); 1.0 without a try."""
    if hits >= tries:
        return 1.0

    def chance_of_so_few(share: float) -> float:
        logs = (
            math.lgamma(tries + 1) - math.lgamma(k + 1) - math.lgamma(tries - k + 1)
            + k * math.log(share) + (tries - k) * math.log1p(-share)
            for k in range(hits + 1)
        )  # fmt: skip
        return sum(math.exp(each) for each in logs)

    low, high = hits / tries, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if chance_of_so_few(middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high
