"""采集情况 outside WeChat: a student asks with 学号 and the last six of the ID number."""

from __future__ import annotations

import datetime as dt
import hmac
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from models import (
    NO_BATCH_LABEL,
    Batch,
    CollectionStatus,
    Decision,
    Enrolment,
    FeatureCode,
    Institution,
    Photo,
    Review,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.gateways.photo_store import PhotoMissing
from server.services.collection import WAITING, find_needs, resolve_next_step
from server.services.college.batches import find_target_batch
from server.services.college.contact import Contact, read_contact
from server.services.college.windows import find_cutoff
from server.services.id_numbers import mask_name, normalise_id_number
from server.services.messages.reasons import describe_reasons
from server.services.names import normalise_student_no
from server.services.student.view import find_latest_photo

TAIL_LENGTH = 6
CONTACTS_SHOWN = 3


class StatusNotFound(CaijiError):
    """Unknown number or wrong tail: one answer for both."""

    code = "status_not_found"
    status = 404
    message = "没有找到，请核对学号和证件号码后六位"


@dataclass(frozen=True)
class Step:
    """One step of the way. ``at``: when it was done."""

    name: str
    is_done: bool
    is_present: bool
    at: dt.datetime | None


@dataclass(frozen=True)
class PublicStatus:
    """What the status page shows; the name is masked."""

    enrolment: Enrolment
    masked_name: str
    institution: str
    centre: str
    contact: Contact
    """Whom to ask at the institution."""
    centre_contact: str
    batch_label: str
    target_batch: Batch | None
    last_at: dt.datetime | None
    """The student's last moment for that batch."""
    reasons: str
    """Why the last photo was sent back, in words; empty where none was."""
    is_correction: bool
    """An administrator unlocked a collected photo: nobody rejected anything."""
    next_step: str
    steps: list[Step]
    card_photo: Photo | None
    """The collected photo, once the 学籍卡 date of its batch has come."""


def find_public_status(ctx: Context, *, student_no: str, id_tail: str) -> PublicStatus:
    """Return the status of the student that both facts name; raises StatusNotFound.

    Several colleges may use the same 学号: the tail decides. All candidates are compared, so the
    time does not tell how many there are.
    """
    tail = normalise_id_number(id_tail)
    wanted = normalise_student_no(student_no)
    with ctx.db.read() as session:
        rows = session.scalars(
            select(Enrolment)
            .where(Enrolment.student_no.in_({wanted, wanted.upper(), wanted.lower()}))
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
        code = session.get(FeatureCode, row.feature_code_id) if row.feature_code_id else None
        review = session.scalars(
            select(Review)
            .where(Review.enrolment_id == row.id, Review.undone_at.is_(None))
            .order_by(Review.at.desc())
            .limit(1)
        ).first()
        target = find_target_batch(session, row, ctx.now())
        return PublicStatus(
            enrolment=row,
            masked_name=mask_name(row.name),
            institution=row.institution.name,
            centre=row.centre.name,
            contact=read_contact(row.institution),
            centre_contact=row.centre.contact,
            batch_label=row.batch.label if row.batch else NO_BATCH_LABEL,
            target_batch=target,
            last_at=find_cutoff(target, row) if target else None,
            reasons=describe_reasons(review.reason_codes, review.note) if review else "",
            is_correction=review is not None and review.decision is Decision.CORRECT,
            next_step=resolve_next_step(
                row,
                code,
                find_latest_photo(session, row.id),
                needs=find_needs(session, row, ctx.now()),
            ),
            steps=list_steps(row, fee_fen=code.fee_fen if code else 0),
            card_photo=_find_card_photo(ctx, row),
        )


def list_contacts(ctx: Context) -> list[Contact]:
    """Return whom a visitor may ask of whom nothing is known yet: every institution's contact."""
    with ctx.db.read() as session:
        rows = session.scalars(select(Institution).order_by(Institution.name).limit(CONTACTS_SHOWN))
        return [read_contact(row) for row in rows]


def list_steps(row: Enrolment, *, fee_fen: int) -> list[Step]:
    """Return the way of an enrolment: what is done with its day, and where it is now."""
    status = row.collection_status
    is_back = status is CollectionStatus.REUPLOAD_REQUIRED
    is_collected = status is CollectionStatus.COLLECTED
    is_waiting = status in WAITING
    has_photo = is_waiting or is_collected or row.photo_id is not None
    ways = [("上传照片", has_photo and not is_back, row.uploaded_at)]
    if fee_fen or row.fee_settled_at:
        ways.append(("缴费", row.fee_settled_at is not None, row.fee_settled_at))
    ways += [
        ("审核", is_collected, row.collected_at),
        ("已采集（锁定）", is_collected, row.collected_at),
    ]
    present = next((place for place, (_, is_done, _) in enumerate(ways) if not is_done), None)
    return [
        Step(name, is_done=is_done, is_present=place == present, at=at if is_done else None)
        for place, (name, is_done, at) in enumerate(ways)
    ]


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
