"""A code as a picture: packed, sized and masked as it was read, so that it is the same picture.

Nothing here looks at what the bytes say.
"""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import qrcode
import zxingcpp
from PIL import Image
from qrcode.exceptions import DataOverflowError
from qrcode.util import QRData

from server.services.chsi.symbol import AUTO, Symbol, SymbolWrong

Modules = npt.NDArray[np.bool_]
"""bool (n, n), True where a module is dark; without the quiet zone."""

MODES: dict[str, Literal[1, 2, 4]] = {
    "byte": 4,
    "alphanumeric": 2,
    "numeric": 1,
}
"""With the indicators of the standard, which the library takes."""
QR_CODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
LEVELS = {
    "L": qrcode.constants.ERROR_CORRECT_L,
    "M": qrcode.constants.ERROR_CORRECT_M,
    "Q": qrcode.constants.ERROR_CORRECT_Q,
    "H": qrcode.constants.ERROR_CORRECT_H,
}
QUIET_MODULES = 4
"""The white border that the standard asks for (ISO/IEC 18004)."""
LEAST_SIDE_PX = 600
"""So that a code of 600 characters has modules of seven pixels."""
DARK_BELOW = 128


def lay_out(symbol: Symbol) -> Modules:
    """Return the modules of a symbol; raises ValueError where the bytes do not fit its form."""
    if symbol.mode == AUTO:
        return _lay_out_shortest(symbol)
    code = qrcode.QRCode(
        version=symbol.version,
        error_correction=LEVELS[symbol.error_level],
        mask_pattern=symbol.mask,
    )
    try:
        code.add_data(QRData(symbol.raw, mode=MODES[symbol.mode]), optimize=0)
        code.make(fit=symbol.version is None)
    except DataOverflowError as error:
        raise ValueError("too much for this version") from error
    return np.array(code.modules, dtype=np.bool_)


def _lay_out_shortest(symbol: Symbol) -> Modules:
    options: dict[str, Any] = {"ec_level": symbol.error_level}
    if symbol.version is not None:
        options["version"] = symbol.version
    if symbol.mask is not None:
        options["data_mask"] = symbol.mask
    content = _read_text(symbol.raw)
    made = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, **options)
    return read_modules(made)


def _read_text(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def read_modules(code: Any) -> Modules:
    """Return the modules of a code that zxing has read or made."""
    picture = zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False)
    return np.asarray(np.array(picture) < DARK_BELOW, np.bool_)


def draw_png(symbol: Symbol) -> bytes:
    """Return the picture as PNG without metadata, after reading it back.

    Raises:
        SymbolWrong: it reads as something else.
    """
    try:
        modules = lay_out(symbol)
    except ValueError as error:
        raise SymbolWrong from error
    light = np.pad(~modules, QUIET_MODULES, constant_values=True)
    scale = -(-LEAST_SIDE_PX // light.shape[0])
    pixels = np.kron(light, np.ones((scale, scale), np.bool_)).astype(np.uint8) * 255
    found = zxingcpp.read_barcodes(pixels, formats=QR_CODES)
    if len(found) != 1 or found[0].bytes != symbol.raw:
        raise SymbolWrong
    out = io.BytesIO()
    Image.fromarray(pixels).convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()
