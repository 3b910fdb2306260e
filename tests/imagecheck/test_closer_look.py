"""Where the first look is in doubt: lids that the mesh takes for open, masks both ways up."""

from __future__ import annotations

import numpy as np
import pytest

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, Portrait, draw, jpeg_bytes
from imagecheck.decode import Rgb
from imagecheck.faces import choose_backend, measure_lid_areas
from tests.imagecheck.test_face_covered import wear_mask


def find_status(data: bytes, code: str) -> str:
    found = {finding.code: finding.status for finding in imagecheck.check(data).findings}
    return found.get(code, "pass")


def measure(pixels: Rgb) -> tuple[float, float]:
    mesh = choose_backend().search(pixels).faces[0].mesh
    assert mesh is not None
    areas = measure_lid_areas(pixels, mesh)
    assert areas is not None
    return areas


def test_wink_that_the_mesh_does_not_see_fails() -> None:
    wink = Portrait(skin=SKIN_TONES["deep"], face_width=190, left_eye_opening=0.0)
    assert find_status(jpeg_bytes(wink), "eyes.closed") == "fail"


@pytest.mark.parametrize("skin", SKIN_TONES)
def test_narrow_eyes_are_open_eyes(skin: str) -> None:
    narrow = Portrait(skin=SKIN_TONES[skin], left_eye_opening=0.35, right_eye_opening=0.35)
    assert find_status(jpeg_bytes(narrow), "eyes.closed") != "fail"


@pytest.mark.parametrize("skin", ["pale", "medium", "deep"])
def test_closed_eye_has_no_area_on_either_side(skin: str) -> None:
    portrait = Portrait(skin=SKIN_TONES[skin])
    left, right = measure(np.array(draw(portrait.but(left_eye_opening=0.0))))
    assert (left < 0.11, right > 0.25) == (True, True)
    left, right = measure(np.array(draw(portrait.but(right_eye_opening=0.0))))
    assert (left > 0.25, right < 0.11) == (True, True)


def test_eye_that_the_picture_cuts_off_has_none() -> None:
    pixels = np.array(draw(Portrait()))
    face = choose_backend().search(pixels).faces[0]
    assert face.mesh is not None
    cut = int(face.eyes[0, 0])
    assert measure_lid_areas(pixels[:, cut:], face.mesh.mapped(1.0, dx=-cut)) is None


def test_area_is_the_same_on_a_tilted_head() -> None:
    upright = np.array(measure(np.array(draw(Portrait()))))
    tilted = np.array(measure(np.array(draw(Portrait(roll_deg=12)))))
    assert np.abs(upright - tilted).max() < 0.04


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


def test_nobody_asks_about_a_turn_where_it_is_known() -> None:
    pixels = np.array(draw(Portrait()))[::-1, ::-1]
    assert choose_backend().search(pixels, is_upright=True).turned_deg == 0
