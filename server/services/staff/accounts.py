"""Administrators look after the accounts of their institution."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from models import LearningCentre, Role, Staff
from server.context import Context
from server.errors import CaijiError, NotFound
from server.security.passwords import create_password, hash_password
from server.services.audit import record_audit
from server.services.manage_institution import AlreadyExists
from server.services.manage_staff import USERNAME, StaffMalformed
from server.services.second_factor import disable_second_factor
from server.services.sign_in import revoke_all
from server.services.staff_viewer import Viewer


class OwnAccount(CaijiError):
    """An administrator cannot lock himself out: so one always remains."""

    code = "own_account"
    status = 409
    message = "不能停用或重置自己的账号"


def list_accounts(ctx: Context, viewer: Viewer) -> list[Staff]:
    """Return the accounts of the viewer's institution with their centres."""
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(Staff)
                .where(Staff.institution_id == viewer.institution_id)
                .options(joinedload(Staff.centre))
                .order_by(Staff.disabled_at.is_not(None), Staff.username)
            )
        )


def create_account(ctx: Context, viewer: Viewer, *, username: str, role: str, centre: str) -> str:
    """Create an account and return its one-time password. Owns its transaction.

    Raises:
        StaffMalformed, AlreadyExists.
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
            centre_id = _find_centre(session, viewer, centre) if wanted is Role.CENTRE else None
            staff = Staff(
                institution_id=viewer.institution_id,
                username=username,
                password_hash=password_hash,
                must_change_password=True,
                role=wanted,
                centre_id=centre_id,
                created_at=now,
            )
            session.add(staff)
            session.flush()
            _audit(ctx, session, viewer, "staff.create", staff)
    except IntegrityError as error:
        raise AlreadyExists from error
    return password


def reset_password(ctx: Context, viewer: Viewer, staff_id: uuid.UUID) -> tuple[str, str]:
    """Give an account a new one-time password, without second factor; its sessions end.

    Returns user name and password. Raises NotFound, OwnAccount.
    """
    password = create_password()
    password_hash = hash_password(password)
    with ctx.db.write() as session:
        staff = _get_other(session, viewer, staff_id)
        staff.password_hash = password_hash
        staff.must_change_password = True
        disable_second_factor(session, staff)
        revoke_all(session, staff.id, ctx.now())
        _audit(ctx, session, viewer, "staff.reset_password", staff)
        return staff.username, password


def set_enabled(ctx: Context, viewer: Viewer, staff_id: uuid.UUID, *, enabled: bool) -> str:
    """Enable or disable an account; disabling ends its sessions. Returns the user name.

    Raises:
        NotFound, OwnAccount.
    """
    with ctx.db.write() as session:
        staff = _get_other(session, viewer, staff_id)
        staff.disabled_at = None if enabled else ctx.now()
        if not enabled:
            revoke_all(session, staff.id, ctx.now())
        _audit(ctx, session, viewer, "staff.enable" if enabled else "staff.disable", staff)
        return staff.username


def _get_other(session: Session, viewer: Viewer, staff_id: uuid.UUID) -> Staff:
    staff = session.get(Staff, staff_id)
    if staff is None or staff.institution_id != viewer.institution_id:
        raise NotFound
    if staff.id == viewer.staff_id:
        raise OwnAccount
    return staff


def _find_centre(session: Session, viewer: Viewer, centre: str) -> uuid.UUID:
    try:
        centre_id = uuid.UUID(centre)
    except ValueError:
        raise StaffMalformed from None
    found = session.get(LearningCentre, centre_id)
    if found is None or found.institution_id != viewer.institution_id:
        raise StaffMalformed
    return found.id


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
