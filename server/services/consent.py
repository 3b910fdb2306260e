"""What a student agreed to: versions of the text, and when a new one has to be asked for.

A version is ``2026-01``, or ``2026-01.2`` for the same with better words. The law asks for consent
anew when purpose, method or kind of data change (PIPL, article 14): that is a new name before the
dot, and whoever agreed to an older one is asked again before the next photo. What changes behind
the dot is shown to those who come, and binds nobody twice.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import ConsentText
from server.context import Context
from server.errors import CaijiError

VERSION_PATTERN = re.compile(r"\d{4}-\d{2}(\.\d{1,3})?")
MIN_TEXT_LENGTH = 50


class ConsentVersionOutdated(CaijiError):
    """The student agreed to a text that is not the present one."""

    code = "consent_outdated"
    status = 409
    message = "授权说明已更新,请阅读后重新确认"


class ConsentMalformed(CaijiError):
    """Not a version like 2026-01 or 2026-01.2, no text, or a version that was published before."""

    code = "consent_malformed"
    status = 422
    message = "授权说明的版本应为 2026-01 或 2026-01.2,内容不少于 50 字,已发布的版本不能修改"


def current_consent(session: Session) -> ConsentText:
    """Return the newest consent text."""
    newest = select(ConsentText).order_by(ConsentText.created_at.desc(), ConsentText.version.desc())
    return session.scalars(newest.limit(1)).one()


def require_consent(session: Session, version: str | None) -> None:
    """Refuse a version that was never published or that no longer says what is done.

    Raises:
        ConsentVersionOutdated.
    """
    if version is None or session.get(ConsentText, version) is None:
        raise ConsentVersionOutdated
    if _meaning_of(version) != _meaning_of(current_consent(session).version):
        raise ConsentVersionOutdated


def publish_consent(ctx: Context, version: str, text: str) -> bool:
    """Store a new version, which is the present one from now on; owns its transaction.

    Returns whether students who agreed before are asked again. Raises ConsentMalformed.
    """
    text = text.strip()
    if not VERSION_PATTERN.fullmatch(version) or len(text) < MIN_TEXT_LENGTH:
        raise ConsentMalformed
    try:
        with ctx.db.write() as session:
            former = session.scalars(select(ConsentText.version)).all()
            session.add(ConsentText(version=version, text=text, created_at=ctx.now()))
    except IntegrityError as error:
        raise ConsentMalformed from error
    return bool(former) and _meaning_of(version) not in {_meaning_of(each) for each in former}


def _meaning_of(version: str) -> str:
    return version.partition(".")[0]
