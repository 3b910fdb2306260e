"""WeChat's users end: nobody's openid is kept whom no student of ours needs any more.

A user ends with the last enrolment that it holds, sent a photo for or paid for; and who looked in
and never bound, or was released, ends when the last sign-in is long over. The row stays, for
orders and consents point at it, but its openid is replaced: a later sign-in is a new user.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, delete, exists, select
from sqlalchemy.orm import Session

from models import ApiToken, Enrolment, MessageAllowance, Order, Photo, WechatUser, index_openid
from server.context import Context

PAGE = 100
LOGIN_KEPT = dt.timedelta(days=30)
"""How long a sign-in is kept after its end."""
ENDED = "ended"
"""What a replaced openid begins with."""


def end_idle_users(ctx: Context, *, is_dry: bool = False) -> int:
    """End users who hold nothing and whose sign-ins are over, or with ``is_dry`` count them.

    Owns its transactions.
    """
    before = ctx.now() - LOGIN_KEPT
    with ctx.db.read() as session:
        rows = session.execute(select(WechatUser.id, WechatUser.openid_index).where(_idle(before)))
        idle = [row.id for row in rows if row.openid_index != _ended_index(ctx, row.id)]
    count = 0
    for start in range(0, len(idle), PAGE):
        with ctx.db.write() as session:
            page = select(WechatUser.id).where(
                WechatUser.id.in_(idle[start : start + PAGE]), _idle(before)
            )
            users = session.scalars(page).all()
            count += (
                len(_find_unneeded(session, users)) if is_dry else end_users(ctx, session, users)
            )
    return count


def _idle(before: dt.datetime) -> ColumnElement[bool]:
    is_signed_in = exists().where(ApiToken.user_id == WechatUser.id, ~is_login_over(before))
    holds_one = exists().where(Enrolment.wechat_user_id == WechatUser.id)
    return and_(WechatUser.created_at < before, ~is_signed_in, ~holds_one)


def is_login_over(before: dt.datetime) -> ColumnElement[bool]:
    """Return the condition on ApiToken that it ended before this moment."""
    is_revoked = and_(ApiToken.revoked_at.is_not(None), ApiToken.revoked_at < before)
    return (ApiToken.expires_at < before) | is_revoked


def _ended_index(ctx: Context, user_id: uuid.UUID) -> bytes:
    return index_openid(f"{ENDED} {user_id}", ctx.cipher)


def end_users(ctx: Context, session: Session, users: Collection[uuid.UUID]) -> int:
    """End those of these users whom nobody needs, in the caller's transaction; returns how many."""
    ended = _find_unneeded(session, users)
    for user_id in ended:
        user = session.get_one(WechatUser, user_id)
        user.encrypt_openid(f"{ENDED} {user_id}", ctx.cipher)
    for table in (ApiToken, MessageAllowance):
        session.execute(delete(table).where(table.user_id.in_(ended)))
    return len(ended)


def _find_unneeded(session: Session, users: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return who holds no enrolment, and sent no photo of one that goes on nor paid for it."""
    held = select(Enrolment.wechat_user_id).where(Enrolment.wechat_user_id.in_(users))
    needed = set(session.scalars(held))
    for table in (Photo, Order):
        going_on = (
            select(table.user_id)
            .join(Enrolment, Enrolment.id == table.enrolment_id)
            .where(table.user_id.in_(users), Enrolment.ended_at.is_(None))
        )
        needed |= set(session.scalars(going_on))
    return set(users) - needed
