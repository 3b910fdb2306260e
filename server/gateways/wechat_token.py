"""The access token that WeChat's other calls need, through `stable_token`.

`stable_token` gives every caller the same token while it is valid, so processes do not invalidate
each other's as with the older `token` call.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Protocol

from server.gateways.transport import GatewayRefused, GatewayUnavailable, Transport
from server.gateways.wechat_login import read_json


@dataclass(frozen=True, slots=True)
class FreshToken:
    """A token and the seconds for which it is good."""

    token: str = field(repr=False)
    expires_in_s: int


class AccessTokens(Protocol):
    """Where `WechatMessages` gets its token from."""

    def get(self, *, refused: str | None = None) -> str:
        """Return a token; `refused` is one that WeChat has just called invalid."""
        ...


class StableTokenClient:
    """Fetches tokens; keeping them is the business of the caller."""

    def __init__(self, transport: Transport, app_id: str, app_secret: str) -> None:
        self._transport = transport
        self._app_secret = app_secret
        self.app_id = app_id

    def fetch(self, *, must_be_new: bool = False) -> FreshToken:
        """Ask for the present token, or for a new one that ends the present one."""
        payload = {
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": self._app_secret,
            "force_refresh": must_be_new,
        }
        answer = self._transport.send(
            "POST",
            "/cgi-bin/stable_token",
            headers={"Content-Type": "application/json"},
            content=json.dumps(payload).encode(),
        )
        content = read_json(answer)
        token = content.get("access_token")
        if not isinstance(token, str) or not token:
            errcode = content.get("errcode", 0)
            if errcode in {0, -1}:
                raise GatewayUnavailable("no access token in the answer")
            raise GatewayRefused(str(errcode))
        return FreshToken(token, int(content.get("expires_in", 0)))
