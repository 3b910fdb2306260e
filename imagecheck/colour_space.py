"""Brings decoded pixels to sRGB: embedded profiles, and the colour chunks of PNG, HEIF and AVIF."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

Chromaticities = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue (CIE 1931)."""

_SRGB: Chromaticities = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
_BY_NUMBER: dict[int, Chromaticities] = {
    9: (0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
    12: (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
}
"""ITU-T H.273: 9 is BT.2020, 12 Display P3; all others are treated as sRGB."""
_SAME_PRIMARY = 0.01
_SRGB_GAMMA, _SAME_GAMMA = 0.45455, 0.02
_SAME_LEVEL = 3
"""A profile that moves no colour by more than this, of 255, is sRGB under another name."""
_MAX_PROFILE_BYTES = 4 * 1024 * 1024
_LATTICE = np.stack(np.meshgrid(*[np.linspace(0, 255, 9)] * 3), axis=-1).round().astype(np.uint8)
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """The way from a foreign profile to sRGB.

    Attributes:
        name: what the profile calls itself.
        transform: LittleCMS' transform.
    """

    name: str
    transform: Any

    def apply(self, image: Image.Image) -> Image.Image:
        """The picture in sRGB."""
        made = ImageCms.applyTransform(image, self.transform)
        assert made is not None, "not in place"
        return made


@lru_cache(maxsize=16)
def find_conversion(profile: bytes, mode: str) -> Conversion | None:
    """How to leave this embedded profile; ``None`` when it is sRGB, damaged or of another mode.

    Args:
        profile: an ICC profile.
        mode: ``RGB`` or ``CMYK``, that of the pixels.
    """
    if not profile or len(profile) > _MAX_PROFILE_BYTES:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != mode:
            return None
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), mode, "RGB", _INTENT, _FLAGS
        )
        name = (source.profile.profile_description or "").strip("\0 ") or "ICC"
    except (ImageCms.PyCMSError, OSError, ValueError, AttributeError):
        return None  # viewers ignore a damaged profile, too
    found = Conversion(name[:60], transform)
    return None if mode == "RGB" and _changes_nothing(found) else found


def _changes_nothing(conversion: Conversion) -> bool:
    flat = Image.fromarray(_LATTICE.reshape(27, 27, 3))
    moved = np.asarray(conversion.apply(flat)).astype(np.int16) - np.asarray(flat)
    return bool(np.abs(moved).max() <= _SAME_LEVEL)


def name_primaries(number: int) -> Chromaticities | None:
    """The primaries of that number in H.273; ``None`` for those of sRGB."""
    return _BY_NUMBER.get(number)


def check_primaries(values: object) -> Chromaticities | None:
    """Eight chromaticities as PNG's cHRM gives them; ``None`` when they span no colour space."""
    if not isinstance(values, tuple) or len(values) != len(_SRGB):
        return None
    given: Chromaticities = values
    corners = np.array(given).reshape(4, 2)
    if (corners[:, 1] <= 0).any() or abs(np.linalg.det(_to_xyz_columns(corners))) < 1e-3:  # noqa: PLR2004
        return None
    return given


def is_srgb(primaries: Chromaticities | None, gamma: float | None) -> bool:
    """Whether PNG's chunks say no more than sRGB does."""
    same = primaries is None or np.allclose(primaries, _SRGB, atol=_SAME_PRIMARY)
    return bool(same) and (gamma is None or abs(gamma - _SRGB_GAMMA) < _SAME_GAMMA)


def leave_primaries(
    pixels: npt.NDArray[np.uint8], primaries: Chromaticities | None, gamma: float | None
) -> npt.NDArray[np.uint8]:
    """Pixels with these primaries and this encoding gamma, in sRGB.

    Args:
        pixels: uint8 (h, w, 3) RGB.
        primaries: ``None`` for those of sRGB.
        gamma: of PNG's gAMA chunk, 0.45455 being usual; ``None`` for the curve of sRGB.
    """
    levels = np.linspace(0, 1, 256)
    is_odd = gamma is not None and abs(gamma - _SRGB_GAMMA) >= _SAME_GAMMA and gamma > 0
    curve = levels ** (1 / gamma) if is_odd and gamma else _decode_srgb(levels)
    light = curve.astype(np.float32)[pixels]
    if primaries is not None:
        matrix = np.linalg.inv(_to_xyz(_SRGB)) @ _to_xyz(primaries)
        light = light @ matrix.T.astype(np.float32)
    table = np.round(255 * _encode_srgb(np.linspace(0, 1, 4096))).astype(np.uint8)
    return np.asarray(table[np.clip(light * 4095 + 0.5, 0, 4095).astype(np.uint16)])


def _to_xyz(primaries: Chromaticities) -> npt.NDArray[np.float64]:
    """Matrix from linear RGB to XYZ, its white at Y = 1. Both whites are D65 in practice."""
    corners = np.array(primaries).reshape(4, 2)
    columns = _to_xyz_columns(corners)
    x, y = corners[0]
    return np.asarray(columns * np.linalg.solve(columns, [x / y, 1.0, (1 - x - y) / y]))


def _to_xyz_columns(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """XYZ at Y = 1 of red, green and blue, one a column; ``corners`` begin with white."""
    x, y = corners[1:].T
    return np.asarray(np.stack([x / y, np.ones(3), (1 - x - y) / y]))


def _decode_srgb(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004


def _encode_srgb(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055)  # noqa: PLR2004
