"""``flask check``: do consents, requests, certificates, handovers and keys of persons agree?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from models import (
    Base,
    ChsiCode,
    ConsentRecord,
    ConsentText,
    DataRequest,
    Enrolment,
    FaceSwitch,
    GuardianConsent,
    HandedOver,
    HandoverReceipt,
    ImpactAssessment,
    PersonKey,
    RefundRequest,
    RefundRequestState,
    RequestKind,
    RequestState,
)
from server.services.chsi_due import is_confirmed_column
from server.services.compliance.certificate import is_genuine
from server.services.compliance.period import CODE_KEPT, AtEnd
from server.services.compliance.periods import list_tables
from server.services.consent.parts import PHOTO

LATE = dt.timedelta(days=1)
"""After the day on which something was due: a stopped worker does not make it wrong at once."""

OVERDUE = {"request_not_answered", "refund_request_not_answered", "code_kept_too_long"}
"""Kinds that only say that nobody has acted yet."""


def check_rights(session: Session, now: dt.datetime) -> Iterator[tuple[str, str]]:
    """Yield kind and subject of every disagreement."""
    for kind, select_wrong in RULES.items():
        for subject in session.scalars(select_wrong(now)):
            yield kind, str(subject)
    yield from _check_certificates(session)
    yield from _check_assessments(session)
    yield from _check_ended(session)


def _consent_without_record(_: dt.datetime) -> Select[object]:
    """The enrolment says that its photo may be taken; the newest record does not."""
    later = aliased(ConsentRecord)
    is_newest = ~exists().where(
        later.enrolment_id == ConsentRecord.enrolment_id,
        later.kind == PHOTO,
        or_(
            later.at > ConsentRecord.at,
            (later.at == ConsentRecord.at) & (later.id > ConsentRecord.id),
        ),
    )
    holds = exists().where(
        ConsentRecord.enrolment_id == Enrolment.id,
        ConsentRecord.kind == PHOTO,
        ConsentRecord.is_given,
        ConsentRecord.version == Enrolment.consent_version,
        is_newest,
    )
    return select(Enrolment.id).where(Enrolment.consent_version.is_not(None), ~holds)


def _is_unknown_notice(version: object) -> ColumnElement[bool]:
    return ~exists().where(
        ConsentText.institution_id == Enrolment.institution_id, ConsentText.version == version
    )


def _consent_to_unknown_notice(_: dt.datetime) -> Select[object]:
    return (
        select(ConsentRecord.id)
        .join(Enrolment, Enrolment.id == ConsentRecord.enrolment_id)
        .where(_is_unknown_notice(ConsentRecord.version))
    )


def _guardian_of_unknown_notice(_: dt.datetime) -> Select[object]:
    return (
        select(GuardianConsent.id)
        .join(Enrolment, Enrolment.id == GuardianConsent.enrolment_id)
        .where(_is_unknown_notice(GuardianConsent.version))
    )


def _handed_over_without_receipt(_: dt.datetime) -> Select[object]:
    has_receipt = exists().where(HandoverReceipt.job_id == HandedOver.job_id)
    return select(HandedOver.job_id).where(~has_receipt).distinct()


def _receipt_of_fewer(_: dt.datetime) -> Select[object]:
    """More students are written down, or a higher serial number, than the receipt counts."""
    return (
        select(HandoverReceipt.id)
        .join(HandedOver, HandedOver.job_id == HandoverReceipt.job_id)
        .group_by(HandoverReceipt.id, HandoverReceipt.count)
        .having(
            or_(
                func.count() > HandoverReceipt.count,
                func.max(HandedOver.serial) > HandoverReceipt.count,
            )
        )
    )


def _decision_without_time(_: dt.datetime) -> Select[object]:
    is_decided = DataRequest.state != RequestState.OPEN
    return select(DataRequest.id).where(is_decided, DataRequest.decided_at.is_(None))


def _deleted_but_there(_: dt.datetime) -> Select[object]:
    return (
        select(DataRequest.id)
        .join(Enrolment, Enrolment.id == DataRequest.enrolment_id)
        .where(
            DataRequest.kind == RequestKind.DELETION,
            DataRequest.state == RequestState.DONE,
            Enrolment.ended_at.is_(None),
        )
    )


def _request_not_answered(now: dt.datetime) -> Select[object]:
    is_late = (DataRequest.state == RequestState.OPEN) & (DataRequest.due_at < now - LATE)
    return select(DataRequest.id).where(is_late)


def _refund_request_not_answered(now: dt.datetime) -> Select[object]:
    return select(RefundRequest.id).where(
        RefundRequest.state == RefundRequestState.REQUESTED, RefundRequest.due_at < now - LATE
    )


def _code_kept_too_long(now: dt.datetime) -> Select[object]:
    return (
        select(ChsiCode.id)
        .join(Enrolment, Enrolment.id == ChsiCode.enrolment_id)
        .where(is_confirmed_column(now - CODE_KEPT - LATE))
    )


def _key_of_ended_person(_: dt.datetime) -> Select[object]:
    return (
        select(PersonKey.enrolment_id)
        .join(Enrolment, Enrolment.id == PersonKey.enrolment_id)
        .where(Enrolment.ended_at.is_not(None))
    )


def _ended_but_named(_: dt.datetime) -> Select[object]:
    return select(Enrolment.id).where(Enrolment.ended_at.is_not(None), Enrolment.name != "")


RULES: dict[str, Callable[[dt.datetime], Select[object]]] = {
    "consent_without_record": _consent_without_record,
    "consent_to_unknown_notice": _consent_to_unknown_notice,
    "guardian_of_unknown_notice": _guardian_of_unknown_notice,
    "handed_over_without_receipt": _handed_over_without_receipt,
    "receipt_of_fewer": _receipt_of_fewer,
    "decision_without_time": _decision_without_time,
    "deleted_but_there": _deleted_but_there,
    "request_not_answered": _request_not_answered,
    "refund_request_not_answered": _refund_request_not_answered,
    "code_kept_too_long": _code_kept_too_long,
    "key_of_ended_person": _key_of_ended_person,
    "ended_but_named": _ended_but_named,
}


def _check_certificates(session: Session) -> Iterator[tuple[str, str]]:
    """Yield deletions that are done and whose certificate is missing or was changed."""
    done = select(DataRequest).where(
        DataRequest.kind == RequestKind.DELETION, DataRequest.state == RequestState.DONE
    )
    for row in session.scalars(done):
        if not row.certificate or not is_genuine(row.certificate):
            yield "certificate_not_genuine", str(row.id)


def _check_assessments(session: Session) -> Iterator[tuple[str, str]]:
    """Yield institutions whose versions have a gap, or who compare faces and assessed nothing."""
    query = select(
        ImpactAssessment.institution_id, func.count(), func.max(ImpactAssessment.version)
    ).group_by(ImpactAssessment.institution_id)
    assessed = set()
    for institution_id, count, newest in session.execute(query):
        assessed.add(institution_id)
        if count != newest:
            yield "assessment_missing", str(institution_id)
    for institution_id in session.scalars(
        select(FaceSwitch.institution_id).where(FaceSwitch.is_on)
    ):
        if institution_id not in assessed:
            yield "faces_not_assessed", str(institution_id)


def _check_ended(session: Session) -> Iterator[tuple[str, str]]:
    """Yield tables that still hold rows of somebody whose time is over."""
    ended = select(Enrolment.id).where(Enrolment.ended_at.is_not(None))
    for name in list_tables(AtEnd.ROW):
        table = Base.metadata.tables[name]
        if "enrolment_id" in table.columns:
            left = select(func.count()).where(table.columns["enrolment_id"].in_(ended))
            if session.scalar(left):
                yield "rows_of_ended_person", name
