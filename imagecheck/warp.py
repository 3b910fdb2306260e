"""Cuts a turned and scaled part out of a picture, in half the time of OpenCV's own way."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.picture import Rgb


def warp(pixels: Rgb, to_cut: npt.NDArray[np.float64], size: tuple[int, int]) -> Rgb:
    """uint8 (h, w, 3) RGB: bilinear, what lies outside the picture is like its edge.

    The very bytes that three channels give, but OpenCV knows fast ways for one and four only.

    Args:
        pixels: uint8 (h, w, 3) RGB.
        to_cut: float64 (2, 3), from places in the picture to those in the cut.
        size: width and height of the cut.
    """
    wide = cv2.warpAffine(
        cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA),
        to_cut,
        size,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(cv2.cvtColor(wide, cv2.COLOR_RGBA2RGB), np.uint8)
