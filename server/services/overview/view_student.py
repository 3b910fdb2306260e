"""One student as staff see it: everything that happened, without the whole ID number."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    AuditEntry,
    MessageAllowance,
    Order,
    OutboxMessage,
    Photo,
    Review,
    Staff,
    StatusChange,
)
from server.context import Context
from server.services.id_numbers import mask_id_number
from server.services.sealing import unseal
from server.services.student.view import EnrolmentView, build_view, list_photos
from server.services.viewer import Viewer, get_visible


@dataclass(frozen=True)
class StudentView:
    """All of one student, newest first. ``staff_names`` maps account ids to user names."""

    base: EnrolmentView
    photos: list[Photo]
    reviews: list[Review]
    orders: list[Order]
    messages: list[OutboxMessage]
    history: list[StatusChange]
    staff_names: dict[uuid.UUID, str]
    can_be_reminded: bool
    releases: list[AuditEntry]
    """Bindings that staff have ended, newest first."""
    release_reasons: dict[uuid.UUID, str]
    """Why, readable, by the id of the entry."""

    @property
    def masked_id_number(self) -> str:
        """The ID number as staff may see it: never whole."""
        return mask_id_number(self.base.id_number)


def view_student(ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID) -> StudentView:
    """Return one student of the viewer's scope; raises NotFound for every other."""
    with ctx.db.read() as session:
        enrolment = get_visible(session, viewer, enrolment_id)
        base = build_view(session, ctx, enrolment)
        reviews = session.scalars(
            select(Review).where(Review.enrolment_id == enrolment_id).order_by(Review.at.desc())
        ).all()
        releases = list(
            session.scalars(
                select(AuditEntry)
                .where(
                    AuditEntry.subject_kind == "enrolment",
                    AuditEntry.subject_id == str(enrolment_id),
                    AuditEntry.action == "enrolment.release",
                )
                .order_by(AuditEntry.at.desc())
            )
        )
        return StudentView(
            base=base,
            photos=list_photos(session, enrolment_id),
            reviews=list(reviews),
            orders=list(
                session.scalars(
                    select(Order)
                    .where(Order.enrolment_id == enrolment_id)
                    .order_by(Order.created_at.desc())
                )
            ),
            messages=list(
                session.scalars(
                    select(OutboxMessage)
                    .where(OutboxMessage.enrolment_id == enrolment_id)
                    .order_by(OutboxMessage.created_at.desc())
                )
            ),
            history=base.history[::-1],
            staff_names=_name_staff(session, base.history, list(reviews), releases),
            releases=releases,
            release_reasons={
                entry.id: unseal(session, ctx.cipher, str(entry.detail.get("reason", "")))
                for entry in releases
            },
            can_be_reminded=_has_allowance(session, enrolment.wechat_user_id),
        )


def _name_staff(
    session: Session,
    history: list[StatusChange],
    reviews: list[Review],
    releases: list[AuditEntry],
) -> dict[uuid.UUID, str]:
    ids = {review.staff_id for review in reviews}
    ids |= {entry.staff_id for entry in releases if entry.staff_id}
    ids |= {row.actor_id for row in history if row.actor_kind == "staff" and row.actor_id}
    rows = session.scalars(select(Staff).where(Staff.id.in_(ids)))
    return {row.id: row.shown_name for row in rows}


def _has_allowance(session: Session, user_id: uuid.UUID | None) -> bool:
    return (
        session.scalar(
            select(MessageAllowance.id).where(
                MessageAllowance.user_id == user_id,
                MessageAllowance.template == "deadline_near",
                MessageAllowance.remaining > 0,
            )
        )
        is not None
    )
