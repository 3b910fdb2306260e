"""Finds the code in a picture that a student sent. Runs in ``read_child`` alone: it is hostile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import zxingcpp

from imagecheck.decode import decode
from server.services.chsi.draw import MODES, QR_CODES, lay_out, read_modules
from server.services.chsi.symbol import AUTO, Symbol

SEEN_PX = (1200, 1600)
"""A screenshot whole; a large photo is reduced to no less, which is also quicker."""
SMALL_SIDE_PX = 700
Grey = npt.NDArray[np.uint8]


class NoCodeSeen(Exception):
    """There is no QR code in the picture, or none that can be read."""


class ManyCodesSeen(Exception):
    """There are several different codes, and nobody can tell which one is meant."""


@dataclass(frozen=True)
class ReadCode:
    """A code as it was read: its text, for the index, and what its picture is made of."""

    text: str
    symbol: Symbol


def read_code(data: bytes) -> ReadCode:
    """Return the one code in the picture ``data``.

    Raises:
        UndecodableError: it is no picture.
        NoCodeSeen, ManyCodesSeen.
    """
    pixels = decode(data, enough_px=SEEN_PX).pixels
    for grey in _list_looks(pixels):
        codes = zxingcpp.read_barcodes(grey, formats=QR_CODES)
        distinct = {code.bytes: code for code in codes if code.bytes}
        if len(distinct) > 1:
            raise ManyCodesSeen
        for code in distinct.values():
            return _describe(code)
    raise NoCodeSeen


def _list_looks(pixels: npt.NDArray[np.uint8]) -> Iterator[Grey]:
    """Yield the picture as it is, and where it is small, twice as large."""
    weights = np.array([77, 150, 29], np.uint16)
    grey = np.asarray((pixels.astype(np.uint16) @ weights) >> 8, np.uint8)
    yield grey
    if min(grey.shape) < SMALL_SIDE_PX:
        yield np.repeat(np.repeat(grey, 2, axis=0), 2, axis=1)


def _describe(code: Any) -> ReadCode:
    raw = bytes(code.bytes)
    is_text = code.content_type == zxingcpp.ContentType.Text
    # The index is that of the text which WeChat's own scanner gives for the same picture.
    text = code.text if is_text else raw.decode("latin-1")
    extra = code.extra
    found = Symbol(
        raw,
        AUTO,
        code.ec_level if code.ec_level in {"L", "M", "Q", "H"} else "M",
        int(extra["Version"]),
        int(extra["DataMask"]),
    )
    return ReadCode(text, _find_packing(found, read_modules(code)))


def _find_packing(found: Symbol, seen: npt.NDArray[np.bool_]) -> Symbol:
    """Return the symbol whose picture is nearest to what was seen: only its packing is unknown."""
    best, fewest = found, seen.size + 1
    for mode in (*MODES, AUTO):
        symbol = Symbol(found.raw, mode, found.error_level, found.version, found.mask)
        try:
            modules = lay_out(symbol)
        except ValueError:
            continue
        if modules.shape != seen.shape:
            continue
        differing = int(np.count_nonzero(modules != seen))
        if differing < fewest:
            best, fewest = symbol, differing
    return best
