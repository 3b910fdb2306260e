"""Rights of those who come in person: staff act for them, having seen who they are."""

from __future__ import annotations

import uuid
from typing import IO, Any

from sqlalchemy.orm import Session

from models import Enrolment, RequestKind
from server.context import Context
from server.errors import NotFound
from server.services.audit import record_audit
from server.services.collection import lock_enrolment
from server.services.consent.ask import current_notice
from server.services.consent.decide import Decider
from server.services.consent.guardian import PAPER, Guardian, record_guardian, require_guardian
from server.services.rights.change_consent import (
    EnrolmentConsents,
    apply_decision,
    follow_decision,
    read_consents,
)
from server.services.rights.copy import write_copy
from server.services.rights.requests import IN_PERSON, open_request
from server.services.student.release import IDENTITIES_SEEN, ReleaseUnexplained
from server.services.viewer import Viewer, get_visible, may_see


class IdentityUnseen(ReleaseUnexplained):
    """Nobody said how the identity was made sure of."""

    message = "请先选择如何核对本人身份"


def view_rights(ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID) -> EnrolmentConsents:
    """Return the consents of one student of the viewer's scope; raises NotFound."""
    with ctx.db.read() as session:
        return read_consents(session, ctx, get_visible(session, viewer, enrolment_id))


def decide_for(
    ctx: Context,
    viewer: Viewer,
    enrolment_id: uuid.UUID,
    *,
    kind: str,
    is_given: bool,
    identity_seen: str,
) -> bool:
    """Give or withdraw one consent for who stands before us. Owns its transaction.

    Returns whether anything has changed.

    Raises:
        NotFound, IdentityUnseen, ConsentKindUnknown, GuardianNeeded.
    """
    with ctx.db.write() as session:
        enrolment = _lock(session, viewer, enrolment_id, identity_seen)
        if is_given:
            version = current_notice(session, enrolment.institution_id).version
            require_guardian(session, ctx, enrolment, None, version)
        decider = Decider("staff", staff_id=viewer.staff_id)
        keys = apply_decision(session, ctx, enrolment, kind, is_given=is_given, decider=decider)
        if keys is None:
            return False
        _note(
            session,
            ctx,
            viewer,
            enrolment,
            "consent.in_person",
            identity_seen,
            同意=kind,
            结果="同意" if is_given else "撤回",
        )
    follow_decision(ctx, enrolment_id, keys, kind, is_given=is_given)
    return True


def note_guardian(
    ctx: Context,
    viewer: Viewer,
    enrolment_id: uuid.UUID,
    guardian: Guardian,
    *,
    identity_seen: str,
) -> None:
    """Note the sheet that a guardian has signed for a child. Owns its transaction.

    Raises:
        NotFound, IdentityUnseen, GuardianMalformed.
    """
    with ctx.db.write() as session:
        enrolment = _lock(session, viewer, enrolment_id, identity_seen)
        version = current_notice(session, enrolment.institution_id).version
        record_guardian(
            session, ctx, enrolment, guardian, way=PAPER, version=version, staff_id=viewer.staff_id
        )
        _note(session, ctx, viewer, enrolment, "consent.guardian", identity_seen)


def ask_for(
    ctx: Context,
    viewer: Viewer,
    enrolment_id: uuid.UUID,
    *,
    kind: RequestKind,
    wish: str,
    identity_seen: str,
) -> uuid.UUID:
    """Write down what somebody asks for in person. Owns its transaction.

    Raises:
        NotFound, IdentityUnseen, WishMissing.
    """
    with ctx.db.write() as session:
        enrolment = _lock(session, viewer, enrolment_id, identity_seen)
        row = open_request(
            session,
            ctx,
            enrolment,
            kind=kind,
            source=IN_PERSON,
            wish=wish,
            user_id=enrolment.wechat_user_id,
        )
        _note(session, ctx, viewer, enrolment, "request.in_person", identity_seen, 申请=kind.label)
        return row.id


def copy_for(
    ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID, target: IO[bytes], *, identity_seen: str
) -> None:
    """Write the copy of who stands before us to a file. Owns its transaction.

    Raises:
        NotFound, IdentityUnseen, PhotoStoreUnavailable.
    """
    with ctx.db.write() as session:
        enrolment = _lock(session, viewer, enrolment_id, identity_seen)
        _note(session, ctx, viewer, enrolment, "copy.in_person", identity_seen)
    write_copy(ctx, [enrolment_id], target)


def _lock(
    session: Session, viewer: Viewer, enrolment_id: uuid.UUID, identity_seen: str
) -> Enrolment:
    enrolment = lock_enrolment(session, enrolment_id)
    if enrolment is None or not may_see(viewer, enrolment):
        raise NotFound
    if identity_seen not in IDENTITIES_SEEN:
        raise IdentityUnseen
    return enrolment


def _note(
    session: Session,
    ctx: Context,
    viewer: Viewer,
    enrolment: Enrolment,
    action: str,
    identity_seen: str,
    **detail: Any,
) -> None:
    record_audit(
        session,
        viewer,
        action,
        at=ctx.now(),
        subject_kind="enrolment",
        subject_id=enrolment.id,
        identity_seen=identity_seen,
        **detail,
    )
