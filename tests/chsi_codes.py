"""Codes like those of 学信网 in size alone: random text, which says nothing and is nobody's."""

from __future__ import annotations

import io
import secrets
import uuid
from typing import Any

import numpy as np
import zxingcpp
from PIL import Image

from models import ChsiCode
from server.context import Context
from server.services.chsi.symbol import AUTO


def make_text(length: int = 600) -> str:
    return secrets.token_urlsafe(length)[:length]


def draw(content: str | bytes, **options: Any) -> Image.Image:
    made = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, **options)
    return Image.fromarray(np.array(zxingcpp.write_barcode_to_image(made, scale=5)))


def pack(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.convert("RGB").save(out, kind, **options)
    return out.getvalue()


def give_code(ctx: Context, enrolment_id: uuid.UUID) -> str:
    """Keep a code for an enrolment, as a scan does; returns its text."""
    text = make_text(300)
    row = ChsiCode(
        enrolment_id=enrolment_id,
        mode=AUTO,
        error_level="M",
        source="scan",
        created_at=ctx.now(),
    )
    row.encrypt(text, text.encode(), ctx.cipher)
    with ctx.db.write() as session:
        session.add(row)
    return text


def look(picture: bytes) -> Any:
    """Read a picture with the library itself."""
    pixels = np.array(Image.open(io.BytesIO(picture)).convert("L"))
    # random bars of a QR code may look like a code of one dimension
    (seen,) = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormat.QRCode)
    return seen
