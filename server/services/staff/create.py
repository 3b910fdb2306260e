"""Staff accounts: creating one and giving it a password."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import LearningCentre, Role, Staff
from server.context import Context
from server.errors import CaijiError
from server.security.passwords import create_password, hash_password
from server.services.college.set_up import AlreadyExists, find_institution

USERNAME = re.compile(r"[A-Za-z0-9_.@-]{2,40}")


NAME_LENGTH = 60


def clean_display_name(typed: str) -> str:
    """Return a real name without doubled spaces, at most as long as its column."""
    return " ".join(typed.split())[:NAME_LENGTH]


class StaffMalformed(CaijiError):
    """The user name or the centre does not fit the role."""

    code = "staff_malformed"
    status = 422
    message = "用户名应为 2-40 位字母、数字或 . _ - @；学习中心账号至少指定一个学习中心"


def add_staff(
    ctx: Context,
    *,
    username: str,
    role: Role,
    institution: str | None = None,
    centres: Sequence[str] = (),
    display_name: str = "",
    password_hash: str | None = None,
) -> str:
    """Create an account and return its one-time password.

    ``centres``: names of learning centres, for that role alone. With ``password_hash`` the account
    has that password, to keep, and the text is empty.

    Raises:
        StaffMalformed, InstitutionUnknown, AlreadyExists.
    """
    if not USERNAME.fullmatch(username) or (role is Role.CENTRE) != bool(centres):
        raise StaffMalformed
    one_time = "" if password_hash else create_password()
    try:
        with ctx.db.write() as session:
            owner = find_institution(session, institution)
            staff = Staff(
                institution_id=owner.id,
                username=username,
                display_name=clean_display_name(display_name),
                password_hash=password_hash or hash_password(one_time),
                must_change_password=password_hash is None,
                role=role,
                created_at=ctx.now(),
            )
            assign_centres(staff, [_find_centre(session, owner.id, name) for name in centres])
            session.add(staff)
    except IntegrityError as error:
        raise AlreadyExists from error
    return one_time


def assign_centres(staff: Staff, centres: Sequence[LearningCentre]) -> None:
    """Let an account see the students of these learning centres and of no others."""
    wanted = list(dict.fromkeys(centres))
    staff.centre = wanted[0] if wanted else None
    staff.further_centres = wanted[1:]


def _find_centre(session: Session, institution_id: uuid.UUID, name: str) -> LearningCentre:
    found = session.scalars(
        select(LearningCentre).where(
            LearningCentre.institution_id == institution_id, LearningCentre.name == name
        )
    ).one_or_none()
    if found is None:
        raise StaffMalformed
    return found
