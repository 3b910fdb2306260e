"""What a student sees of an enrolment: one read of everything that the API and the page show."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import (
    NO_BATCH_LABEL,
    REGISTERED,
    Batch,
    Enrolment,
    FeatureCode,
    Order,
    Photo,
    PhotoState,
    Review,
    StatusChange,
)
from server.context import Context
from server.errors import NotFound
from server.services.chsi.state import ChsiState, read_chsi_state
from server.services.collection import find_needs, resolve_next_step
from server.services.college.batches import find_target_batch
from server.services.college.windows import find_cutoff
from server.services.money.fee import is_money_held


@dataclass(frozen=True)
class EnrolmentView:
    """One enrolment with what belongs to it. ``id_number`` is whole: mask before showing."""

    enrolment: Enrolment
    code: FeatureCode | None
    id_number: str
    batch_label: str
    target_batch: Batch | None
    last_at: dt.datetime | None
    """This student's last moment for that batch."""
    next_step: str
    chsi: ChsiState
    latest_photo: Photo | None
    order: Order | None
    last_review: Review | None
    history: list[StatusChange]
    others: list[tuple[Enrolment, str]]
    """The user's other enrolments at this institution, each with its next step."""

    @property
    def is_eligible(self) -> bool:
        """Tell whether a photo may still be collected."""
        return self.enrolment.register_status == REGISTERED and self.next_step != "done"


def view_enrolment(ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID) -> EnrolmentView:
    """Return the user's own enrolment; raises NotFound for everyone else's."""
    with ctx.db.read() as session:
        enrolment = session.get(Enrolment, enrolment_id)
        if enrolment is None or enrolment.wechat_user_id != user_id:
            raise NotFound
        return build_view(session, ctx, enrolment)


def list_enrolments(ctx: Context, user_id: uuid.UUID) -> list[EnrolmentView]:
    """Return the enrolments that this user has bound."""
    with ctx.db.read() as session:
        rows = session.scalars(
            select(Enrolment).where(Enrolment.wechat_user_id == user_id).order_by(Enrolment.id)
        ).all()
        return [build_view(session, ctx, row) for row in rows]


def build_view(session: Session, ctx: Context, enrolment: Enrolment) -> EnrolmentView:
    """Return the view of one loaded enrolment."""
    code = (
        session.get(FeatureCode, enrolment.feature_code_id) if enrolment.feature_code_id else None
    )
    latest = find_latest_photo(session, enrolment.id)
    batch = enrolment.batch
    target = find_target_batch(session, enrolment, ctx.now())
    # Loaded now: the view outlives the session.
    _ = enrolment.institution.name, enrolment.centre.name, enrolment.photo
    return EnrolmentView(
        enrolment=enrolment,
        code=code,
        id_number=enrolment.decrypt_id_number(ctx.cipher),
        batch_label=batch.label if batch else NO_BATCH_LABEL,
        target_batch=target,
        last_at=find_cutoff(target, enrolment) if target else None,
        next_step=resolve_next_step(
            enrolment,
            code,
            latest,
            is_money_held=is_money_held(session, enrolment.id),
            needs=find_needs(session, enrolment, ctx.now()),
        ),
        chsi=read_chsi_state(session, enrolment, ctx.now()),
        latest_photo=latest,
        order=session.scalars(
            select(Order)
            .where(Order.enrolment_id == enrolment.id)
            .order_by(Order.created_at.desc())
            .limit(1)
        ).first(),
        last_review=session.scalars(
            select(Review)
            .where(Review.enrolment_id == enrolment.id, Review.undone_at.is_(None))
            .order_by(Review.at.desc())
            .limit(1)
        ).first(),
        history=list(
            session.scalars(
                select(StatusChange)
                .where(StatusChange.enrolment_id == enrolment.id)
                .order_by(StatusChange.at, StatusChange.id)
            )
        ),
        others=_list_others(session, enrolment, ctx.now()),
    )


def _list_others(
    session: Session, enrolment: Enrolment, now: dt.datetime
) -> list[tuple[Enrolment, str]]:
    if enrolment.wechat_user_id is None:
        return []
    rows = session.scalars(
        select(Enrolment)
        .where(
            Enrolment.wechat_user_id == enrolment.wechat_user_id,
            Enrolment.institution_id == enrolment.institution_id,
            Enrolment.id != enrolment.id,
        )
        .order_by(Enrolment.student_no.desc())
        .options(joinedload(Enrolment.photo))
    ).all()
    return [(row, _resolve_next_step(session, row, now)) for row in rows]


def _resolve_next_step(session: Session, row: Enrolment, now: dt.datetime) -> str:
    code = session.get(FeatureCode, row.feature_code_id) if row.feature_code_id else None
    latest = find_latest_photo(session, row.id)
    return resolve_next_step(row, code, latest, needs=find_needs(session, row, now))


def find_latest_photo(session: Session, enrolment_id: uuid.UUID) -> Photo | None:
    """Return the newest submission that the student has not withdrawn."""
    return session.scalars(
        select(Photo)
        .where(Photo.enrolment_id == enrolment_id, Photo.state != PhotoState.WITHDRAWN)
        .order_by(Photo.submitted_at.desc(), Photo.id.desc())
        .limit(1)
    ).first()


def get_own_photo(ctx: Context, user_id: uuid.UUID, photo_id: uuid.UUID) -> Photo:
    """Return the user's own photo; raises NotFound for everyone else's."""
    with ctx.db.read() as session:
        photo = session.get(Photo, photo_id)
        owner = session.get(Enrolment, photo.enrolment_id) if photo else None
        if photo is None or owner is None or owner.wechat_user_id != user_id:
            raise NotFound
        return photo


def list_photos(session: Session, enrolment_id: uuid.UUID) -> list[Photo]:
    """Return all submissions of an enrolment, newest first."""
    return list(
        session.scalars(
            select(Photo)
            .where(Photo.enrolment_id == enrolment_id)
            .order_by(Photo.submitted_at.desc(), Photo.id.desc())
        )
    )
