"""Identity check: name and ID number against the roster, then the enrolment is the user's."""

from __future__ import annotations

import datetime as dt
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    REGISTERED,
    CollectionStatus,
    Enrolment,
    FeatureCode,
    index_id_number,
)
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.security.attempts import AttemptCounter, AttemptLimit
from server.services.college.codes import find_code, require_open
from server.services.college.contact import read_contact, tell_whom_to_ask
from server.services.consent.ask import require_current
from server.services.consent.decide import Decider, add_record
from server.services.consent.guardian import Guardian, require_guardian
from server.services.consent.parts import PHOTO
from server.services.id_numbers import find_typing_fault, normalise_id_number
from server.services.names import fold_name
from server.services.student.eligible import require_eligible

WRONG_PER_USER = "5/hour"
WRONG_PER_NUMBER = "10/hour"
"""Wrong tries at one ID number, whoever makes them; the person who is bound to it is exempt."""
WRONG_PER_NAME = "30/hour"
"""Wrong tries at one name of one college: namesakes must not shut each other out."""


class IdentityMismatch(CaijiError):
    """Name and number are not one person of this college's roster. One answer for every case."""

    code = "identity_mismatch"
    status = 422
    message = "姓名或证件号码与学籍信息不一致，请核对后重试"


class IdNumberMistyped(CaijiError):
    """Length or check digit are wrong: a slip of the finger, which costs no try."""

    code = "id_number_invalid"
    status = 422
    message = "证件号码格式不正确"


class EnrolmentTaken(CaijiError):
    """Another WeChat account has proven this identity before."""

    code = "enrolment_taken"
    status = 409
    message = "该学籍已由其他微信账号绑定。换了微信或账号不是本人的，请联系学校解除绑定"


@dataclass(frozen=True)
class Claim:
    """Who somebody says to be, in the forms that are compared."""

    institution_id: uuid.UUID
    folded_name: str
    number_index: bytes


@dataclass(frozen=True)
class Agreement:
    """The version of the notice that was agreed to, and by whom for a child."""

    version: str
    guardian: Guardian | None


def bind_enrolment(
    ctx: Context,
    attempts: AttemptCounter,
    *,
    user_id: uuid.UUID,
    feature_code: str,
    name: str,
    id_number: str,
    consent_version: str,
    guardian: Guardian | None = None,
) -> uuid.UUID:
    """Bind every roster row of this person to this user; return the one to go on with.

    Doing it again with the same user returns the same row. A person in two programmes gets both.
    Under 14 it takes a ``guardian`` who agrees, or a sheet that staff have noted.
    Every refusal names the institution's contact; a wrong one says how many tries are left.

    Raises:
        FeatureCodeUnknown, FeatureCodeNotOpen, FeatureCodeClosed, ConsentVersionOutdated,
        IdNumberMistyped, IdentityMismatch, EnrolmentTaken, NotRegistered, AlreadyCollected,
        GuardianNeeded, GuardianMalformed, TooManyRequests.
    """
    with ctx.db.read() as session:
        code = find_code(session, feature_code)
        contact = read_contact(code.institution)
    with tell_whom_to_ask(contact):
        with ctx.db.read() as session:
            require_open(code, ctx.now())
            require_current(session, code.institution_id, consent_version)
        number = normalise_id_number(id_number)
        if fault := find_typing_fault(number, to_local(ctx.now()).date()):
            raise IdNumberMistyped(fault)
        claim = Claim(code.institution_id, fold_name(name), index_id_number(number, ctx.cipher))
        limits = _list_limits(ctx, user_id, claim)
        with attempts.judge(limits, IdentityMismatch, EnrolmentTaken):
            agreed = Agreement(consent_version, guardian)
            return _bind(ctx, user_id, code, claim, agreed)


def _list_limits(ctx: Context, user_id: uuid.UUID, claim: Claim) -> list[AttemptLimit]:
    """Return what counts a wrong try; strangers' tries do not shut out who is bound already."""
    limits = [AttemptLimit(WRONG_PER_USER, "identity-user", str(user_id))]
    with ctx.db.read() as session:
        is_recognised = session.scalar(
            select(Enrolment.id)
            .where(
                Enrolment.institution_id == claim.institution_id,
                Enrolment.id_number_index == claim.number_index,
                Enrolment.wechat_user_id == user_id,
            )
            .limit(1)
        )
    if is_recognised is not None:
        return limits
    named = f"{claim.institution_id}:{claim.folded_name}"
    return [
        *limits,
        AttemptLimit(WRONG_PER_NUMBER, "identity-number", claim.number_index.hex()),
        AttemptLimit(WRONG_PER_NAME, "identity-name", named),
    ]


def _bind(
    ctx: Context, user_id: uuid.UUID, code: FeatureCode, claim: Claim, agreed: Agreement
) -> uuid.UUID:
    with ctx.db.write() as session:
        rows = _lock_rows(session, claim)
        if not rows:
            raise IdentityMismatch
        free = [row for row in rows if row.wechat_user_id in {None, user_id}]
        if not free:
            raise EnrolmentTaken
        best = min(free, key=lambda row: _rank(row, user_id))
        if best.wechat_user_id is None and best.consent_version is None:
            # Who was bound before and released may come back to see a locked photo.
            require_eligible(best)
        for row in free:
            if row.wechat_user_id == user_id or row is best or _is_eligible(row):
                _take(session, row, user_id, code, agreed, ctx, is_best=row is best)
        return best.id


def _take(
    session: Session,
    row: Enrolment,
    user_id: uuid.UUID,
    code: FeatureCode,
    agreed: Agreement,
    ctx: Context,
    *,
    is_best: bool,
) -> None:
    now = ctx.now()
    is_new = row.wechat_user_id is None
    if is_new:
        row.wechat_user_id = user_id
        row.bound_at = now
    if (is_new or is_best) and not _has_usable_code(session, row, now):
        row.feature_code_id = code.id
    if is_new or row.consent_version != agreed.version:
        who = require_guardian(session, ctx, row, agreed.guardian, agreed.version)
        row.consent_version = agreed.version
        add_record(
            session,
            row,
            PHOTO,
            is_given=True,
            version=agreed.version,
            decider=Decider(who, user_id=user_id),
            at=now,
        )


def _has_usable_code(session: Session, row: Enrolment, now: dt.datetime) -> bool:
    """Tell whether the code of an enrolment still decides its fee, profile and limits.

    A student who comes with another code must not choose the cheaper one.
    """
    if row.feature_code_id is None:
        return False
    try:
        require_open(session.get_one(FeatureCode, row.feature_code_id), now)
    except CaijiError:
        return False
    return True


def _lock_rows(session: Session, claim: Claim) -> Sequence[Enrolment]:
    """Lock the rows of the claimed number, in one order, and return those of the claimed name."""
    rows = session.scalars(
        select(Enrolment)
        .where(
            Enrolment.institution_id == claim.institution_id,
            Enrolment.id_number_index == claim.number_index,
        )
        .order_by(Enrolment.id)
        .with_for_update(of=Enrolment)
        .execution_options(populate_existing=True)
    ).all()
    wanted = claim.folded_name.encode()
    found = [row for row in rows if hmac.compare_digest(fold_name(row.name).encode(), wanted)]
    return sorted(found, key=lambda row: row.student_no, reverse=True)


def _is_eligible(row: Enrolment) -> bool:
    is_collected = row.collection_status is CollectionStatus.COLLECTED
    return row.register_status == REGISTERED and not is_collected


def _rank(row: Enrolment, user_id: uuid.UUID) -> tuple[bool, bool, bool]:
    return (
        row.collection_status is CollectionStatus.COLLECTED,
        row.register_status != REGISTERED,
        row.wechat_user_id != user_id,
    )
