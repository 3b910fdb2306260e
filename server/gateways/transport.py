"""Calls to other people's servers with a limit on everything: time, size, retries, logging.

Addresses of WeChat carry secrets in their query (AppSecret, js_code, access tokens), so no error
text here contains an address and the HTTP library's own request log is switched off.
"""

from __future__ import annotations

import functools
import logging
import os
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 4.0
TOTAL_TIMEOUT_S = 5.0  # a student waits for this call and is promised an answer within 10 s
MAX_CALLS_AT_ONCE = 8  # a hanging server must not hold all threads of the web process
MAX_WAIT_FOR_TURN_S = 1.0
MAX_ANSWER_BYTES = 1 << 20
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
BROKEN_CONNECTION = (
    httpx.ConnectError,
    httpx.RemoteProtocolError,
    httpx.ReadError,
    httpx.WriteError,
)


class GatewayError(Exception):
    """The outside world did not do what we asked. The text never holds secrets."""


class GatewayTimeout(GatewayError):
    """No whole answer in time. What we asked for may or may not have happened."""


class GatewayUnavailable(GatewayError):
    """No connection, a broken one, or an answer that is none (HTML, too large, not decodable)."""


class GatewayRefused(GatewayError):
    """WeChat answered with a business error.

    Args:
        code: WeChat's own error code, for example `ORDER_NOT_EXIST` or `ORDERPAID`.
        message: WeChat's text, cut to a line.
    """

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code[:64]
        super().__init__(f"{self.code}: {message[:120]}" if message else self.code)


_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


@contextmanager
def time_budget(seconds: float) -> Iterator[None]:
    """Give all calls inside the block these seconds together, however many they are."""
    token = _deadline.set(min(_deadline.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _deadline.reset(token)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: `status`, lower-case `headers`, whole `body`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def silence_library_logs() -> None:
    """Stop the libraries that log addresses, headers or keys below WARNING from doing so."""
    for name in ("httpx", "httpcore", "wechatpy"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # wechatpy logs the string it signs, API key included, at DEBUG through this logger of its own
    logging.getLogger("wechatpy.pay.utils").setLevel(logging.WARNING)


def is_loopback(url: str) -> bool:
    """Whether `url` points at this machine."""
    return (urlsplit(url).hostname or "") in LOOPBACK_HOSTS


def is_allowed_url(url: str) -> bool:
    """Whether we may talk to `url`: https anywhere, plain http only on this machine."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))


def _read_origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


class Transport:
    """A pooled HTTP client for one base address. Safe to share between threads.

    Args:
        base_url: scheme, host and port, without a path at its end.
        total_timeout_s: seconds from the start of a call to its last byte.
        cert_file: PEM file with our client certificate and its key, where the other side wants one.
    """

    def __init__(
        self, base_url: str, *, total_timeout_s: float = TOTAL_TIMEOUT_S, cert_file: str = ""
    ) -> None:
        if not is_allowed_url(base_url):
            raise ValueError("address must be https, or http on this machine")
        silence_library_logs()
        self.base_url = base_url.rstrip("/")
        self._origin = _read_origin(self.base_url)
        self._total_timeout_s = total_timeout_s
        self._cert_file = cert_file
        self._lock = threading.Lock()
        self._turns = threading.BoundedSemaphore(MAX_CALLS_AT_ONCE)
        self._client: httpx.Client | None = None

    def send(
        self,
        method: str,
        path_and_query: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """Send one request below the base address and return the whole answer.

        A connection that breaks before an answer is tried once more: every call we make carries a
        number of our own, so a repetition is the same order, refund or message, not a second one.

        Raises:
            GatewayTimeout: the time is up.
            GatewayUnavailable: no connection, or more than `max_bytes`.
        """
        deadline = min(time.monotonic() + self._total_timeout_s, _deadline.get())
        url = self._join(path_and_query)
        request = self._pool().build_request(method, url, headers=headers, content=content)
        if not self._turns.acquire(timeout=MAX_WAIT_FOR_TURN_S):
            raise GatewayUnavailable("too many calls wait for an answer")
        try:
            return self._send_twice(request, max_bytes, deadline)
        except httpx.HTTPError as error:
            raise _as_gateway_error(error) from None
        finally:
            self._turns.release()

    @contextmanager
    def stream(
        self, path_and_query: str, headers: Mapping[str, str]
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Open a download and yield its status and its chunks; for bills, which may be large.

        Its only limits are the pause between two pieces and the caller's `time_budget`.
        """
        url = self._join(path_and_query)
        try:
            with self._pool().stream("GET", url, headers=dict(headers)) as answer:
                yield answer.status_code, _in_time(answer.iter_bytes(), _deadline.get())
        except httpx.HTTPError as error:
            raise _as_gateway_error(error) from None

    def _join(self, path_and_query: str) -> str:
        """Return the whole address; a path such as ``@other/`` must not lead to another host."""
        url = self.base_url + path_and_query
        if _read_origin(url) != self._origin:
            raise GatewayUnavailable("the address leads to another host")
        return url

    def close(self) -> None:
        """Close the pooled connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _pool(self) -> httpx.Client:
        """Make the client on first use, after gunicorn has forked: sockets must not be shared."""
        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                    verify=self._make_tls_context(),
                    # a proxy of the environment serves the way out, never the way to ourselves
                    trust_env=not is_loopback(self.base_url),
                    follow_redirects=False,
                )
            return self._client

    def _make_tls_context(self) -> ssl.SSLContext:
        if not self._cert_file:
            return _trust_system(os.environ.get("SSL_CERT_FILE", ""))
        context = ssl.create_default_context()
        context.load_cert_chain(self._cert_file)
        return context

    def _send_twice(self, request: httpx.Request, max_bytes: int, deadline: float) -> Answer:
        try:
            return self._send_once(request, max_bytes, deadline)
        except BROKEN_CONNECTION:
            return self._send_once(request, max_bytes, deadline)

    def _send_once(self, request: httpx.Request, max_bytes: int, deadline: float) -> Answer:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise GatewayTimeout("the time is up")
        wait_s = min(READ_TIMEOUT_S, left_s)
        timeout = httpx.Timeout(wait_s, connect=min(CONNECT_TIMEOUT_S, left_s))
        request.extensions["timeout"] = timeout.as_dict()
        answer = self._pool().send(request, stream=True)
        try:
            body = _read_bounded(answer.iter_bytes(), max_bytes, deadline)
        finally:
            answer.close()
        return Answer(answer.status_code, dict(answer.headers), body)


@functools.cache
def _trust_system(_authorities: str) -> ssl.SSLContext:
    """Return the one context of this process without a certificate of ours.

    Making one reads every authority that the system trusts, or those of the file that
    SSL_CERT_FILE names.
    """
    return ssl.create_default_context()


def _in_time(chunks: Iterator[bytes], deadline: float) -> Iterator[bytes]:
    """Yield `chunks` until `deadline` (monotonic seconds); raises GatewayTimeout after it."""
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise GatewayTimeout("the download took too long")
        yield chunk


def _read_bounded(chunks: Iterator[bytes], max_bytes: int, deadline: float) -> bytes:
    """Join `chunks`, giving up above `max_bytes` or after `deadline` (monotonic seconds)."""
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > max_bytes:
            raise GatewayUnavailable("the answer is too large")
        if time.monotonic() > deadline:
            raise GatewayTimeout("the answer took too long")
        parts.append(chunk)
    return b"".join(parts)


def _as_gateway_error(error: httpx.HTTPError) -> GatewayError:
    """Translate without the library's text, which may quote the address and so a secret."""
    if isinstance(error, httpx.TimeoutException):
        return GatewayTimeout("no answer in time")
    return GatewayUnavailable(f"no usable answer ({type(error).__name__})")
