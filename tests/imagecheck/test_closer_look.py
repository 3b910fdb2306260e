"""Where the first look is in doubt: masks both ways up."""

from __future__ import annotations

import numpy as np
import pytest

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, Portrait, draw
from imagecheck.faces import choose_backend
from tests.imagecheck.test_face_covered import wear_mask


def find_status(data: bytes, code: str) -> str:
    found = {finding.code: finding.status for finding in imagecheck.check(data).findings}
    return found.get(code, "pass")


@pytest.mark.parametrize(
    ("portrait", "colour"),
    [
        (Portrait(skin=SKIN_TONES["pale"], face_width=190), (230, 180, 190)),
        (Portrait(skin=SKIN_TONES["pale"], face_width=190), (200, 160, 140)),
        (Portrait(skin=SKIN_TONES["deep"], face_width=240, hat="scarf"), (235, 235, 238)),
        (Portrait(skin=SKIN_TONES["deep"], face_width=280, hat="cap"), (200, 160, 140)),
    ],
)
def test_upright_head_behind_a_mask_is_covered_and_not_upside_down(
    portrait: Portrait, colour: tuple[float, float, float]
) -> None:
    data = wear_mask(colour, portrait)
    assert find_status(data, "face.upside_down") == "pass"
    assert find_status(data, "face.covered") == "fail"


@pytest.mark.parametrize("skin", SKIN_TONES)
def test_picture_on_its_head_is_told(skin: str) -> None:
    found = choose_backend().search(np.array(draw(Portrait(skin=SKIN_TONES[skin])))[::-1, ::-1])
    assert found.turned_deg == 180
