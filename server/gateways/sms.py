"""Outgoing SMS behind one small protocol: off, into a file, or to a provider's bridge over https.

Chinese providers (Tencent, Aliyun, carriers) differ in signing, templates and contracts: a college
that has one runs its bridge, which takes our JSON and speaks the provider's language.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from server.gateways.transport import GatewayRefused, GatewayUnavailable, Transport

MAX_ANSWER_BYTES = 65_536
FIRST_SERVER_ERROR = 500
TOO_MANY = 429
FIRST_ERROR = 400


class SmsRefused(GatewayRefused):
    """The provider's final no, for example a number that does not exist."""


class SmsGateway(Protocol):
    """What we ask of whoever carries an SMS."""

    is_on: bool
    """Without one nothing is offered and nothing is queued."""

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Send one message; the same ``reference`` twice is the same message.

        Raises:
            SmsRefused: never send it again.
            GatewayError: try later.
        """
        ...


class NoSms:
    """SMS is off."""

    is_on = False

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Refuse; nobody should have asked."""
        raise SmsRefused("off")


class FileSms:
    """Appends each message as one JSON line to a file that only its owner reads: for tests."""

    is_on = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Write one line."""
        line = json.dumps(
            {"phone": phone, "text": text, "reference": reference}, ensure_ascii=False
        )
        try:
            with self._lock:
                handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(handle, "a", encoding="utf-8") as file:
                    file.write(line + "\n")
        except OSError as error:
            raise GatewayUnavailable(type(error).__name__) from error


class HttpSms:
    """Posts ``{"phone", "text", "reference"}`` to a bridge; 2xx sent, 4xx refused, else later."""

    is_on = True

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._transport = Transport(f"{parts.scheme}://{parts.netloc}")
        self._token = token

    def send(self, phone: str, text: str, *, reference: str) -> None:
        """Send one message."""
        body = {"phone": phone, "text": text, "reference": reference}
        answer = self._transport.send(
            "POST",
            self._path,
            content=json.dumps(body).encode(),
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._token}",
            },
            max_bytes=MAX_ANSWER_BYTES,
        )
        if answer.status == TOO_MANY or answer.status >= FIRST_SERVER_ERROR:
            raise GatewayUnavailable(str(answer.status))
        if answer.status >= FIRST_ERROR:
            raise SmsRefused(str(answer.status))


def open_sms(url: str, token: str) -> SmsGateway:
    """Return the gateway of ``CAIJI_SMS_GATEWAY``: empty is off; raises ValueError."""
    parts = urlsplit(url)
    if not url:
        return NoSms()
    if parts.scheme == "file" and parts.path.startswith("/") and not parts.netloc:
        return FileSms(Path(parts.path))
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname == "127.0.0.1"):
        return HttpSms(url, token)
    raise ValueError("expected file:///path or https://bridge/path")
