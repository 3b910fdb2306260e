"""Reads a picture of a code in a child process that a hostile file may break without harm."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagecheck.formats import DECODED, sniff_format
from server.errors import CaijiError, ServiceBusy
from server.services.chsi.symbol import Symbol

MAX_PICTURE_BYTES = 10 * 1024 * 1024
TIMEOUT_S = 20
AT_ONCE = 2
WAIT_S = 6.0
"""A picture takes half a second; so many of a crowd wait, and the others come back."""
HOME = Path(__file__).resolve().parents[3]
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")
"""Nothing else of our environment: the child holds no key."""

_slots = threading.BoundedSemaphore(AT_ONCE)


class PictureTooLarge(CaijiError):
    """More than 10 MB."""

    code = "chsi_picture_too_large"
    status = 413
    message = "图片超过 10 MB，请上传学信网页面的截图。"


class PictureUnusable(CaijiError):
    """The file is no picture, or its picture is damaged."""

    code = "chsi_picture_unusable"
    status = 415
    message = "这个文件不是能读取的图片，请上传学信网页面的截图。"


class NoCodeFound(CaijiError):
    """There is no code in it, or it is too blurred, too small or cut off."""

    code = "chsi_code_not_found"
    status = 422
    message = "图片里没有读到图像采集码：请上传学信网页面的原始截图，码要完整、清楚，不要翻拍。"


class ManyCodesFound(CaijiError):
    """There are several codes in the picture."""

    code = "chsi_code_ambiguous"
    status = 422
    message = "图片里有几个不同的二维码，不知道哪一个是图像采集码：请裁剪到只剩它一个。"


class ReaderBusy(ServiceBusy):
    """As many pictures as we read at once are being read."""

    code = "busy"
    message = "正在读取的图片较多，请稍后再试。"


@dataclass(frozen=True)
class PictureCode:
    """What was read: the text, for the index, and what the picture is made of."""

    text: str
    symbol: Symbol


def read_code_apart(data: bytes) -> PictureCode:
    """Return the code in a picture, read by a child process.

    Raises:
        PictureTooLarge, PictureUnusable, NoCodeFound, ManyCodesFound, ReaderBusy.
    """
    if len(data) > MAX_PICTURE_BYTES:
        raise PictureTooLarge
    if sniff_format(data) not in DECODED:
        raise PictureUnusable
    if not _slots.acquire(timeout=WAIT_S):
        raise ReaderBusy
    try:
        answer = _ask_child(data)
    finally:
        _slots.release()
    faults = {"none": NoCodeFound, "many": ManyCodesFound, "broken": PictureUnusable}
    if fault := faults.get(answer["fault"]):
        raise fault
    symbol = Symbol(
        base64.b64decode(answer["raw"]),
        answer["mode"],
        answer["error_level"],
        answer["version"],
        answer["mask"],
    )
    return PictureCode(answer["text"], symbol)


def _ask_child(data: bytes) -> dict[str, Any]:
    known = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "server.services.chsi.read_child"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=known | {"PYTHONPATH": str(HOME), "OPENBLAS_NUM_THREADS": "1"},
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"fault": "broken"}
    if done.returncode:
        return {"fault": "broken"}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
