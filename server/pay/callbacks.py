"""Callbacks of WeChat Pay v3 and v2.

Both answer only after the notice is durable. A version that is not the configured one is refused,
so that nobody can pick the weaker signature.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from server.errors import CaijiError
from server.services.money.settling.receive_notice import receive_notice
from server.sizes import MAX_NOTICE_BYTES
from server.surfaces import get_ctx

MAX_DRAINED_BYTES = 8 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
V2_SUCCESS = (
    "<xml><return_code><![CDATA[SUCCESS]]></return_code>"
    "<return_msg><![CDATA[OK]]></return_msg></xml>"
)
V2_FAIL = (
    "<xml><return_code><![CDATA[FAIL]]></return_code>"
    "<return_msg><![CDATA[{message}]]></return_msg></xml>"
)


class NoticeTooLarge(CaijiError):
    """No notice is that large."""

    code = "notice_too_large"
    status = 413


class BodyBroken(CaijiError):
    """The body cannot be read to its end."""

    code = "body_broken"
    status = 400


class NoticeOfOtherVersion(CaijiError):
    """This server is not configured for this version of WeChat Pay."""

    code = "notice_of_other_version"
    status = 404


def create_blueprint() -> Blueprint:
    """Return the blueprint with both callbacks."""
    blueprint = Blueprint("pay", __name__, url_prefix="/pay/notify")
    blueprint.add_url_rule("/v3", view_func=_notify_v3, methods=["POST"])
    blueprint.add_url_rule("/v2", view_func=_notify_v2, methods=["POST"])
    return blueprint


def _notify_v3() -> Response:
    """Take a v3 notice: 204 when it is kept; else 4xx or 503 (the error renderer writes FAIL)."""
    _take_notice("v3")
    return Response(status=204)


def _notify_v2() -> Response:
    """Take a v2 notice; WeChat reads the XML, so a refusal is the FAIL XML as well as a 4xx."""
    try:
        _take_notice("v2")
    except CaijiError as error:
        body = V2_FAIL.format(message=error.code)
        return Response(body, status=error.status, content_type="text/xml; charset=utf-8")
    return Response(V2_SUCCESS, content_type="text/xml; charset=utf-8")


def _take_notice(version: str) -> None:
    """Hand the untouched bytes of the request to the service."""
    ctx = get_ctx()
    body = read_body()
    if ctx.pay.version != version:
        raise NoticeOfOtherVersion
    receive_notice(ctx, dict(request.headers), body)


def _read_chunk() -> bytes:
    """Return some more of the body; raises BodyBroken where its framing ends in nonsense."""
    try:
        return request.stream.read(CHUNK_BYTES)
    except OSError:
        # gunicorn's errors about chunk sizes and cut bodies are these
        raise BodyBroken from None


def read_body() -> bytes:
    """Return the raw body.

    One that is too large is read to its end and thrown away, within reason: a client that is still
    sending would otherwise see a broken connection instead of our answer.

    Raises:
        NoticeTooLarge: above `MAX_NOTICE_BYTES`.
    """
    body = b""
    size = 0
    while chunk := _read_chunk():
        size += len(chunk)
        if size <= MAX_NOTICE_BYTES:
            body += chunk
        if size > MAX_DRAINED_BYTES:
            break
    if size > MAX_NOTICE_BYTES:
        raise NoticeTooLarge
    return body
