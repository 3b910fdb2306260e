"""The optional second factor of staff: one-time codes (TOTP, RFC 6238) and recovery codes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import uuid

import pyotp
from sqlalchemy.orm import Session

from models import Staff, describe_place
from server.context import Context
from server.errors import CaijiError
from server.security.passwords import ALPHABET
from server.services.audit import record_audit
from server.services.staff.policy import needs_second_factor, read_rules
from server.services.viewer import Viewer

STEP_S = 30
ALLOWED_DRIFT_STEPS = 1
"""A phone's clock may be half a minute off to either side."""
RECOVERY_CODE_COUNT = 8
RECOVERY_CODE_LENGTH = 10
"""Ten of 55 characters: 57 bits, so that a fast hash is enough."""


class CodeRefused(CaijiError):
    """The one-time code is wrong, used before, or too old."""

    code = "code_refused"
    status = 401
    message = "验证码不正确或已使用过"


class SecondFactorRequired(CaijiError):
    """The institution asks this role for the second factor."""

    code = "second_factor_required"
    status = 409
    message = "本校要求这个角色使用两步验证，不能关闭"


def create_secret() -> str:
    """Return a fresh secret in base32."""
    return pyotp.random_base32()


def describe_secret(viewer: Viewer, secret: str) -> str:
    """Return the otpauth address that an authenticator reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=viewer.username, issuer_name="采集工作台")


def enable_second_factor(ctx: Context, viewer: Viewer, secret: str, code: str) -> list[str]:
    """Turn it on once a code proves the secret was read; returns the recovery codes, once.

    Raises:
        CodeRefused.
    """
    now = ctx.now()
    codes = [_create_recovery_code() for _ in range(RECOVERY_CODE_COUNT)]
    with ctx.db.write() as session:
        staff = _lock(session, viewer.staff_id)
        step = _matching_step(ctx, secret, code, None)
        if step is None:
            raise CodeRefused
        staff.totp_secret_encrypted = ctx.cipher.encrypt(secret, place=_place(staff.id))
        staff.totp_enabled_at = now
        staff.totp_last_step = step
        staff.recovery_code_hashes = [_hash_recovery_code(one) for one in codes]
        record_audit(session, viewer, "second_factor.enable", at=now)
    return codes


def disable_second_factor(session: Session, staff: Staff) -> None:
    """Turn it off, in the caller's transaction."""
    staff.totp_secret_encrypted = None
    staff.totp_enabled_at = None
    staff.totp_last_step = None
    staff.recovery_code_hashes = []


def disable_own_second_factor(ctx: Context, viewer: Viewer) -> None:
    """Turn off the viewer's own second factor. The caller has asked for the password.

    Raises:
        SecondFactorRequired.
    """
    with ctx.db.write() as session:
        if needs_second_factor(read_rules(session, viewer.institution_id), viewer.role):
            raise SecondFactorRequired
        disable_second_factor(session, _lock(session, viewer.staff_id))
        record_audit(session, viewer, "second_factor.disable", at=ctx.now())


def check_second_factor(ctx: Context, staff_id: uuid.UUID, code: str) -> None:
    """Accept a one-time or a recovery code, each once; raises CodeRefused."""
    code = "".join(code.split())
    with ctx.db.write() as session:
        staff = _lock(session, staff_id)
        if staff.totp_secret_encrypted is None or staff.disabled_at is not None:
            raise CodeRefused
        secret = ctx.cipher.decrypt(staff.totp_secret_encrypted, place=_place(staff.id))
        step = _matching_step(ctx, secret, code, staff.totp_last_step)
        if step is not None:
            staff.totp_last_step = step
            return
        digest = _hash_recovery_code(code)
        if digest not in staff.recovery_code_hashes:
            raise CodeRefused
        staff.recovery_code_hashes = [one for one in staff.recovery_code_hashes if one != digest]


def _lock(session: Session, staff_id: uuid.UUID) -> Staff:
    return session.get_one(Staff, staff_id, with_for_update=True, populate_existing=True)


def _matching_step(ctx: Context, secret: str, code: str, last_step: int | None) -> int | None:
    now_step = int(ctx.now().timestamp()) // STEP_S
    otp = pyotp.TOTP(secret)
    for step in range(now_step - ALLOWED_DRIFT_STEPS, now_step + ALLOWED_DRIFT_STEPS + 1):
        is_fresh = last_step is None or step > last_step
        if is_fresh and hmac.compare_digest(otp.generate_otp(step).encode(), code.encode()):
            return step
    return None


def _create_recovery_code() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(RECOVERY_CODE_LENGTH))


def _hash_recovery_code(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def _place(staff_id: uuid.UUID) -> bytes:
    return describe_place("staff", "totp_secret_encrypted", staff_id)
