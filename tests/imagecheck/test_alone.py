"""When no second look for faces is taken, and that nobody is overlooked for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from benchmarks.rig.portraits import Portrait, draw
from imagecheck.alone import is_alone
from imagecheck.analysis import to_lab_planes
from imagecheck.decode import Rgb
from imagecheck.faces.mediapipe import load_short_range
from imagecheck.wall import key_wall


@pytest.fixture(scope="module")
def person() -> Rgb:
    return np.array(draw(Portrait()))


def decide(pixels: Rgb) -> bool:
    planes = to_lab_planes(pixels)
    return is_alone(load_short_range().detect(pixels, 0.6), planes, key_wall(planes))


def paste_small_face(person: Rgb, x: int, y: int) -> Rgb:
    picture = person.copy()
    picture[y : y + 80, x : x + 60] = cv2.resize(person, (60, 80), interpolation=cv2.INTER_AREA)
    return picture


def test_person_before_a_plain_wall_is_alone(person: Rgb) -> None:
    assert decide(person)


@pytest.mark.parametrize("place", [(10, 120), (400, 30), (10, 550), (400, 500)])
def test_small_face_anywhere_beside_the_person_is_looked_at(
    person: Rgb, place: tuple[int, int]
) -> None:
    assert not decide(paste_small_face(person, *place))


def test_restless_wall_is_looked_at(person: Rgb) -> None:
    picture = person.copy()
    picture[:200, ::8] = 90
    assert not decide(picture)
