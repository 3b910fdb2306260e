"""A browser in which somebody has proved who they are before: strangers do not shut them out.

The cookie carries a random number of the browser and keyed digests of who proved themselves there,
signed with the secret key. It opens nothing: it only moves an attempt to counters of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response as BaseResponse

LIFE_S = 180 * 86_400
KEPT = 5
"""So many people of one browser; an office shares one."""


@dataclass(frozen=True)
class KnownBrowser:
    """The cookie of one door."""

    cookie: str
    path: str

    def recognise(self, subject: str) -> str | None:
        """Return the number of this browser when ``subject`` proved itself in it before."""
        known = self._read()
        return known["id"] if known and _digest(subject) in known["of"] else None

    def remember(self, response: BaseResponse | Response, subject: str) -> None:
        """Note on ``response`` that ``subject`` has just proved itself in this browser."""
        known = self._read() or {"id": secrets.token_urlsafe(12), "of": []}
        mine = _digest(subject)
        known["of"] = [mine, *(one for one in known["of"] if one != mine)][:KEPT]
        response.set_cookie(
            self.cookie,
            self._signer().dumps(known),
            max_age=LIFE_S,
            path=self.path,
            secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
            httponly=True,
            samesite="Strict",
        )

    def _read(self) -> dict[str, Any] | None:
        try:
            found = self._signer().loads(request.cookies.get(self.cookie, ""), max_age=LIFE_S)
        except BadSignature:
            return None
        return found if isinstance(found, dict) else None

    def _signer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(current_app.secret_key or "", salt=self.cookie)


def _digest(subject: str) -> str:
    key = (current_app.secret_key or "").encode()  # type: ignore[union-attr]
    return hmac.new(key, f"known browser:{subject}".encode(), hashlib.sha256).hexdigest()[:24]
