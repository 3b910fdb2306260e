"""Measurements of photos as they are kept, and who makes them."""

from __future__ import annotations

import functools
import uuid
from typing import Protocol

from models import describe_place
from server.context import Context
from server.services.faces.search import Encoding, pack_encoding, unpack_encoding

MEMORY_MB = 768
"""The models that judge and the one that compares lie in one child; 430 MB were measured."""


class FaceReader(Protocol):
    """Measures the face of a picture."""

    def encode_face(self, data: bytes) -> list[float] | None:
        """Return 128 floats, or None where no face is found."""
        ...


@functools.cache
def start_reader() -> FaceReader:
    """Return the child of this process; it starts with the first face that may be measured."""
    from imagecheck.isolated import Checker

    return Checker(memory_mb=MEMORY_MB)


def seal_encoding(ctx: Context, photo_id: uuid.UUID, values: list[float]) -> bytes:
    """Seal a measurement for its row, with the key of faces."""
    assert ctx.face_cipher is not None, "asked before"
    return ctx.face_cipher.encrypt(pack_encoding(values), place=place_of_encoding(photo_id))


def open_encoding(ctx: Context, photo_id: uuid.UUID, sealed: bytes) -> Encoding:
    """Return what was sealed, float32 (128,)."""
    assert ctx.face_cipher is not None, "asked before"
    return unpack_encoding(ctx.face_cipher.decrypt_bytes(sealed, place=place_of_encoding(photo_id)))


def place_of_encoding(photo_id: uuid.UUID) -> bytes:
    """Return what a measurement is sealed for."""
    return describe_place("face_encoding", "sealed", photo_id)
