"""Faults that hid from simpler measures: each was missed once, on a variation of the benchmark."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, Glasses, Portrait, draw, encode, jpeg_bytes


def statuses(data: bytes) -> dict[str, str]:
    return {finding.code: finding.status for finding in imagecheck.check(data).findings}


@pytest.mark.parametrize("skin", ["light", "brown"])
def test_dark_lenses_without_a_frame_are_tinted(skin: str) -> None:
    rimless = Glasses(thickness=0.6, colour=(150, 130, 115), tint=0.75)
    found = statuses(jpeg_bytes(Portrait(glasses=rimless, skin=SKIN_TONES[skin])))
    assert found["glasses.tinted"] == "fail"


@pytest.mark.parametrize("cast", [(0.6, 0.85, 1.2), (0.7, 1.05, 0.75)])
@pytest.mark.parametrize("skin", ["pale", "deep"])
def test_cast_on_skin_and_white_of_the_eye_shows_on_any_skin(
    skin: str, cast: tuple[float, float, float]
) -> None:
    assert "colour.unnatural" in statuses(jpeg_bytes(Portrait(skin=SKIN_TONES[skin], cast=cast)))


@pytest.mark.parametrize("across", [True, False])
def test_shaken_camera_blurs_along_one_direction_only(across: bool) -> None:  # noqa: FBT001
    size = (13, 1) if across else (1, 13)
    shaken = cv2.blur(np.asarray(draw(Portrait())), size)
    assert statuses(encode(Image.fromarray(shaken), 88))["focus.blurred"] == "fail"


def test_lamp_at_the_upper_edge_is_no_hair() -> None:
    picture = draw(Portrait())
    clean = imagecheck.check(encode(picture, 88)).measurements["head_top_px"]
    ImageDraw.Draw(picture).rectangle((200, 0, 280, 24), fill=(60, 60, 60))
    report = imagecheck.check(encode(picture, 88))
    assert report.measurements["head_top_px"] == pytest.approx(clean, abs=2)
    assert "background.object" in {finding.code for finding in report.findings}


def test_head_that_vanishes_in_a_burnt_out_wall_is_unknown_instead_of_wrong() -> None:
    bald = Portrait(hair="bald", wall=(255, 255, 255), exposure=2.6)
    finding = next(
        f for f in imagecheck.check(jpeg_bytes(bald)).findings if f.code == "geometry.head_top"
    )
    assert finding.status == "unknown"


def test_wink_of_one_eye_is_seen_beside_the_open_one() -> None:
    for skin in ("pale", "deep"):
        for side in ("left_eye_opening", "right_eye_opening"):
            portrait = Portrait(skin=SKIN_TONES[skin]).but(**{side: 0})
            assert statuses(jpeg_bytes(portrait))["eyes.closed"] == "fail"
