"""Administrators look after the accounts of their institution."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload, selectinload

from models import Institution, LearningCentre, Role, Staff
from server.context import Context
from server.errors import CaijiError, NotFound
from server.security.passwords import create_password, hash_password
from server.services.audit import record_audit
from server.services.college.set_up import AlreadyExists
from server.services.staff.create import (
    USERNAME,
    StaffMalformed,
    assign_centres,
    clean_display_name,
)
from server.services.staff.second_factor import disable_second_factor
from server.services.staff.sign_in import revoke_all
from server.services.viewer import Viewer


class OwnAccount(CaijiError):
    """An administrator cannot lock himself out: so one always remains."""

    code = "own_account"
    status = 409
    message = "不能停用或重置自己的账号"


class NoLongerAdministrator(CaijiError):
    """Somebody else took the rights away while this act was on its way."""

    code = "no_longer_administrator"
    status = 409
    message = "你的管理员权限刚刚被修改，没有保存"


def require_administrator(session: Session, viewer: Viewer) -> None:
    """Let acts on the accounts of an institution come one after another, by administrators alone.

    The session was judged when the request began: of two administrators who take each other's
    rights at the same moment, the second is none any more.

    Raises:
        NoLongerAdministrator.
    """
    session.get_one(Institution, viewer.institution_id, with_for_update={"key_share": True})
    own = session.get_one(Staff, viewer.staff_id, populate_existing=True)
    if own.role is not Role.ADMIN or own.disabled_at is not None:
        raise NoLongerAdministrator


def list_accounts(ctx: Context, viewer: Viewer) -> list[Staff]:
    """Return the accounts of the viewer's institution with their centres."""
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(Staff)
                .where(Staff.institution_id == viewer.institution_id)
                .options(joinedload(Staff.centre), selectinload(Staff.further_centres))
                .order_by(Staff.disabled_at.is_not(None), Staff.username)
            )
        )


def create_account(
    ctx: Context,
    viewer: Viewer,
    *,
    username: str,
    role: str,
    centres: Sequence[str],
    display_name: str = "",
) -> str:
    """Create an account and return its one-time password. Owns its transaction.

    Raises:
        StaffMalformed, AlreadyExists, NoLongerAdministrator.
    """
    username = username.strip()
    if not USERNAME.fullmatch(username) or role not in set(Role):
        raise StaffMalformed
    wanted = Role(role)
    password = create_password()
    password_hash = hash_password(password)
    now = ctx.now()
    try:
        with ctx.db.write() as session:
            require_administrator(session, viewer)
            staff = Staff(
                institution_id=viewer.institution_id,
                username=username,
                display_name=clean_display_name(display_name),
                password_hash=password_hash,
                must_change_password=True,
                role=wanted,
                created_at=now,
            )
            assign_centres(staff, find_centres(session, viewer, wanted, centres))
            session.add(staff)
            session.flush()
            _audit(ctx, session, viewer, "staff.create", staff)
    except IntegrityError as error:
        raise AlreadyExists from error
    return password


def reset_password(ctx: Context, viewer: Viewer, staff_id: uuid.UUID) -> tuple[str, str]:
    """Give an account a new one-time password, without second factor; its sessions end.

    Returns user name and password. Raises NotFound, OwnAccount, NoLongerAdministrator.
    """
    password = create_password()
    password_hash = hash_password(password)
    with ctx.db.write() as session:
        require_administrator(session, viewer)
        staff = _get_other(session, viewer, staff_id)
        staff.password_hash = password_hash
        staff.must_change_password = True
        disable_second_factor(session, staff)
        revoke_all(session, staff.id, ctx.now())
        _audit(ctx, session, viewer, "staff.reset_password", staff)
        return staff.username, password


def set_enabled(ctx: Context, viewer: Viewer, staff_id: uuid.UUID, *, enabled: bool) -> str:
    """Enable or disable an account; disabling ends its sessions. Returns how it is shown.

    Raises:
        NotFound, OwnAccount, NoLongerAdministrator.
    """
    with ctx.db.write() as session:
        require_administrator(session, viewer)
        staff = _get_other(session, viewer, staff_id)
        staff.disabled_at = None if enabled else ctx.now()
        if not enabled:
            revoke_all(session, staff.id, ctx.now())
        _audit(ctx, session, viewer, "staff.enable" if enabled else "staff.disable", staff)
        return staff.shown_name


def _get_other(session: Session, viewer: Viewer, staff_id: uuid.UUID) -> Staff:
    staff = session.get(Staff, staff_id)
    if staff is None or staff.institution_id != viewer.institution_id:
        raise NotFound
    if staff.id == viewer.staff_id:
        raise OwnAccount
    return staff


def find_centres(
    session: Session, viewer: Viewer, role: Role, ids: Sequence[str]
) -> list[LearningCentre]:
    """Return these centres of the viewer's institution; none for roles that have none.

    Raises:
        StaffMalformed: one is not the institution's, or the role needs one.
    """
    if role is not Role.CENTRE:
        return []
    try:
        wanted = {uuid.UUID(text) for text in ids if text}
    except ValueError:
        raise StaffMalformed from None
    found = session.scalars(
        select(LearningCentre)
        .where(
            LearningCentre.id.in_(wanted), LearningCentre.institution_id == viewer.institution_id
        )
        .order_by(LearningCentre.name)
    ).all()
    if not found or len(found) != len(wanted):
        raise StaffMalformed
    return list(found)


def _audit(ctx: Context, session: Session, viewer: Viewer, action: str, staff: Staff) -> None:
    record_audit(
        session,
        viewer,
        action,
        at=ctx.now(),
        subject_kind="staff",
        subject_id=staff.id,
        username=staff.username,
        role=staff.role.value,
    )
