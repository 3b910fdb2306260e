"""An account gets another name, role or learning centre; what it was stays in the audit log."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session, joinedload, selectinload

from models import Role, Staff
from server.context import Context
from server.errors import NotFound
from server.services.audit import record_audit
from server.services.staff.accounts import OwnAccount, find_centres, require_administrator
from server.services.staff.create import StaffMalformed, assign_centres, clean_display_name
from server.services.staff.sign_in import revoke_all
from server.services.viewer import Viewer


@dataclass(frozen=True)
class AccountChange:
    """What an account shall be."""

    display_name: str
    role: str
    centres: tuple[str, ...]
    """The ids of learning centres; they count for that role only."""


def get_account(ctx: Context, viewer: Viewer, staff_id: uuid.UUID) -> Staff:
    """Return an account of the viewer's institution with its centres; raises NotFound."""
    with ctx.db.read() as session:
        return _get(session, viewer, staff_id)


def moves_rights(staff: Staff, change: AccountChange) -> bool:
    """Tell whether a change gives the account other rights: then its sessions end."""
    wanted = set(change.centres) if change.role == Role.CENTRE else set()
    present = {str(centre.id) for centre in staff.centres}
    return (staff.role.value, present) != (change.role, wanted)


def change_account(
    ctx: Context, viewer: Viewer, staff_id: uuid.UUID, change: AccountChange
) -> Staff:
    """Change an account; other rights sign it out everywhere. Owns its transaction.

    Raises:
        NotFound, StaffMalformed, NoLongerAdministrator.
        OwnAccount: one's own rights are for another administrator.
    """
    if change.role not in set(Role):
        raise StaffMalformed
    role = Role(change.role)
    with ctx.db.write() as session:
        require_administrator(session, viewer)
        staff = _get(session, viewer, staff_id)
        before = _describe(staff)
        is_moved = moves_rights(staff, change)
        if is_moved and staff.id == viewer.staff_id:
            raise OwnAccount("不能修改自己的角色")
        staff.display_name = clean_display_name(change.display_name)
        staff.role = role
        assign_centres(staff, find_centres(session, viewer, role, change.centres))
        if is_moved:
            revoke_all(session, staff.id, ctx.now())
        record_audit(
            session,
            viewer,
            "staff.change",
            at=ctx.now(),
            subject_kind="staff",
            subject_id=staff.id,
            username=staff.username,
            before=before,
            after=_describe(staff),
        )
        return staff


def _get(session: Session, viewer: Viewer, staff_id: uuid.UUID) -> Staff:
    loaded = [joinedload(Staff.centre), selectinload(Staff.further_centres)]
    staff = session.get(Staff, staff_id, options=loaded)
    if staff is None or staff.institution_id != viewer.institution_id:
        raise NotFound
    return staff


def _describe(staff: Staff) -> str:
    centres = "、".join(centre.name for centre in staff.centres)
    parts = [staff.display_name, staff.role.label, centres]
    return "，".join(part for part in parts if part)
