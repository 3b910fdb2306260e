"""A granted request is carried out, and ends with a certificate: digests, never content.

Deletion ends the person in rows and files, as the periods would one day. What the law keeps is
named in the certificate, with the time until which it is kept.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import (
    AuditEntry,
    CollectionStatus,
    DataRequest,
    Enrolment,
    Institution,
    Order,
    Photo,
    RequestKind,
    RequestState,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.clock import to_local
from server.services.collection import lock_enrolment
from server.services.compliance.certificate import digest, sum_up
from server.services.compliance.kept_by_law import OF_A_PERSON
from server.services.consent.decide import Decider, withdraw_everything
from server.services.exports.discard import discard_archives
from server.services.photo.end_photos import delete_files, end_photos
from server.services.prints.jobs import discard_prints
from server.services.rights.forget_in_jobs import forget_in_jobs
from server.services.rights.requests import lock_request, note_request
from server.services.upkeep.end_people import end_persons, has_unsettled_money, tidy_database
from server.services.viewer import Viewer


class MoneyUnsettled(CaijiError):
    """An order is open, held or being refunded: it needs its person."""

    code = "money_unsettled"
    status = 409
    message = "还有没结清的订单或退款，结清后才能删除"


def carry_out_deletion(ctx: Context, viewer: Viewer, request_id: uuid.UUID) -> None:
    """Do a deletion that was granted: nothing names the person any more. Owns its transaction.

    Granted before, so that the person is told while there is still somebody to tell.

    Raises:
        NotFound, MoneyUnsettled.
    """
    with ctx.db.write() as session:
        row = lock_request(session, viewer, request_id)
        enrolment = lock_enrolment(session, row.enrolment_id)
        is_granted = row.kind is RequestKind.DELETION and row.state is RequestState.GRANTED
        if enrolment is None or not is_granted:
            raise NotFound
        if _has_unsettled_money(session, enrolment.id):
            raise MoneyUnsettled
        row.state = RequestState.DONE
        row.done_at = ctx.now()
        row.certificate = _certify(session, ctx, row, enrolment)
        note_request(session, ctx, viewer, row)
        by_staff = Decider("staff", staff_id=viewer.staff_id)
        withdraw_everything(session, enrolment, ctx.now(), by_staff)
        keys = []
        if enrolment.collection_status is not CollectionStatus.COLLECTED:
            keys = end_photos(
                session,
                enrolment,
                actor_id=None,
                at=ctx.now(),
                reason="deletion request",
                shown_reason="本人申请删除",
            )
        session.flush()
        forget_in_jobs(session, enrolment)
        person = enrolment.id
        batch = (enrolment.institution_id, enrolment.batch_id)
        keys += end_persons(ctx, session, [enrolment], reason="deletion request")
    delete_files(ctx, keys)
    discard_archives(ctx, *batch)
    discard_prints(ctx, person)
    tidy_database(ctx)


def finish_correction(ctx: Context, viewer: Viewer, request_id: uuid.UUID) -> None:
    """Note that a granted correction stands in the roster now. Owns its transaction.

    Raises:
        NotFound.
    """
    with ctx.db.write() as session:
        row = lock_request(session, viewer, request_id)
        if row.kind is not RequestKind.CORRECTION or row.state is not RequestState.GRANTED:
            raise NotFound
        row.state = RequestState.DONE
        row.done_at = ctx.now()
        row.certificate = _head(session, row)
        note_request(session, ctx, viewer, row)


def _head(session: Session, row: DataRequest) -> dict[str, Any]:
    institution = session.get_one(Institution, row.institution_id)
    return {
        "number": str(row.id),
        "institution": institution.name,
        "kind": row.kind.value,
        "asked_at": row.asked_at.isoformat(),
        "done_at": row.done_at.isoformat() if row.done_at else "",
    }


def _certify(
    session: Session, ctx: Context, row: DataRequest, enrolment: Enrolment
) -> dict[str, Any]:
    """Return the certificate: what went, each by a digest that tells nothing, and what stays."""
    photos = session.scalars(select(Photo).where(Photo.enrolment_id == enrolment.id)).all()
    items = [digest("enrolment", str(enrolment.id))]
    for photo in photos:
        items.append(digest("photo", str(photo.id)))
        hashes = (photo.sha256, photo.standard_sha256)
        items += [f"file {each}" for each in hashes if each]
    head = _head(session, row)
    return {
        **head,
        "deleted": {"photos": len(photos), "identity": 1},
        "digests": items,
        "sha256": sum_up(items),
        "kept": _list_kept(session, enrolment.id, to_local(ctx.now()).date()),
    }


def _list_kept(session: Session, enrolment_id: uuid.UUID, today: dt.date) -> list[dict[str, str]]:
    """Return what the law keeps of a person, why, and until when."""
    has_orders = session.scalar(
        select(func.count()).select_from(Order).where(Order.enrolment_id == enrolment_id)
    )
    has_audit = session.scalar(
        select(func.count())
        .select_from(AuditEntry)
        .where(AuditEntry.subject_kind == "enrolment", AuditEntry.subject_id == str(enrolment_id))
    )
    there = {"payments": bool(has_orders), "audit": bool(has_audit), "consents": True}
    return [
        {"what": kept.what, "why": kept.why, "until": kept.until(today).isoformat()}
        for name, kept in OF_A_PERSON.items()
        if there[name]
    ]


def _has_unsettled_money(session: Session, enrolment_id: uuid.UUID) -> bool:
    query = select(Enrolment.id).where(Enrolment.id == enrolment_id, has_unsettled_money())
    return session.scalar(query) is not None
