"""The standard photo made of a phone photo."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from benchmarks.rig.portraits import (
    BLUE,
    GREY,
    SKIN_TONES,
    WHITE,
    Glasses,
    Portrait,
    draw,
    encode,
    jpeg_bytes,
    phone_photo_bytes,
    phone_portrait,
)
from benchmarks.rig.portraits.canvas import Colour
from imagecheck.analysis import Analysis
from imagecheck.answers import Standardised, standardise
from imagecheck.decode import decode
from imagecheck.profile import find_profile
from tests.rounds import few

PROFILE = find_profile("moe-2017")
SMALL_PHONE = (1200, 1600)


def measure(jpeg: bytes) -> Analysis:
    return Analysis.of_picture(decode(jpeg), profile=PROFILE, mode="final")


def pixels_of(jpeg: bytes) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB")).astype(np.int16)


def made(standardised: Standardised) -> bytes:
    assert standardised.finding is None, standardised.finding
    assert standardised.jpeg is not None
    return standardised.jpeg


def assert_is_standard_photo(jpeg: bytes) -> None:
    with Image.open(io.BytesIO(jpeg)) as picture:
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (480, 640), "RGB")
        assert picture.info["dpi"] == (300, 300)
        assert not picture.getexif()
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
    assert 20 * 1024 <= len(jpeg) <= 40 * 1024
    assert (decode(jpeg).facts.quality or 0) >= 60
    found = measure(jpeg)
    assert found.hair_top_px is not None
    assert 50 <= found.hair_top_px <= 110
    assert 200 <= found.eye_line_px <= 300
    assert 180 <= found.face_width_px <= 300
    assert abs(found.face_centre_x_px - 240) <= 24


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_phone_photo_becomes_a_standard_photo_however_it_was_held(orientation: int) -> None:
    data = phone_photo_bytes(size=SMALL_PHONE, orientation=orientation)
    assert_is_standard_photo(made(standardise(data)))


def test_twelve_megapixels_become_a_standard_photo() -> None:
    assert_is_standard_photo(made(standardise(phone_photo_bytes())))


@pytest.mark.parametrize(
    ("skin", "background"),
    few(
        [(skin, background) for skin in SKIN_TONES for background in ("keep", "blue")],
        # every skin once, each background with light and dark ones
        lambda row: (list(SKIN_TONES).index(row[0]) % 2 == 0) is (row[1] == "blue"),
    ),
)
def test_every_skin_tone_is_framed(skin: str, background: str) -> None:
    data = phone_photo_bytes(phone_portrait(Portrait(skin=SKIN_TONES[skin])), size=SMALL_PHONE)
    done = standardise(data, background=background)  # type: ignore[arg-type]
    assert_is_standard_photo(made(done))
    assert done.wall_replaced == (background == "blue")


@pytest.mark.parametrize(
    "person",
    [
        Portrait(hair="long"),
        Portrait(hair="bald"),
        Portrait(hair_height=205),
        Portrait(glasses=Glasses()),
        Portrait(hat="scarf"),
        Portrait(roll_deg=4),
        Portrait(yaw_deg=10),
    ],
    ids=["long hair", "bald", "high hair", "glasses", "scarf", "tilted", "turned"],
)
def test_all_sorts_of_people_are_framed(person: Portrait) -> None:
    data = phone_photo_bytes(phone_portrait(person), size=SMALL_PHONE)
    assert_is_standard_photo(made(standardise(data, background="blue")))


@pytest.mark.parametrize(
    ("face_width", "centre_x"),
    few(
        [(width, x) for width in (180.0, 330.0, 430.0) for x in (400.0, 480.0, 545.0)],
        lambda row: row in {(180.0, 400.0), (330.0, 480.0), (430.0, 545.0)},
    ),
)
def test_head_is_framed_wherever_it_stands(face_width: float, centre_x: float) -> None:
    portrait = phone_portrait().but(face_width=face_width, centre_x=centre_x, eye_y=560.0)
    assert_is_standard_photo(made(standardise(phone_photo_bytes(portrait, size=SMALL_PHONE))))


def test_small_head_in_a_large_photo_is_taken_from_the_full_resolution() -> None:
    portrait = phone_portrait().but(face_width=110.0, eye_y=420.0)
    jpeg = made(standardise(phone_photo_bytes(portrait)))
    assert_is_standard_photo(jpeg)


def test_compliant_file_is_handed_back_byte_for_byte() -> None:
    data = jpeg_bytes()
    done = standardise(data)
    assert done.jpeg == data
    assert done.is_original


def test_compliant_file_is_kept_when_its_wall_already_has_the_colour() -> None:
    data = jpeg_bytes()
    assert standardise(data, background="blue").jpeg == data
    assert standardise(data, background="white").jpeg != data


@pytest.mark.parametrize(
    "portrait",
    [Portrait(eye_y=190), Portrait(face_width=160), Portrait(centre_x=205)],
    ids=["high", "small", "left"],
)
def test_badly_framed_file_of_the_right_size_is_framed_anew(portrait: Portrait) -> None:
    done = standardise(jpeg_bytes(portrait))
    assert not done.is_original


def test_file_of_poor_quality_is_written_anew() -> None:
    with_low_quality = encode(draw(), 40)
    done = standardise(with_low_quality)
    assert_is_standard_photo(made(done))


def test_proportions_tilt_and_sides_stay_as_they_are() -> None:
    portrait = phone_portrait(Portrait(roll_deg=5, left_eye_opening=0.0, side_light=0.3))
    before = Analysis.of_picture(
        decode(phone_photo_bytes(portrait, size=SMALL_PHONE)), profile=PROFILE, mode="capture"
    )
    after = measure(made(standardise(phone_photo_bytes(portrait, size=SMALL_PHONE))))
    assert after.roll_deg == pytest.approx(before.roll_deg, abs=1.0)
    ratio_before = before.face_width_px / before.eye_to_chin_px
    ratio_after = after.face_width_px / after.eye_to_chin_px
    assert ratio_after == pytest.approx(ratio_before, rel=0.04)
    cheeks = after.lightness[int(after.points[30, 1])]
    left, right = int(after.points[4, 0]) + 20, int(after.points[12, 0]) - 20
    assert cheeks[left] > cheeks[right] + 5  # the darker half is still on the right


@pytest.mark.parametrize(
    ("background", "colour"), [("blue", BLUE), ("white", WHITE), ("grey", GREY)]
)
def test_wall_gets_exactly_the_reference_colour(background: str, colour: Colour) -> None:
    data = phone_photo_bytes(size=SMALL_PHONE)
    done = standardise(data, background=background)  # type: ignore[arg-type]
    assert done.wall_replaced
    picture = pixels_of(made(done))
    for corner in (picture[:40, :120], picture[:40, -120:], picture[200:330, :30]):
        assert np.abs(np.median(corner, axis=(0, 1)) - colour).max() <= 1
        assert np.abs(corner - np.array(colour)).max() <= 6


@pytest.mark.parametrize("wall", [(196, 197, 195), (226, 226, 226), (238, 238, 238)])
def test_white_shirt_gets_no_hole(wall: Colour) -> None:
    person = phone_portrait(Portrait(clothes=(252, 252, 252))).but(wall=wall)
    done = standardise(phone_photo_bytes(person, size=SMALL_PHONE), background="blue")
    picture = pixels_of(made(done))
    blue_share = np.mean(picture[..., 2] - picture[..., 0] > 80, axis=1)
    assert done.wall_replaced
    assert blue_share[20] > 0.95  # above the head: wall
    assert blue_share[600:].max() < 0.12  # across the chest: shirt, but for the corners


def test_wall_stays_where_the_clothes_have_exactly_its_colour() -> None:
    person = phone_portrait(Portrait(clothes=(250, 250, 250))).but(wall=(250, 250, 250))
    done = standardise(phone_photo_bytes(person, size=SMALL_PHONE), background="blue")
    assert_is_standard_photo(made(done))
    assert not done.wall_replaced


@pytest.mark.parametrize(
    "wall",
    [{"wall_gradient": 110.0}, {"wall_shadow": 0.4}, {"wall_object": True}],
    ids=["gradient", "shadow", "object"],
)
def test_wall_that_is_not_plain_stays(wall: dict[str, float]) -> None:
    person = phone_portrait().but(**wall)
    done = standardise(phone_photo_bytes(person, size=SMALL_PHONE), background="blue")
    assert done.jpeg is not None
    assert not done.wall_replaced


@pytest.mark.parametrize(
    ("portrait", "side"),
    [
        (phone_portrait().but(eye_y=250.0), "top"),
        (phone_portrait().but(eye_y=980.0), "bottom"),
        (phone_portrait().but(centre_x=190.0), "left"),
        (phone_portrait().but(centre_x=780.0), "right"),
    ],
    ids=["top", "bottom", "left", "right"],
)
def test_student_is_told_which_side_needs_room(portrait: Portrait, side: str) -> None:
    done = standardise(phone_photo_bytes(portrait, size=SMALL_PHONE))
    assert done.jpeg is None
    assert done.finding is not None
    assert (done.finding.code, done.finding.status) == ("face.cut_off", "fail")
    assert side in str(done.finding.value)
    assert "留" in done.finding.advice


def test_photo_without_a_face_gets_a_finding() -> None:
    empty = Image.new("RGB", (600, 800), (180, 180, 180))
    done = standardise(encode(empty, 80))
    assert done.jpeg is None
    assert done.finding is not None
    assert done.finding.code == "face.none"


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"not a photo at all"])
def test_bytes_that_are_no_photo_get_a_finding(data: bytes) -> None:
    done = standardise(data)
    assert done.jpeg is None
    assert done.finding is not None
    assert done.finding.code == "file.unreadable"


def test_unknown_profile_is_an_error() -> None:
    with pytest.raises(ValueError, match="no profile"):
        standardise(jpeg_bytes(), profile="moe-1917")
