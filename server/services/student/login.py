"""Sign-in of a WeChat user: the phone's login code becomes our own bearer token."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError

from models import ApiToken, WechatUser, index_openid
from server.context import Context
from server.errors import CaijiError, ServiceBusy
from server.gateways.transport import GatewayError
from server.gateways.wechat_login import LoginCodeInvalid, LoginRateLimited, LoginUserBlocked
from server.security.tokens import create_token, hash_token

log = structlog.get_logger()

TOKEN_LIFE = dt.timedelta(days=7)
# Built once: every call of the API asks.
OWNER = select(ApiToken.user_id).where(
    ApiToken.token_hash == bindparam("wanted_hash"),
    ApiToken.revoked_at.is_(None),
    ApiToken.expires_at > bindparam("now"),
)


class LoginCodeRefused(CaijiError):
    """WeChat does not know the code, or it was used before."""

    code = "login_code_invalid"
    status = 401
    message = "微信登录已失效，请重新打开小程序"


class LoginBlocked(CaijiError):
    """WeChat blocks this account."""

    code = "login_blocked"
    status = 403
    message = "该微信账号被微信限制登录"


class LoginUnavailable(ServiceBusy):
    """WeChat does not answer."""

    code = "wechat_unavailable"
    message = "暂时无法连接微信，请稍后再试"


class TokenInvalid(CaijiError):
    """No token, an unknown, an expired or a revoked one."""

    code = "unauthorised"
    status = 401
    message = "请先登录"


@dataclass(frozen=True)
class Login:
    """A fresh token and when it ends."""

    token: str
    expires_at: dt.datetime


def login_student(ctx: Context, js_code: str) -> Login:
    """Exchange a wx.login code for a token.

    Raises:
        LoginCodeRefused, LoginBlocked, LoginUnavailable.
    """
    openid = _ask_wechat(ctx, js_code)
    now = ctx.now()
    login = Login(create_token(), now + TOKEN_LIFE)
    user_id = _find_or_create_user(ctx, openid)
    with ctx.db.write() as session:
        session.add(
            ApiToken(
                user_id=user_id,
                token_hash=hash_token(login.token),
                created_at=now,
                expires_at=login.expires_at,
            )
        )
    return login


def _ask_wechat(ctx: Context, js_code: str) -> str:
    try:
        return ctx.login.exchange_code(js_code)
    except LoginCodeInvalid as error:
        raise LoginCodeRefused from error
    except LoginUserBlocked as error:
        raise LoginBlocked from error
    except LoginRateLimited as error:
        raise LoginUnavailable(retry_after_s=30) from error
    except GatewayError as error:
        log.warning("wechat_login_failed", kind=type(error).__name__)
        raise LoginUnavailable from error


def _find_or_create_user(ctx: Context, openid: str) -> uuid.UUID:
    query = select(WechatUser.id).where(WechatUser.openid_index == index_openid(openid, ctx.cipher))
    with ctx.db.read() as session:
        known = session.scalars(query).one_or_none()
    if known is not None:
        return known
    try:
        with ctx.db.write() as session:
            user = WechatUser(created_at=ctx.now())
            user.encrypt_openid(openid, ctx.cipher)
            session.add(user)
            session.flush()
            return user.id
    except IntegrityError:
        # The same phone signed in twice at once.
        with ctx.db.read() as session:
            return session.scalars(query).one()


def authenticate(ctx: Context, token: str | None) -> uuid.UUID:
    """Return the user that a bearer token belongs to; raises TokenInvalid."""
    if not token:
        raise TokenInvalid
    sought = {"wanted_hash": hash_token(token), "now": ctx.now()}
    with ctx.db.read() as session:
        user_id = session.scalars(OWNER, sought).one_or_none()
    if user_id is None:
        raise TokenInvalid
    return user_id
