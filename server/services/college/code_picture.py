"""The picture that opens the mini-program with a feature code filled in, to print and hang up."""

from __future__ import annotations

import io
from dataclasses import dataclass

import qrcode
import qrcode.image.svg
import structlog

from server.context import Context
from server.gateways.photo_store import PhotoMissing
from server.gateways.transport import GatewayError

log = structlog.get_logger()

JPEG_MAGIC = b"\xff\xd8\xff"


@dataclass(frozen=True)
class CodePicture:
    """A picture and whether it is WeChat's own: the other one only spells the code."""

    data: bytes
    content_type: str
    is_wechat: bool


def draw_code_picture(ctx: Context, code: str) -> CodePicture:
    """Return the mini-program code of a feature code.

    WeChat is asked once; the answer is kept. While WeChat is away a QR code of the text takes
    its place, so that the page can always be printed.
    """
    key = f"codes/{ctx.settings.wechat_app_id}/{code}"
    try:
        return _as_picture(ctx.photo_store.get(key))
    except PhotoMissing:
        pass
    try:
        data = ctx.messages.make_code_picture(code)
    except GatewayError as error:
        log.warning("code_picture_unavailable", kind=type(error).__name__)
        return CodePicture(_draw_qr(code), "image/svg+xml", is_wechat=False)
    ctx.photo_store.put(key, data)
    return _as_picture(data)


def _as_picture(data: bytes) -> CodePicture:
    content_type = "image/jpeg" if data.startswith(JPEG_MAGIC) else "image/png"
    return CodePicture(data, content_type, is_wechat=True)


def _draw_qr(text: str) -> bytes:
    picture = qrcode.make(text, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    out = io.BytesIO()
    picture.save(out)
    return out.getvalue()
