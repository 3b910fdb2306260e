"""A student gives the 图像采集码, as scanned text or as a picture, or takes it back."""

from __future__ import annotations

import uuid

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import ChsiCode, ChsiPolicy, ChsiWaiver, Enrolment, index_chsi_code
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.chsi.read_apart import read_code_apart
from server.services.chsi.state import may_remove
from server.services.chsi.symbol import AUTO, Symbol
from server.services.chsi_due import read_policy
from server.services.collection import Actor, advance, lock_enrolment

MOST_BYTES = 2900
"""A QR code of the largest size holds 2,953."""
MOST_AT_LEVEL_M_BYTES = 2300
BLANK = frozenset(" \t\r\n\u3000")


class ChsiCodeUnusable(CaijiError):
    """The text is empty, longer than any code, or no text."""

    code = "chsi_code_unusable"
    status = 422
    message = "扫到的内容不是图像采集码，请对准学信网页面上的码再扫一次"


class ChsiCodeNotWanted(CaijiError):
    """This feature code asks nobody for the 图像采集码."""

    code = "chsi_code_not_wanted"
    status = 409
    message = "这所学校不在这里收图像采集码，请按学校通知办理"


class ChsiCodeTaken(CaijiError):
    """The code belongs to another enrolment: the caller's own is named, nobody else's."""

    code = "chsi_code_taken"
    status = 409
    message = (
        "这个图像采集码已经用过了。请登录学信网，确认打开的是本人这个学籍的码；仍不行请联系学校"
    )


class ChsiCodeInUse(CaijiError):
    """The photo was handed in with its code, which the feature code requires."""

    code = "chsi_code_in_use"
    status = 409
    message = "照片已带着这个码提交审核，不能只删除码：可以换成新的码；要删除请先撤回照片"


def keep_text(ctx: Context, *, user_id: uuid.UUID, enrolment_id: uuid.UUID, text: str) -> None:
    """Keep the code whose text WeChat's scanner gave. Owns its transaction.

    Raises:
        NotFound, ChsiCodeUnusable, ChsiCodeNotWanted, ChsiCodeTaken.
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise ChsiCodeUnusable from error
    if not set(text) - BLANK or len(raw) > MOST_BYTES:
        raise ChsiCodeUnusable
    level = "M" if len(raw) <= MOST_AT_LEVEL_M_BYTES else "L"
    _keep(ctx, user_id, enrolment_id, text, Symbol(raw, AUTO, level), "scan")


def keep_picture(
    ctx: Context, *, user_id: uuid.UUID, enrolment_id: uuid.UUID, picture: bytes
) -> None:
    """Keep the code in a picture of 学信网's page; the picture itself is not kept.

    Raises:
        NotFound, ChsiCodeNotWanted, ChsiCodeUnusable, ChsiCodeTaken, and what
        ``read_code_apart`` raises.
    """
    with ctx.db.read() as session:
        _require_wanted(session, session.get(Enrolment, enrolment_id), user_id)
    found = read_code_apart(picture)
    _keep(ctx, user_id, enrolment_id, found.text, found.symbol, "picture")


def _keep(
    ctx: Context,
    user_id: uuid.UUID,
    enrolment_id: uuid.UUID,
    text: str,
    symbol: Symbol,
    source: str,
) -> None:
    try:
        _record(ctx, user_id, enrolment_id, text, symbol, source)
    except IntegrityError:
        # The same code twice at once: the other request was first, and the second look finds it.
        _record(ctx, user_id, enrolment_id, text, symbol, source)


def _record(
    ctx: Context,
    user_id: uuid.UUID,
    enrolment_id: uuid.UUID,
    text: str,
    symbol: Symbol,
    source: str,
) -> None:
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment = _require_wanted(session, lock_enrolment(session, enrolment_id), user_id)
        found = session.scalars(
            select(ChsiCode).where(ChsiCode.text_index == index_chsi_code(text, ctx.cipher))
        ).one_or_none()
        if found is not None and found.enrolment_id != enrolment.id:
            raise _refuse_taken(session, found, user_id)
        session.execute(delete(ChsiCode).where(ChsiCode.enrolment_id == enrolment.id))
        row = ChsiCode(
            enrolment_id=enrolment.id,
            mode=symbol.mode,
            error_level=symbol.error_level,
            version=symbol.version,
            mask=symbol.mask,
            source=source,
            created_at=now,
        )
        row.encrypt(text, symbol.raw, ctx.cipher)
        session.add(row)
        session.execute(delete(ChsiWaiver).where(ChsiWaiver.enrolment_id == enrolment.id))
        session.flush()
        advance(session, enrolment, actor=Actor("student", user_id), at=now)


def _require_wanted(session: Session, enrolment: Enrolment | None, user_id: uuid.UUID) -> Enrolment:
    if enrolment is None or enrolment.wechat_user_id != user_id:
        raise NotFound
    if read_policy(session, enrolment) is ChsiPolicy.OFF:
        raise ChsiCodeNotWanted
    return enrolment


def _refuse_taken(session: Session, found: ChsiCode, user_id: uuid.UUID) -> ChsiCodeTaken:
    """Return the refusal: it names the other enrolment only where that is the caller's own."""
    other = session.get_one(Enrolment, found.enrolment_id)
    if other.wechat_user_id != user_id:
        return ChsiCodeTaken()
    programme = " ".join(part for part in (other.level, other.major) if part)
    which = f"学号 {other.student_no}" + (f"（{programme}）" if programme else "")
    return ChsiCodeTaken(
        f"这个码是另一个学籍的：{which}已经用了它。请在学信网打开这个学籍的码再提供",
        data={"enrolment_id": str(other.id), "student_no": other.student_no},
    )


def remove_code(ctx: Context, *, user_id: uuid.UUID, enrolment_id: uuid.UUID) -> None:
    """Delete the student's code; nothing happens where there is none. Owns its transaction.

    Raises:
        NotFound, ChsiCodeInUse.
    """
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or enrolment.wechat_user_id != user_id:
            raise NotFound
        if not may_remove(read_policy(session, enrolment), enrolment):
            raise ChsiCodeInUse
        session.execute(delete(ChsiCode).where(ChsiCode.enrolment_id == enrolment.id))
