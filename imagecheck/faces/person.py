"""Where a person is, by a net of its own: for walls that are not plain. Off until it is asked for.

Google's selfie segmentation, Apache-2.0. No package that every Python can lock brings it, so the
setting names the file: that of ``@mediapipe/selfie_segmentation`` 0.1.1675465747 (npm), or of the
wheel of mediapipe 0.10.14, whose net is the same.
"""

from __future__ import annotations

import hashlib
import os
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from imagecheck.decode import Rgb
from imagecheck.faces.net import Net
from imagecheck.faces.weights import WeightsMissingError

ENV = "IMAGECHECK_PERSON_NET"
"""Path of ``selfie_segmentation.tflite``; without it no head top is told from a restless wall."""
_KNOWN_SHA256 = (
    "8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
)
_SIDE_PX = 256


def find_person(pixels: Rgb) -> npt.NDArray[np.float32] | None:
    """Float32 (h, w), 0-1: how surely each pixel shows a person; ``None`` when there is no net.

    Args:
        pixels: uint8 (h, w, 3) RGB.

    Raises:
        WeightsMissingError: the setting names a file that is missing or another one.
    """
    path = os.environ.get(ENV)
    if not path:
        return None
    small = cv2.resize(pixels, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    values = np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
    (answer,) = _load_net(path).run(values).values()
    h, w = pixels.shape[:2]
    return np.asarray(cv2.resize(answer.reshape(_SIDE_PX, _SIDE_PX), (w, h)), np.float32)


def load_person_net() -> None:
    """Load the net now, where the setting names one, so that no photo waits for it.

    Raises:
        WeightsMissingError: the file is missing or another one; the message is one line.
    """
    path = os.environ.get(ENV)
    if path:
        _load_net(path)


@cache
def _load_net(path: str) -> Net:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise WeightsMissingError(f"{ENV}: {path} cannot be read") from error
    if hashlib.sha256(data).hexdigest() not in _KNOWN_SHA256:
        raise WeightsMissingError(f"{ENV}: {path} is not the file that is expected")
    return Net(data)
