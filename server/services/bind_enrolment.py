"""Identity check: name and ID number against the roster, then the enrolment is the user's."""

from __future__ import annotations

import hmac
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    REGISTERED,
    CollectionStatus,
    ConsentRecord,
    Enrolment,
    FeatureCode,
    index_id_number,
)
from server.context import Context
from server.errors import CaijiError
from server.services.collection import lock_enrolment
from server.services.consent import require_consent
from server.services.feature_codes import find_code, require_open
from server.services.id_numbers import normalise_id_number, normalise_name


class IdentityMismatch(CaijiError):
    """Name and number are not one person of this college's roster. One answer for every case."""

    code = "identity_mismatch"
    status = 422
    message = "姓名或证件号码与学籍信息不一致,请核对后重试"


class EnrolmentTaken(CaijiError):
    """Another WeChat account has proven this identity before."""

    code = "enrolment_taken"
    status = 409
    message = "该学籍已由其他微信账号绑定,请联系学习中心"


class NotRegistered(CaijiError):
    """学籍状态 is not 在籍."""

    code = "not_registered"
    status = 409
    message = "当前学籍状态不能采集照片,请联系学习中心"


class AlreadyCollected(CaijiError):
    """The photo is locked."""

    code = "already_collected"
    status = 409
    message = "照片已采集(锁定),无需再次采集"


def require_eligible(enrolment: Enrolment) -> None:
    """Refuse an enrolment that may not collect a photo now.

    Raises:
        NotRegistered, AlreadyCollected.
    """
    if enrolment.register_status != REGISTERED:
        raise NotRegistered
    if enrolment.collection_status is CollectionStatus.COLLECTED:
        raise AlreadyCollected


def bind_enrolment(
    ctx: Context,
    *,
    user_id: uuid.UUID,
    feature_code: str,
    name: str,
    id_number: str,
    consent_version: str,
) -> uuid.UUID:
    """Bind the roster row that matches to this user and return its id.

    Doing it again with the same user returns the same row.

    Raises:
        FeatureCodeUnknown, FeatureCodeNotOpen, FeatureCodeClosed, ConsentVersionOutdated,
        IdentityMismatch, EnrolmentTaken, NotRegistered, AlreadyCollected.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        code = find_code(session, feature_code)
        require_open(code, now)
        require_consent(session, consent_version)
        found = _find_row(session, ctx, code, name, id_number, user_id)
        enrolment = lock_enrolment(session, found)
        if enrolment is None:
            raise IdentityMismatch
        if enrolment.wechat_user_id not in {None, user_id}:
            raise EnrolmentTaken
        if enrolment.wechat_user_id is None:
            require_eligible(enrolment)
            enrolment.wechat_user_id = user_id
            enrolment.bound_at = now
        enrolment.feature_code_id = code.id
        if enrolment.consent_version != consent_version:
            enrolment.consent_version = consent_version
            session.add(
                ConsentRecord(
                    enrolment_id=enrolment.id, user_id=user_id, version=consent_version, at=now
                )
            )
        return enrolment.id


def _find_row(
    session: Session,
    ctx: Context,
    code: FeatureCode,
    name: str,
    id_number: str,
    user_id: uuid.UUID,
) -> uuid.UUID:
    """Return the best row of this person: one bound to the user, else one that may collect."""
    index = index_id_number(normalise_id_number(id_number), ctx.cipher)
    rows = session.scalars(
        select(Enrolment)
        .where(Enrolment.institution_id == code.institution_id, Enrolment.id_number_index == index)
        .order_by(Enrolment.student_no.desc())
    ).all()
    wanted = normalise_name(name).encode()
    matching = [row for row in rows if hmac.compare_digest(row.name.encode(), wanted)]
    if not matching:
        raise IdentityMismatch

    def rank(row: Enrolment) -> tuple[bool, bool, bool]:
        return (
            row.collection_status is CollectionStatus.COLLECTED,
            row.register_status != REGISTERED,
            row.wechat_user_id != user_id,
        )

    return min(matching, key=rank).id
