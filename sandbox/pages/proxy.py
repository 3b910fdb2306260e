"""``/phone/api/…``: the way from the phone page to the server's public API.

A mini-program may call its server from anywhere; a web page may only call its own origin. The
proxy closes that gap and nothing else: method, query, body, token, status and answer pass through
as they are. Cookies do not: browsers share them between the ports of one host, and a staff session
has no business in a student's call.
"""

from __future__ import annotations

import functools
import uuid
from urllib.parse import quote

import httpx
from flask import Blueprint, Response, jsonify, request

from sandbox.gate import get_gate

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Above the server's own 10 MB, so that its refusal is the one that students see."""
TIMEOUT = httpx.Timeout(30.0, connect=3.0)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
FORWARDED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Accept",
    "Accept-Language",
    "If-None-Match",
    "User-Agent",
    "X-Request-Id",
)
DROPPED_HEADERS = frozenset(
    (
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "set-cookie",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def register(bp: Blueprint) -> None:
    """Add the proxy to the blueprint."""

    @bp.route("/phone/api/<path:path>", methods=METHODS)
    def forward(path: str) -> Response:
        if any(part in {".", ".."} for part in path.split("/")):
            return _refuse(404, "not_found", "没有找到")
        if (request.content_length or 0) > MAX_BODY_BYTES:
            return _refuse(413, "photo_too_large", "照片超过 10 MB，请换一张小一些的")
        body = request.stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            return _refuse(413, "photo_too_large", "照片超过 10 MB，请换一张小一些的")
        try:
            return _forward(path, body)
        except httpx.TimeoutException:
            return _refuse(504, "server_slow", "服务器没有及时应答，请稍后再试")
        except httpx.HTTPError:
            return _refuse(502, "server_unreachable", "采集服务器没有启动或无法连接，请稍后再试")


def _forward(path: str, body: bytes) -> Response:
    url = f"{get_gate().server_url.rstrip('/')}/api/{quote(path, safe='/')}"
    query = request.query_string.decode("ascii", "replace")
    headers = {name: request.headers[name] for name in FORWARDED_HEADERS if name in request.headers}
    answer = open_client().request(
        request.method,
        f"{url}?{query}" if query else url,
        content=body,
        headers={**headers, "Accept-Encoding": "identity"},
    )
    kept = [(k, v) for k, v in answer.headers.multi_items() if k.lower() not in DROPPED_HEADERS]
    return Response(answer.content, status=answer.status_code, headers=kept)


@functools.cache
def open_client() -> httpx.Client:
    """Return the one client of this process; making one reads all certificates of the system."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(timeout=TIMEOUT, trust_env=False, limits=limits)


def _refuse(status: int, code: str, message: str) -> Response:
    """Return the envelope that the server itself would use."""
    response = jsonify(code=code, message=message, request_id=uuid.uuid4().hex)
    response.status_code = status
    return response
