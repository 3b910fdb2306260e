"""Bounded decoding: bytes of an upload become an upright sRGB picture and facts about the file.

Nothing here trusts the file. Its header is read first; a picture of more than 64 megapixels or with
an absurd side is refused before a pixel is decoded. A large JPEG is decoded at a half, a quarter or
an eighth of its size, which is also the fast way. What the decoder warns about is damage: a photo
whose lower third is missing is no photo.
"""

from __future__ import annotations

import warnings

from imagecheck.bounds import MAX_BYTES
from imagecheck.decode_jpeg import decode_jpeg
from imagecheck.decode_whole import decode_whole
from imagecheck.file_facts import FileFacts
from imagecheck.formats import sniff_format
from imagecheck.picture import Picture, Rgb, UndecodableError
from imagecheck.refusals import name_fault

__all__ = ["FileFacts", "Picture", "Rgb", "UndecodableError", "decode"]


def decode(data: bytes, *, enough_px: tuple[int, int] = (480, 640)) -> Picture:
    """Decode a picture, reduced as far as ``enough_px`` (width, height) allows.

    Args:
        data: the bytes of the file.
        enough_px: the upright picture is never reduced below this size, and only by powers of two.

    Raises:
        UndecodableError: no picture, of an unknown format, damaged, or too large.
    """
    if fault := name_fault(data):
        raise UndecodableError(*fault)
    if len(data) > MAX_BYTES:
        raise UndecodableError("too_many_bytes")
    name = sniff_format(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if name == "JPEG":
                return decode_jpeg(data, enough_px)
            return decode_whole(data, name, enough_px)
    except UndecodableError:
        raise
    except MemoryError as error:
        raise UndecodableError("memory") from error
    except Exception as error:
        # Parsers raise a dozen kinds of errors on damaged files (struct.error, SyntaxError,
        # OverflowError, zlib.error ...); to us they all mean the same.
        raise UndecodableError("damaged", type(error).__name__) from error
