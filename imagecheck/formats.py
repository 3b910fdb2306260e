"""Which file format bytes are, by their first bytes. Loads nothing: the web process asks, too."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

DECODED: Mapping[str, str] = MappingProxyType(
    {
        "JPEG": "image/jpeg",
        "PNG": "image/png",
        "HEIC": "image/heic",
        "AVIF": "image/avif",
        "WEBP": "image/webp",
    }
)
"""The formats that a standard photo is made from, with their media types; HEIC stands for every
picture in a HEIF container."""

_MAGIC = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"IIU\0", "RAW"),
    (b"IIRO", "RAW"),
    (b"FUJIFILMCCD-RAW", "RAW"),
    (b"8BPS", "PSD"),
    (b"\0\0\1\0", "ICO"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"%PDF", "PDF"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"),
    (b"{\\rtf", "document"),
    (b"Rar!", "archive"),
    (b"7z\xbc\xaf", "archive"),
    (b"\x1f\x8b", "archive"),
    (b"\x1a\x45\xdf\xa3", "video"),
    (b"\0\0\1\xba", "video"),
    (b"FLV\1", "video"),
)
_RIFF = {b"WEBP": "WEBP", b"AVI ": "video"}
_ZIP, _OFFICE = (
    b"PK\3\4",
    (b"[Content_Types].xml", b"word/", b"xl/", b"ppt/", b"mimetypeapplication/"),
)
_TIFF = (b"II*\0", b"MM\0*")
_DNG_VERSION, _ENTRY_BYTES, _MOST_ENTRIES = 0xC612, 12, 200
_SPACE = b" \t\r\n"
_MARKUP = {b"<svg": "SVG", b"<?xml": "SVG", b"<!doctype html": "web page", b"<html": "web page"}
_HEAD_BYTES = 4096
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_RAW_BRAND = b"crx "
_MOST_BRANDS = 32


def sniff_format(data: bytes) -> str:
    """The name of the file format; empty when unknown.

    ``RAW`` for what cameras write before they make a picture of it; ``video``, ``document``,
    ``archive`` and ``web page`` for what is none.
    """
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] in _TIFF:
        return "RAW" if _is_raw(data) else "TIFF"
    if data.startswith(b"RIFF"):
        return _RIFF.get(data[8:12], "")
    if data.startswith(_ZIP):
        return "document" if any(name in data[:_HEAD_BYTES] for name in _OFFICE) else "archive"
    return _sniff_container(data) if data[4:8] == b"ftyp" else _sniff_markup(data)


def _is_raw(data: bytes) -> bool:
    """Whether a TIFF is a camera's raw data: Canon's mark, or the version of Adobe's DNG."""
    if data[8:10] == b"CR":
        return True
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    at = int.from_bytes(data[4:8], order)
    count = min(int.from_bytes(data[at : at + 2], order), _MOST_ENTRIES)
    places = range(at + 2, at + 2 + _ENTRY_BYTES * count, _ENTRY_BYTES)
    return any(int.from_bytes(data[tag : tag + 2], order) == _DNG_VERSION for tag in places)


def _sniff_container(data: bytes) -> str:
    """The ISO container names its content by brands: a main one and compatible ones."""
    end = min(int.from_bytes(data[:4], "big"), 16 + 4 * _MOST_BRANDS, len(data))
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, end - 3, 4)}
    if data[8:12] == _RAW_BRAND:
        return "RAW"
    if data[8:12] not in _AVIF_BRANDS | _HEIF_BRANDS:
        return "video"
    return "AVIF" if brands & _AVIF_BRANDS else "HEIC"


def _sniff_markup(data: bytes) -> str:
    """A drawing in XML, or the page that a failed download leaves in place of a photo."""
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE).lower()
    for start, name in _MARKUP.items():
        if head.startswith(start):
            return "web page" if b"<html" in head else name
    return ""
