"""采集情况 outside WeChat: a student asks with 学号 and the last six of the ID number."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import NO_BATCH_LABEL, Batch, CollectionStatus, Enrolment, Photo, Review
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.gateways.photo_store import PhotoMissing
from server.services.batches import find_target_batch
from server.services.id_numbers import mask_name, normalise_id_number
from server.services.rejection_reasons import describe_reasons

TAIL_LENGTH = 6


class StatusNotFound(CaijiError):
    """Unknown number or wrong tail: one answer for both."""

    code = "status_not_found"
    status = 404
    message = "没有找到:请核对学号和证件号码后六位"


@dataclass(frozen=True)
class PublicStatus:
    """What the status page shows; the name is masked."""

    enrolment: Enrolment
    masked_name: str
    institution: str
    centre: str
    contact: str
    batch_label: str
    target_batch: Batch | None
    reasons: str
    """Why the last photo was sent back, in words; empty where none was."""
    card_photo: Photo | None
    """The collected photo, once the 学籍卡 date of its batch has come."""


def find_public_status(ctx: Context, *, student_no: str, id_tail: str) -> PublicStatus:
    """Return the status of the student that both facts name; raises StatusNotFound.

    Several colleges may use the same 学号: the tail decides. All candidates are compared, so the
    time does not tell how many there are.
    """
    tail = normalise_id_number(id_tail)
    with ctx.db.read() as session:
        rows = session.scalars(
            select(Enrolment)
            .where(Enrolment.student_no == student_no.strip())
            .options(
                joinedload(Enrolment.institution),
                joinedload(Enrolment.centre),
                joinedload(Enrolment.batch),
                joinedload(Enrolment.photo),
            )
        ).all()
        matching = [row for row in rows if _has_tail(ctx, row, tail)]
        if len(matching) != 1:
            raise StatusNotFound
        row = matching[0]
        review = session.scalars(
            select(Review)
            .where(Review.enrolment_id == row.id, Review.undone_at.is_(None))
            .order_by(Review.at.desc())
            .limit(1)
        ).first()
        return PublicStatus(
            enrolment=row,
            masked_name=mask_name(row.name),
            institution=row.institution.name,
            centre=row.centre.name,
            contact=row.centre.contact,
            batch_label=row.batch.label if row.batch else NO_BATCH_LABEL,
            target_batch=find_target_batch(session, row, ctx.now()),
            reasons=describe_reasons(review.reason_codes, review.note) if review else "",
            card_photo=_find_card_photo(ctx, row),
        )


def _has_tail(ctx: Context, row: Enrolment, tail: str) -> bool:
    id_number = row.decrypt_id_number(ctx.cipher)
    return len(tail) == TAIL_LENGTH and hmac.compare_digest(
        id_number[-TAIL_LENGTH:].encode(), tail.encode()
    )


def _find_card_photo(ctx: Context, row: Enrolment) -> Photo | None:
    is_due = (
        row.collection_status is CollectionStatus.COLLECTED
        and row.batch is not None
        and to_local(ctx.now()).date() >= row.batch.card_visible_from
    )
    return row.photo if is_due else None


def read_card_photo(ctx: Context, *, student_no: str, id_tail: str) -> bytes:
    """Return the standard photo for the 学籍卡; raises StatusNotFound or NotFound."""
    status = find_public_status(ctx, student_no=student_no, id_tail=id_tail)
    if status.card_photo is None or status.card_photo.standard_key is None:
        raise NotFound("学籍卡照片尚未公布")
    try:
        return ctx.photo_store.get(status.card_photo.standard_key)
    except PhotoMissing as error:
        raise NotFound from error
