"""The wall is replaced without a rim of the old one and without holes in the person.

The truth is known: the same portrait is drawn in front of the new wall.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.rig.portraits import BLUE, SKIN_TONES, WHITE, Portrait, draw
from benchmarks.rig.portraits.canvas import Colour
from imagecheck.faces import choose_backend
from imagecheck.matting import replace_wall
from tests.rounds import few

Rgb = NDArray[np.uint8]
LIGHT_GREY, OFF_WHITE, DARK_GREY = (196, 197, 195), (236, 234, 230), (120, 128, 134)


def draw_fine(portrait: Portrait) -> Rgb:
    """At twice the size, then reduced: edges are as soft as those of a camera."""
    large = portrait.but(
        width=960, height=1280, face_width=2 * portrait.face_width, eye_y=2 * portrait.eye_y,
        centre_x=2 * portrait.centre_x,
    )  # fmt: skip
    return np.asarray(draw(large).resize((480, 640), Image.Resampling.BOX))


def replaced(portrait: Portrait, colour: Colour) -> Rgb | None:
    pixels = draw_fine(portrait)
    points = choose_backend().search(pixels).faces[0].points
    return replace_wall(pixels, points, (int(colour[0]), int(colour[1]), int(colour[2])))


@pytest.mark.parametrize(
    ("hair", "skin", "wall", "colour"),
    few(
        [
            ("short", "pale", LIGHT_GREY, BLUE),
            ("short", "deep", OFF_WHITE, WHITE),
            ("short", "deep", DARK_GREY, BLUE),
            ("long", "pale", OFF_WHITE, BLUE),
            ("long", "deep", LIGHT_GREY, WHITE),
            ("long", "pale", DARK_GREY, WHITE),
            ("bald", "pale", LIGHT_GREY, WHITE),
            ("bald", "deep", OFF_WHITE, BLUE),
            ("bald", "deep", DARK_GREY, WHITE),
        ],
        # each hair, skin, wall and colour once
        lambda row: (
            row[:2] in {("short", "pale"), ("long", "deep"), ("bald", "deep")}
            and row[3] == (BLUE if row[0] != "long" else WHITE)
        ),
    ),
)
def test_person_looks_as_if_photographed_before_the_new_wall(
    hair: str, skin: str, wall: Colour, colour: Colour
) -> None:
    person = Portrait(hair=hair, skin=SKIN_TONES[skin], wall=wall)  # type: ignore[arg-type]
    result, truth = replaced(person, colour), draw_fine(person.but(wall=colour))
    assert result is not None
    difference = np.abs(result.astype(np.int16) - truth).max(axis=2)
    assert np.mean(difference > 40) < 0.001
    assert np.mean(difference) < 2.5


def test_white_hair_and_shirt_before_a_light_wall_keep_their_inside() -> None:
    person = Portrait(hair_colour=(225, 225, 222), clothes=(252, 252, 252), wall=(200, 200, 200))
    result, truth = replaced(person, BLUE), draw_fine(person.but(wall=BLUE))
    assert result is not None
    holes = (result[..., 2].astype(int) - result[..., 0] > 60) & (truth[..., 0] > 180)
    assert holes.mean() < 0.002
