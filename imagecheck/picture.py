"""What decoding yields: an upright picture in sRGB, or the cause why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imagecheck.file_facts import FileFacts

Rgb = npt.NDArray[np.uint8]
"""uint8 (h, w, 3), RGB, sRGB encoded."""

_SWAPS_SIDES = (5, 6, 7, 8)
_REDUCTIONS = (8, 4, 2)


class UndecodableError(Exception):
    """The bytes are not a picture that may be judged.

    Attributes:
        cause: a name of `refusals.REFUSALS`.
        detail: what was found, a short word for the finding's value.
    """

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail or cause


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 (h, w, 3) RGB in sRGB, EXIF orientation applied, perhaps reduced.
        facts: what the file says about itself.
        reduction: full-size pixels for one pixel of ``pixels`` (1.0 when not reduced).
    """

    pixels: Rgb
    facts: FileFacts
    reduction: float = 1.0

    def turned(self, turned_deg: int) -> Picture:
        """The picture turned anticlockwise by 90, 180 or 270 degrees."""
        pixels = np.ascontiguousarray(np.rot90(self.pixels, turned_deg // 90))
        return Picture(pixels, self.facts, self.reduction)


def find_reduction(size: tuple[int, int], orientation: int, enough_px: tuple[int, int]) -> int:
    """The largest power of two up to 8 that leaves both sides of the upright picture enough.

    Args:
        size: stored width and height.
        orientation: EXIF orientation 1-8.
        enough_px: width and height of the upright picture that are not to be gone below.
    """
    wanted = enough_px[::-1] if orientation in _SWAPS_SIDES else enough_px
    for reduction in _REDUCTIONS:
        if all(side // reduction >= end for side, end in zip(size, wanted, strict=True)):
            return reduction
    return 1


def stand_up(pixels: npt.NDArray[np.uint8], orientation: int) -> Rgb:
    """The pixels as a viewer shows them who follows the EXIF orientation 1-8."""
    match orientation:
        case 2:
            pixels = pixels[:, ::-1]
        case 3:
            pixels = np.rot90(pixels, 2)
        case 4:
            pixels = pixels[::-1]
        case 5:
            pixels = pixels.swapaxes(0, 1)
        case 6:
            pixels = np.rot90(pixels, -1)
        case 7:
            pixels = np.rot90(pixels.swapaxes(0, 1), 2)
        case 8:
            pixels = np.rot90(pixels)
    return np.ascontiguousarray(pixels)
