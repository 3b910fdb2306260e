"""``flask check`` names what does not agree among consents, requests, handovers and fields."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import (
    Batch,
    ChsiCode,
    ConsentRecord,
    DataRequest,
    Enrolment,
    FaceEncoding,
    FaceReference,
    FaceSwitch,
    GuardianConsent,
    HandedOver,
    HandoverReceipt,
    ImpactAssessment,
    RefundRequest,
    RefundRequestState,
    RequestKind,
    RequestState,
    new_id,
)
from server.context import Context
from server.services.consent.parts import FACES, PHOTO
from server.services.upkeep.check_integrity import check_integrity
from tests.transfer.college import fill_college

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def withdraw_faces_in_secret(session: Session) -> None:
    row = session.scalars(select(ConsentRecord).where(ConsentRecord.kind == FACES)).one()
    session.add(
        ConsentRecord(
            enrolment_id=row.enrolment_id,
            kind=FACES,
            is_given=False,
            version=row.version,
            at=row.at + dt.timedelta(hours=1),
        )
    )


def keep_faces_switched_off(session: Session) -> None:
    session.execute(update(FaceSwitch).values(is_on=False))


def keep_faces_of_closed_batch(session: Session) -> None:
    owner = session.get_one(Enrolment, session.scalars(select(FaceReference.enrolment_id)).one())
    batch = session.scalars(select(Batch)).first()
    assert batch is not None
    owner.batch_id, batch.closed_at = batch.id, LONG_AGO


def lose_reference_picture(session: Session) -> None:
    session.execute(update(FaceReference).values(picture_sealed=b""))


def damage_reference_picture(session: Session) -> None:
    session.execute(update(FaceReference).values(picture_sealed=b"not what was sealed"))


def swap_face(session: Session) -> None:
    other = select(FaceReference.face_sealed).scalar_subquery()
    session.execute(update(FaceEncoding).values(sealed=other))


def withdraw_in_secret(session: Session) -> None:
    row = session.scalars(select(ConsentRecord).where(ConsentRecord.kind == PHOTO)).one()
    session.add(
        ConsentRecord(
            enrolment_id=row.enrolment_id,
            is_given=False,
            version=row.version,
            at=row.at + dt.timedelta(hours=1),
        )
    )


def agree_to_nothing(session: Session) -> None:
    row = session.scalars(select(ConsentRecord).where(ConsentRecord.kind == PHOTO)).one()
    session.add(
        ConsentRecord(enrolment_id=row.enrolment_id, kind="degree", version="1999-01", at=row.at)
    )


def swap_codes(session: Session) -> None:
    session.execute(update(ChsiCode).values(text_index=b"x" * 32))


def damage_guardian(session: Session) -> None:
    row = session.scalars(select(GuardianConsent)).one()
    row.name_encrypted = row.name_encrypted[:-1] + bytes([row.name_encrypted[-1] ^ 1])


def delete_without_certificate(session: Session) -> None:
    session.execute(
        update(DataRequest).values(
            kind=RequestKind.DELETION, state=RequestState.DONE, decided_at=LONG_AGO
        )
    )


def leave_unanswered(session: Session) -> None:
    session.execute(update(DataRequest).values(due_at=LONG_AGO))


def leave_refund_unanswered(session: Session) -> None:
    session.execute(
        update(RefundRequest).values(state=RefundRequestState.REQUESTED, due_at=LONG_AGO)
    )


def end_half(session: Session) -> None:
    first = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
    assert first is not None
    first.ended_at = LONG_AGO


def hand_over_to_nobody(session: Session) -> None:
    session.execute(update(HandedOver).values(job_id=new_id()))


def count_too_few(session: Session) -> None:
    session.execute(update(HandoverReceipt).values(count=0))


def lose_an_assessment(session: Session) -> None:
    session.execute(update(ImpactAssessment).values(version=2))


@pytest.mark.parametrize(
    ("spoil", "kinds"),
    [
        (withdraw_in_secret, {"consent_without_record"}),
        (agree_to_nothing, {"consent_to_unknown_notice"}),
        (swap_codes, {"index_differs"}),
        (damage_guardian, {"field_unreadable"}),
        (delete_without_certificate, {"certificate_not_genuine", "deleted_but_there"}),
        (leave_unanswered, {"request_not_answered"}),
        (leave_refund_unanswered, {"refund_request_not_answered"}),
        (end_half, {"key_of_ended_person", "ended_but_named", "rows_of_ended_person"}),
        (hand_over_to_nobody, {"handed_over_without_receipt"}),
        (count_too_few, {"receipt_of_fewer"}),
        (withdraw_faces_in_secret, {"face_without_consent"}),
        (keep_faces_switched_off, {"face_without_consent"}),
        (keep_faces_of_closed_batch, {"face_kept_too_long"}),
        (lose_reference_picture, {"reference_without_picture"}),
        (damage_reference_picture, {"face_unreadable"}),
        (swap_face, {"face_unreadable"}),
        (lose_an_assessment, {"assessment_missing"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_does_not_agree_is_named(
    demo: Context, spoil: Callable[[Session], None], kinds: set[str]
) -> None:
    fill_college(demo)
    assert {one.kind for one in check_integrity(demo, has_to_read_files=True)} == set()
    with demo.db.write() as session:
        spoil(session)
    assert {one.kind for one in check_integrity(demo, has_to_read_files=True)} == kinds
