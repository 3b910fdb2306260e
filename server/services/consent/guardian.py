"""Under 14 nobody agrees for themselves (PIPL, article 31): a guardian does, or a signed sheet."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Enrolment, GuardianConsent
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.id_numbers import read_birth
from server.services.names import clean_text

AGE = 14
"""Years, PIPL article 31 and the measures on face recognition, article 7."""
RELATIONS = ("父亲", "母亲", "其他监护人")
NAME_LENGTH = 60
MINI_PROGRAM, PAPER = "mini_program", "paper"
WAYS = {MINI_PROGRAM: "监护人在小程序填写", PAPER: "监护人签纸质同意书"}


class GuardianNeeded(CaijiError):
    """The ID number says under 14, and no guardian has agreed."""

    code = "guardian_needed"
    status = 409
    message = (
        "未满 14 周岁，需要监护人同意：请监护人在本页填写自己的姓名和关系并勾选同意，"
        "或由监护人到学校签纸质同意书后再绑定"
    )


class GuardianMalformed(CaijiError):
    """No name, or a relation that is none of the list."""

    code = "guardian_malformed"
    status = 422
    message = "请填写监护人姓名，并选择与学生的关系"


@dataclass(frozen=True)
class Guardian:
    """Who agrees for a child."""

    name: str
    relation: str

    def require_whole(self) -> Guardian:
        """Return it with a clean name; raises GuardianMalformed."""
        name = clean_text(self.name)
        if not name or len(name) > NAME_LENGTH or self.relation not in RELATIONS:
            raise GuardianMalformed
        return Guardian(name, self.relation)


def needs_guardian(ctx: Context, enrolment: Enrolment) -> bool:
    """Tell whether the ID number says under 14 today. A document without a birthday says no."""
    birth = read_birth(enrolment.decrypt_id_number(ctx.cipher))
    return birth is not None and _is_under_age(birth, to_local(ctx.now()).date())


def _is_under_age(birth: dt.date, today: dt.date) -> bool:
    years = today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))
    return years < AGE


def _find_guardian(session: Session, enrolment_id: uuid.UUID) -> GuardianConsent | None:
    """Return the guardian who agreed last."""
    return session.scalars(
        select(GuardianConsent)
        .where(GuardianConsent.enrolment_id == enrolment_id)
        .order_by(GuardianConsent.at.desc(), GuardianConsent.id.desc())
        .limit(1)
    ).one_or_none()


def require_guardian(
    session: Session, ctx: Context, enrolment: Enrolment, guardian: Guardian | None, version: str
) -> str:
    """Return who agrees for an enrolment, ``student`` or ``guardian``; records a named guardian.

    Raises:
        GuardianNeeded, GuardianMalformed.
    """
    if not needs_guardian(ctx, enrolment):
        return "student"
    if guardian is not None:
        record_guardian(session, ctx, enrolment, guardian, way=MINI_PROGRAM, version=version)
    elif _find_guardian(session, enrolment.id) is None:
        raise GuardianNeeded
    return "guardian"


def record_guardian(
    session: Session,
    ctx: Context,
    enrolment: Enrolment,
    guardian: Guardian,
    *,
    way: str,
    version: str,
    staff_id: uuid.UUID | None = None,
) -> None:
    """Write down who agreed for a child, in the caller's transaction. Raises GuardianMalformed."""
    whole = guardian.require_whole()
    row = GuardianConsent(
        enrolment_id=enrolment.id,
        relation=whole.relation,
        way=way,
        version=version,
        staff_id=staff_id,
        at=ctx.now(),
    )
    row.encrypt_name(whole.name, ctx.cipher)
    session.add(row)


def forget_guardians(session: Session, enrolment_id: uuid.UUID) -> None:
    """Delete the guardians of an enrolment: another person stands behind it now."""
    for row in session.scalars(
        select(GuardianConsent).where(GuardianConsent.enrolment_id == enrolment_id)
    ):
        session.delete(row)
