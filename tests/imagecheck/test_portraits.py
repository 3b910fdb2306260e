"""The drawn portraits are what the other tests take them for."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.rig.portraits import SKIN_TONES, Portrait, draw, jpeg_bytes, phone_photo_bytes
from imagecheck.faces import choose_backend


@pytest.mark.parametrize("skin", SKIN_TONES.values(), ids=SKIN_TONES.keys())
def test_face_of_every_skin_tone_is_found_with_a_clear_score(
    skin: tuple[float, float, float],
) -> None:
    faces = choose_backend().search(np.asarray(draw(Portrait(skin=skin)))).faces
    assert len(faces) == 1
    assert faces[0].box.score > 0.75


@pytest.mark.parametrize("face_width", [190.0, 226.0, 280.0])
def test_landmarks_lie_where_the_features_were_drawn(face_width: float) -> None:
    portrait = Portrait(face_width=face_width)
    pixels = np.asarray(draw(portrait))
    points = choose_backend().search(pixels).faces[0].points
    left_eye, right_eye = points[36:42].mean(0), points[42:48].mean(0)
    unit = portrait.unit
    assert left_eye == pytest.approx([240 - 50 * unit, 254], abs=6)
    assert right_eye == pytest.approx([240 + 50 * unit, 254], abs=6)
    assert points[8] == pytest.approx([240, 254 + 180 * unit], abs=8)
    assert points[16, 0] - points[0, 0] == pytest.approx(face_width, abs=0.07 * face_width)


def test_file_has_the_form_that_the_standard_asks_for() -> None:
    data = jpeg_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (480, 640), "RGB")
        assert picture.info["dpi"] == (300, 300)
    assert 20 * 1024 <= len(data) <= 40 * 1024


def test_same_portrait_gives_the_same_file() -> None:
    assert jpeg_bytes(Portrait(seed=7)) == jpeg_bytes(Portrait(seed=7))
    assert jpeg_bytes(Portrait(seed=7)) != jpeg_bytes(Portrait(seed=8))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_phone_photo_is_upright_once_its_orientation_is_applied(orientation: int) -> None:
    data = phone_photo_bytes(size=(600, 800), orientation=orientation)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.getexif()[0x0112] == orientation
        stored = (600, 800) if orientation in (1, 3) else (800, 600)
        assert picture.size == stored
        upright = ImageOps.exif_transpose(picture)
    assert len(choose_backend().search(np.asarray(upright)).faces) == 1
