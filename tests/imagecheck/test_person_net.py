"""The head top before a wall that is not plain, where a net tells the person from it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import Portrait, draw, encode
from imagecheck.faces import load_models
from imagecheck.faces.person import ENV

NET = os.environ.get(ENV, "")
"""As in operation: the file is not part of the project."""


def before_shelves(portrait: Portrait) -> bytes:
    """The portrait before boards of many colours."""
    pixels = np.array(draw(portrait))
    wall = np.abs(pixels.astype(int) - pixels[4, 4]).max(axis=2) < 10
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    boards = np.stack([90 + 60 * (x // 40 % 2), 80 + 50 * (y // 60 % 3), 70 + 40 * (x // 90 % 2)])
    pixels[wall] = boards.transpose(1, 2, 0)[wall]
    return encode(Image.fromarray(pixels), 88)


def test_without_the_net_a_person_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV, raising=False)
    report = imagecheck.check(before_shelves(Portrait()))
    assert {f.code: f.status for f in report.findings}["geometry.head_top"] == "unknown"
    assert "head_top_px" not in report.measurements


@pytest.mark.parametrize("content", [b"another net", None], ids=["other", "missing"])
def test_other_file_is_one_line_at_the_start(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "selfie_segmentation.tflite"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(ENV, str(path))
    with pytest.raises(RuntimeError, match=rf"^{ENV}: .*(cannot be read|not the file)[^\n]*$"):
        load_models()


@pytest.mark.skipif(not NET, reason=f"{ENV} names no net")
@pytest.mark.parametrize("hair_height", [150.0, 175.0])
def test_net_finds_the_head_top(hair_height: float) -> None:
    portrait = Portrait(hair_height=hair_height)
    report = imagecheck.check(before_shelves(portrait))
    assert report.measurements["head_top_px"] == pytest.approx(portrait.hair_top_y, abs=8)
