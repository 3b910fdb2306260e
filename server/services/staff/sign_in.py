"""Staff sign in: passwords, and server-side sessions that end by themselves or are revoked."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from models import AuditEntry, Institution, LearningCentre, Staff, StaffSession
from server.context import Context
from server.errors import CaijiError
from server.security.passwords import create_password, hash_password, is_password_right
from server.security.tokens import create_token, hash_token
from server.services.audit import record_audit
from server.services.staff.policy import (
    PasswordUnfit,
    Rules,
    is_address_on,
    is_password_old,
    judge_password,
    needs_second_factor,
    read_rules,
)
from server.services.viewer import Viewer

MOST_FORMER_PASSWORDS = 10
TOUCH_EVERY = dt.timedelta(minutes=1)
"""A session is written at most this often: reading pages must not queue for the writer's lock."""
RECENT_SIGN_IN = dt.timedelta(minutes=10)
"""How long a given password opens what asks for a recent sign-in."""
NAMED_CENTRES = 2
"""More of them are counted where an account's learning centres are named."""


class SignInRefused(CaijiError):
    """User name, password or account state: the answer is the same for each."""

    code = "sign_in_refused"
    status = 401
    message = "用户名或密码不正确"


class PasswordWrong(CaijiError):
    """The present password, asked for once more, is not right."""

    code = "password_wrong"
    status = 422
    message = "当前密码不正确"


@functools.cache
def _dummy_hash() -> str:
    return hash_password(create_password())


def check_password(ctx: Context, username: str, password: str, address: str) -> Staff:
    """Return the account; raises SignInRefused, equally late for unknown users.

    An account whose institution does not open the console at ``address`` gets the same answer.
    """
    with ctx.db.read() as session:
        staff = session.scalars(
            select(Staff).where(Staff.username == username.strip()[:40])
        ).one_or_none()
        rules = read_rules(session, staff.institution_id) if staff else Rules()
    is_right = is_password_right(staff.password_hash if staff else _dummy_hash(), password)
    if staff is None or not is_right or staff.disabled_at is not None:
        raise SignInRefused
    if not is_address_on(rules.console_networks, address):
        raise SignInRefused
    return staff


def note_refusal(ctx: Context, username: str, address: str) -> None:
    """Write a refused sign-in to the log, also for a name that nobody has: equally late.

    What was typed is not kept: it may be a password in the wrong field.
    """
    with ctx.db.write() as session:
        staff = session.scalars(
            select(Staff).where(Staff.username == username.strip()[:40])
        ).one_or_none()
        session.add(
            AuditEntry(
                institution_id=staff.institution_id if staff else None,
                at=ctx.now(),
                action="session.refuse",
                subject_kind="staff",
                subject_id=str(staff.id) if staff else "",
                detail={"address": address},
            )
        )


def note_code_refusal(ctx: Context, staff_id: uuid.UUID, address: str) -> None:
    """Write a refused one-time code to the log: the password before it was right."""
    with ctx.db.write() as session:
        staff = session.get_one(Staff, staff_id)
        session.add(
            AuditEntry(
                institution_id=staff.institution_id,
                at=ctx.now(),
                action="session.refuse",
                subject_kind="staff",
                subject_id=str(staff.id),
                detail={"address": address, "step": "两步验证"},
            )
        )


def open_session(ctx: Context, staff_id: uuid.UUID, user_agent: str) -> tuple[str, Viewer]:
    """Start a session of an account that has proved itself; returns the bearer token and who."""
    now = ctx.now()
    token = create_token()
    with ctx.db.write() as session:
        staff = session.get_one(Staff, staff_id)
        rules = read_rules(session, staff.institution_id)
        row = StaffSession(
            staff_id=staff_id,
            token_hash=hash_token(token),
            created_at=now,
            last_seen_at=now,
            reauthenticated_at=now,
            expires_at=now + rules.absolute_limit,
            user_agent=user_agent[:200],
        )
        session.add(row)
        session.flush()
        viewer = _make_viewer(row, rules, now)
        staff.last_signed_in_at = now
        record_audit(session, viewer, "session.open", at=now)
    return token, viewer


def resume_session(ctx: Context, token: str, request_id: str = "") -> Viewer | None:
    """Return who the token belongs to, or None when its session has ended."""
    now = ctx.now()
    with ctx.db.read() as session:
        row = session.scalars(
            select(StaffSession).where(StaffSession.token_hash == hash_token(token))
        ).one_or_none()
        if row is None:
            return None
        rules = read_rules(session, row.staff.institution_id)
        if not is_alive(row, rules, now):
            return None
        viewer = _make_viewer(row, rules, now, request_id)
    if now - row.last_seen_at >= TOUCH_EVERY:
        with ctx.db.write() as session:
            session.execute(
                update(StaffSession).where(StaffSession.id == row.id).values(last_seen_at=now)
            )
    return viewer


def is_alive(row: StaffSession, rules: Rules, now: dt.datetime) -> bool:
    """Tell whether the session still opens pages."""
    return (
        row.revoked_at is None
        and row.staff.disabled_at is None
        and now < min(row.expires_at, row.created_at + rules.absolute_limit)
        and now - row.last_seen_at < rules.idle_limit
    )


def _make_viewer(row: StaffSession, rules: Rules, now: dt.datetime, request_id: str = "") -> Viewer:
    """Return the viewer of a session that is attached to a database session."""
    staff = row.staff
    has_totp = staff.totp_enabled_at is not None
    return Viewer(
        staff_id=staff.id,
        username=staff.username,
        shown_name=staff.shown_name,
        role=staff.role,
        institution_id=staff.institution_id,
        institution_name=staff.institution.name,
        centre_ids=tuple(centre.id for centre in staff.centres),
        centre_name=_name_centres(staff.centres),
        session_id=row.id,
        reauthenticated_at=row.reauthenticated_at,
        must_change_password=staff.must_change_password or is_password_old(rules, staff, now),
        has_totp=has_totp,
        request_id=request_id,
        must_add_second_factor=not has_totp and needs_second_factor(rules, staff.role),
        console_networks=rules.console_networks,
    )


def _name_centres(centres: Sequence[LearningCentre]) -> str:
    if len(centres) > NAMED_CENTRES:
        return f"{centres[0].name}等 {len(centres)} 个学习中心"
    return "、".join(centre.name for centre in centres)


def close_session(ctx: Context, viewer: Viewer, session_id: uuid.UUID) -> None:
    """End one of the viewer's own sessions on the server; a stranger's is left alone."""
    now = ctx.now()
    with ctx.db.write() as session:
        if _revoke(session, viewer.staff_id, now, StaffSession.id == session_id):
            record_audit(
                session,
                viewer,
                "session.close",
                at=now,
                subject_kind="staff_session",
                subject_id=session_id,
            )


def list_sessions(ctx: Context, viewer: Viewer) -> list[StaffSession]:
    """Return the viewer's living sessions, newest first."""
    now = ctx.now()
    with ctx.db.read() as session:
        rules = read_rules(session, viewer.institution_id)
        return list(
            session.scalars(
                select(StaffSession)
                .where(
                    StaffSession.staff_id == viewer.staff_id,
                    StaffSession.revoked_at.is_(None),
                    StaffSession.expires_at > now,
                    StaffSession.created_at > now - rules.absolute_limit,
                    StaffSession.last_seen_at > now - rules.idle_limit,
                )
                .order_by(StaffSession.last_seen_at.desc())
            )
        )


def revoke_all(session: Session, staff_id: uuid.UUID, now: dt.datetime) -> None:
    """End every session of an account, in the caller's transaction."""
    _revoke(session, staff_id, now)


def _revoke(
    session: Session, staff_id: uuid.UUID, now: dt.datetime, *conditions: ColumnElement[bool]
) -> int:
    result = session.execute(
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None), *conditions)
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def change_password(ctx: Context, viewer: Viewer, *, current: str, new: str, again: str) -> None:
    """Give the viewer a new password; every other session of the account ends.

    Raises:
        PasswordWrong, PasswordUnfit.
    """
    _require_password(ctx, viewer, current)
    if new != again:
        raise PasswordUnfit("两次输入的新密码不一致")
    with ctx.db.read() as session:
        rules = read_rules(session, viewer.institution_id)
        staff = session.get_one(Staff, viewer.staff_id)
        institution = session.get_one(Institution, viewer.institution_id)
    judge_password(rules, staff, new, institution.name)
    now = ctx.now()
    password_hash = hash_password(new)
    with ctx.db.write() as session:
        staff = session.get_one(Staff, viewer.staff_id)
        former = [staff.password_hash, *staff.former_password_hashes]
        staff.former_password_hashes = former[:MOST_FORMER_PASSWORDS]
        staff.password_hash = password_hash
        staff.password_changed_at = now
        staff.must_change_password = False
        _revoke(session, viewer.staff_id, now, StaffSession.id != viewer.session_id)
        record_audit(session, viewer, "password.change", at=now)


def confirm_password(ctx: Context, viewer: Viewer, password: str) -> None:
    """Note that the viewer has just given the password again; raises PasswordWrong."""
    _require_password(ctx, viewer, password)
    with ctx.db.write() as session:
        session.get_one(StaffSession, viewer.session_id).reauthenticated_at = ctx.now()


def signed_in_recently(ctx: Context, viewer: Viewer) -> bool:
    """Tell whether the password was given within the last minutes."""
    return ctx.now() - viewer.reauthenticated_at < RECENT_SIGN_IN


def _require_password(ctx: Context, viewer: Viewer, password: str) -> None:
    with ctx.db.read() as session:
        staff = session.get_one(Staff, viewer.staff_id)
    if not is_password_right(staff.password_hash, password):
        raise PasswordWrong
