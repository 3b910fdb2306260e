"""The photo that is exported is the one that was judged: one verdict for both."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import (
    SKIN_TONES,
    Glasses,
    Portrait,
    jpeg_bytes,
    phone_photo_bytes,
    phone_portrait,
)
from imagecheck.report import Report
from tests.rounds import few

BEIGE, GREEN, DULL = (214, 200, 176), (120, 160, 110), (205, 207, 206)
PEOPLE = {
    "plain": phone_portrait(),
    "beige wall": phone_portrait().but(wall=BEIGE),
    "green wall": phone_portrait().but(wall=GREEN),
    "dull wall": phone_portrait().but(wall=DULL),
    "open mouth": phone_portrait(Portrait(mouth_open=1)),
    "sunglasses": phone_portrait(Portrait(glasses=Glasses(tint=0.8))),
    "dark skin": phone_portrait(Portrait(skin=list(SKIN_TONES.values())[-1])),
    "tilted": phone_portrait(Portrait(roll_deg=11)),
    "blurred": phone_portrait(Portrait(blur=3)),
    "crowded": phone_portrait().but(eye_y=150.0),
}


OFTEN = ("green wall", "dull wall", "dark skin", "crowded")
"""In ``make test``; the others with the long rounds."""


def failed(report: Report) -> set[str]:
    return {finding.code for finding in report.findings if finding.status == "fail"}


def photo(name: str) -> bytes:
    return phone_photo_bytes(PEOPLE[name], size=(900, 1200), quality=92)


@pytest.mark.parametrize("name", few(PEOPLE, lambda name: name in OFTEN))
def test_standard_photo_fails_nothing_that_the_verdict_did_not_name(name: str) -> None:
    found = imagecheck.examine(photo(name))
    if found.standard_jpeg is None:
        assert found.report.verdict == "fail"
        return
    as_final = imagecheck.check(found.standard_jpeg)
    assert failed(as_final) <= failed(found.report)
    for measurement, value in found.report.measurements.items():
        if measurement != "block_grid":  # the capture knows how far it was enlarged, too
            assert as_final.measurements[measurement] == pytest.approx(value), measurement


@pytest.mark.parametrize("name", ["beige wall", "green wall"])
def test_plain_wall_that_would_fail_is_mended_and_said(name: str) -> None:
    kept = imagecheck.examine(photo(name), background="keep")
    assert "background.colour" in failed(kept.report)
    assert kept.report.changes == ()
    mended = imagecheck.examine(photo(name))
    assert "background.colour" not in failed(mended.report)
    assert [change.code for change in mended.report.changes] == ["wall"]
    assert "背景" in mended.report.changes[0].message
    pixels = np.asarray(Image.open(io.BytesIO(mended.standard_jpeg or b"")).convert("RGB"), int)
    corner = np.median(pixels[:40, :40].reshape(-1, 3), axis=0)
    colours = np.array([(100, 197, 255), (255, 255, 255), (240, 240, 240)])
    assert np.abs(colours - corner).max(axis=1).min() <= 2


def test_wall_that_passes_is_left_alone() -> None:
    assert imagecheck.examine(photo("plain")).report.changes == ()


def test_same_answer_from_every_door() -> None:
    for data in (photo("beige wall"), jpeg_bytes(), photo("open mouth")):
        found = imagecheck.examine(data)
        assert imagecheck.standardise(data).jpeg == found.standard_jpeg
        checked = imagecheck.check(data, mode="capture")
        assert checked.findings == found.report.findings
        assert checked.changes == found.report.changes
