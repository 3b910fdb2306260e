"""What the picture of a code is made of. Loads nothing heavy: the web process asks, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.errors import CaijiError

if TYPE_CHECKING:
    from models import ChsiCode, FieldCipher

AUTO = "auto"
"""Packed in whatever parts are shortest: for a text that WeChat scanned, and mixed pictures."""


class SymbolWrong(CaijiError):
    """The picture that was drawn does not read as the bytes it was drawn from."""

    code = "chsi_symbol_wrong"
    status = 500
    message = "图像采集码无法还原为图片，请让学生重新提供"


@dataclass(frozen=True)
class Symbol:
    """What a picture of a code is made of."""

    raw: bytes
    mode: str
    error_level: str
    version: int | None = None
    mask: int | None = None

    @classmethod
    def of_row(cls, row: ChsiCode, cipher: FieldCipher) -> Symbol:
        """Return what a kept code is drawn from; raises FieldUnreadable."""
        return cls(row.decrypt_raw(cipher), row.mode, row.error_level, row.version, row.mask)
