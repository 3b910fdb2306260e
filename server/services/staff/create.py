"""Staff accounts: creating one and giving it a password."""

from __future__ import annotations

import re
import uuid

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import LearningCentre, Role, Staff
from server.context import Context
from server.errors import CaijiError
from server.security.passwords import create_password, hash_password
from server.services.manage_institution import AlreadyExists, find_institution

USERNAME = re.compile(r"[A-Za-z0-9_.@-]{2,40}")


class StaffMalformed(CaijiError):
    """The user name or the centre does not fit the role."""

    code = "staff_malformed"
    status = 422
    message = "用户名应为 2-40 位字母、数字或 . _ - @;学习中心账号必须指定学习中心"


def add_staff(
    ctx: Context,
    *,
    username: str,
    role: Role,
    institution: str | None = None,
    centre: str | None = None,
    password_hash: str | None = None,
) -> str:
    """Create an account and return its one-time password.

    With ``password_hash`` the account has that password, to keep, and the text is empty.

    Raises:
        StaffMalformed, InstitutionUnknown, AlreadyExists.
    """
    if not USERNAME.fullmatch(username) or (role is Role.CENTRE) != (centre is not None):
        raise StaffMalformed
    one_time = "" if password_hash else create_password()
    try:
        with ctx.db.write() as session:
            owner = find_institution(session, institution)
            session.add(
                Staff(
                    institution_id=owner.id,
                    username=username,
                    password_hash=password_hash or hash_password(one_time),
                    must_change_password=password_hash is None,
                    role=role,
                    centre_id=_find_centre(session, owner.id, centre) if centre else None,
                    created_at=ctx.now(),
                )
            )
    except IntegrityError as error:
        raise AlreadyExists from error
    return one_time


def _find_centre(session: Session, institution_id: uuid.UUID, name: str) -> uuid.UUID:
    found = session.scalars(
        select(LearningCentre.id).where(
            LearningCentre.institution_id == institution_id, LearningCentre.name == name
        )
    ).one_or_none()
    if found is None:
        raise StaffMalformed
    centre_id: uuid.UUID = found
    return centre_id
