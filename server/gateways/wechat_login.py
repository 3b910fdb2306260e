"""wx.login: turns the code of a phone into an openid.

`session_key` is dropped right here: nothing of ours needs it, so it cannot leak.
"""

from __future__ import annotations

import json
from typing import Any, Protocol
from urllib.parse import urlencode

from server.gateways.transport import Answer, GatewayRefused, GatewayUnavailable, Transport

MAX_ANSWER_BYTES = 64 * 1024
ERRCODE_BUSY = -1
ERRCODE_RATE_LIMIT = 45011
ERRCODE_BLOCKED = 40226
ERRCODES_BAD_CODE = frozenset({40029, 40163})  # unknown or expired; already used
MAX_OPENID_LENGTH = 64


class LoginCodeInvalid(GatewayRefused):
    """The code is unknown, expired or used: the phone must call wx.login again."""


class LoginRateLimited(GatewayRefused):
    """This user asks too often (WeChat's own limit: 100 a minute a user)."""


class LoginUserBlocked(GatewayRefused):
    """WeChat holds this account for risky and blocks it."""


class WechatLogin(Protocol):
    """Who is behind a login code."""

    def exchange_code(self, js_code: str) -> str:
        """Return the openid.

        Raises:
            LoginCodeInvalid, LoginRateLimited, LoginUserBlocked: WeChat's answer.
            GatewayError: no usable answer.
        """
        ...


class HttpWechatLogin:
    """`WechatLogin` over `GET /sns/jscode2session`, which needs no access token."""

    def __init__(self, transport: Transport, app_id: str, app_secret: str) -> None:
        self._transport = transport
        self._app_id = app_id
        self._app_secret = app_secret

    def exchange_code(self, js_code: str) -> str:
        """Return the openid; when WeChat is busy, ask once more."""
        content = self._ask(js_code)
        if content.get("errcode") == ERRCODE_BUSY:
            content = self._ask(js_code)
        errcode = content.get("errcode") or 0
        if errcode:
            raise _as_login_error(errcode)
        openid = content.get("openid")
        if not isinstance(openid, str) or not 0 < len(openid) <= MAX_OPENID_LENGTH:
            raise GatewayUnavailable("the login answer has no openid")
        return openid

    def _ask(self, js_code: str) -> dict[str, Any]:
        query = urlencode(
            {
                "appid": self._app_id,
                "secret": self._app_secret,
                "js_code": js_code,
                "grant_type": "authorization_code",
            }
        )
        return read_json(
            self._transport.send("GET", f"/sns/jscode2session?{query}", max_bytes=MAX_ANSWER_BYTES)
        )


def _as_login_error(errcode: int) -> Exception:
    """Choose the error for WeChat's number. Its text is left out: it may repeat the code."""
    if errcode in ERRCODES_BAD_CODE:
        return LoginCodeInvalid(str(errcode))
    if errcode == ERRCODE_RATE_LIMIT:
        return LoginRateLimited(str(errcode))
    if errcode == ERRCODE_BLOCKED:
        return LoginUserBlocked(str(errcode))
    if errcode == ERRCODE_BUSY:
        return GatewayUnavailable("WeChat is busy")
    return GatewayRefused(str(errcode))


def read_json(answer: Answer) -> dict[str, Any]:
    """Return the object of a WeChat answer, which calls itself text/plain but is JSON."""
    if answer.status != 200:  # noqa: PLR2004
        raise GatewayUnavailable(f"HTTP {answer.status}")
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise GatewayUnavailable("the answer is not JSON") from None
    if not isinstance(content, dict):
        raise GatewayUnavailable("the answer is no JSON object")
    return content
