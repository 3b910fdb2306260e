"""Staff sign in: passwords, and server-side sessions that end by themselves or are revoked."""

from __future__ import annotations

import datetime as dt
import functools
import threading
import uuid

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from models import Staff, StaffSession
from server.context import Context
from server.errors import CaijiError
from server.security.passwords import (
    MIN_LENGTH,
    create_password,
    hash_password,
    is_password_right,
)
from server.security.tokens import create_token, hash_token
from server.services.audit import record_audit
from server.services.staff_viewer import Viewer

IDLE_LIMIT = dt.timedelta(minutes=60)
ABSOLUTE_LIMIT = dt.timedelta(hours=12)
TOUCH_EVERY = dt.timedelta(minutes=1)
"""A session is written at most this often: reading pages must not queue for the writer's lock."""
RECENT_SIGN_IN = dt.timedelta(minutes=10)
"""How long a given password opens what asks for a recent sign-in."""

# argon2 takes 64 MB a hash: a flood of sign-ins must not multiply that by the threads.
_hashing = threading.BoundedSemaphore(2)


class SignInRefused(CaijiError):
    """User name, password or account state: the answer is the same for each."""

    code = "sign_in_refused"
    status = 401
    message = "用户名或密码不正确"


class PasswordUnfit(CaijiError):
    """The new password is too short, unchanged, or was not typed twice alike."""

    code = "password_unfit"
    status = 422
    message = f"新密码至少 {MIN_LENGTH} 位,不能与原密码或用户名相同,且两次输入必须一致"


class PasswordWrong(CaijiError):
    """The present password, asked for once more, is not right."""

    code = "password_wrong"
    status = 422
    message = "当前密码不正确"


@functools.cache
def _dummy_hash() -> str:
    return hash_password(create_password())


def _verify(password_hash: str, password: str) -> bool:
    with _hashing:
        return is_password_right(password_hash, password)


def check_password(ctx: Context, username: str, password: str) -> Staff:
    """Return the account; raises SignInRefused, equally late for unknown users."""
    with ctx.db.read() as session:
        staff = session.scalars(
            select(Staff).where(Staff.username == username.strip()[:40])
        ).one_or_none()
    is_right = _verify(staff.password_hash if staff else _dummy_hash(), password)
    if staff is None or not is_right or staff.disabled_at is not None:
        raise SignInRefused
    return staff


def open_session(ctx: Context, staff_id: uuid.UUID, user_agent: str) -> str:
    """Start a session of an account that has proved itself; returns the bearer token."""
    now = ctx.now()
    token = create_token()
    with ctx.db.write() as session:
        row = StaffSession(
            staff_id=staff_id,
            token_hash=hash_token(token),
            created_at=now,
            last_seen_at=now,
            reauthenticated_at=now,
            expires_at=now + ABSOLUTE_LIMIT,
            user_agent=user_agent[:200],
        )
        session.add(row)
        session.flush()
        record_audit(session, make_viewer(row), "session.open", at=now)
    return token


def resume_session(ctx: Context, token: str, request_id: str = "") -> Viewer | None:
    """Return who the token belongs to, or None when its session has ended."""
    now = ctx.now()
    with ctx.db.read() as session:
        row = session.scalars(
            select(StaffSession).where(StaffSession.token_hash == hash_token(token))
        ).one_or_none()
        if row is None or not is_alive(row, now):
            return None
        viewer = make_viewer(row, request_id)
    if now - row.last_seen_at >= TOUCH_EVERY:
        with ctx.db.write() as session:
            session.execute(
                update(StaffSession).where(StaffSession.id == row.id).values(last_seen_at=now)
            )
    return viewer


def is_alive(row: StaffSession, now: dt.datetime) -> bool:
    """Tell whether the session still opens pages."""
    return (
        row.revoked_at is None
        and row.staff.disabled_at is None
        and now < row.expires_at
        and now - row.last_seen_at < IDLE_LIMIT
    )


def make_viewer(row: StaffSession, request_id: str = "") -> Viewer:
    """Return the viewer of a session that is attached to a database session."""
    staff = row.staff
    return Viewer(
        staff_id=staff.id,
        username=staff.username,
        role=staff.role,
        institution_id=staff.institution_id,
        institution_name=staff.institution.name,
        centre_id=staff.centre_id,
        centre_name=staff.centre.name if staff.centre else "",
        session_id=row.id,
        reauthenticated_at=row.reauthenticated_at,
        must_change_password=staff.must_change_password,
        has_totp=staff.totp_enabled_at is not None,
        request_id=request_id,
    )


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
        return list(
            session.scalars(
                select(StaffSession)
                .where(
                    StaffSession.staff_id == viewer.staff_id,
                    StaffSession.revoked_at.is_(None),
                    StaffSession.expires_at > now,
                    StaffSession.last_seen_at > now - IDLE_LIMIT,
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
    if new != again or new == current or len(new) < MIN_LENGTH or new == viewer.username:
        raise PasswordUnfit
    now = ctx.now()
    with _hashing:
        password_hash = hash_password(new)
    with ctx.db.write() as session:
        staff = session.get_one(Staff, viewer.staff_id)
        staff.password_hash = password_hash
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
    if not _verify(staff.password_hash, password):
        raise PasswordWrong
