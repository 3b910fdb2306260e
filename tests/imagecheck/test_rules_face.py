"""Presence, framing and pose of the face, on drawn portraits."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, Portrait, draw, encode, jpeg_bytes
from imagecheck.analysis import Analysis
from imagecheck.decode import decode
from imagecheck.faces.face import Mesh, Search
from imagecheck.measures.posture import measure_pitch
from imagecheck.profile import find_profile


def statuses(data: bytes) -> dict[str, str]:
    return {f.code: f.status for f in imagecheck.check(data).findings}


def reencode(picture: Image.Image) -> bytes:
    return encode(picture, 88)


def test_empty_wall_has_no_face_and_nothing_else_is_claimed_about_it() -> None:
    wall = Image.fromarray(np.full((640, 480, 3), (100, 197, 255), np.uint8))
    found = statuses(reencode(wall))
    assert found.pop("face.none") == "fail"
    assert not [code for code in found if not code.startswith("file.")]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_picture_is_told_from_a_missing_face(turns: int) -> None:
    picture = Image.fromarray(np.rot90(np.asarray(draw(Portrait())), turns).copy())
    report = imagecheck.check(reencode(picture))
    found = {f.code: f for f in report.findings}
    assert found["face.upside_down"].value == (360 - 90 * turns) % 360
    assert "face.none" not in found


def test_second_face_beside_the_first_fails() -> None:
    left = draw(Portrait(face_width=150, centre_x=120, eye_y=300))
    right = draw(Portrait(face_width=150, centre_x=360, eye_y=300, seed=2))
    both = left.copy()
    both.paste(right.crop((240, 0, 480, 640)), (240, 0))
    assert statuses(reencode(both))["face.multiple"] == "fail"


@pytest.mark.parametrize(
    "portrait",
    [Portrait(centre_x=40), Portrait(eye_y=545, face_width=250), Portrait(face_width=560)],
    ids=["side", "chin", "close-up"],
)
def test_face_over_the_border_is_cut_off(portrait: Portrait) -> None:
    assert statuses(jpeg_bytes(portrait))["face.cut_off"] == "fail"


@pytest.mark.parametrize(
    ("portrait", "code"),
    [
        (Portrait(hair_height=230), "geometry.head_top"),
        (Portrait(eye_y=330), "geometry.eye_line"),
        (Portrait(eye_y=180), "geometry.eye_line"),
        (Portrait(face_width=155), "geometry.face_width"),
        (Portrait(face_width=340), "geometry.face_width"),
        (Portrait(centre_x=190), "geometry.off_centre"),
        (Portrait(centre_x=290), "geometry.off_centre"),
        (Portrait(roll_deg=11), "pose.roll"),
        (Portrait(roll_deg=-14), "pose.roll"),
        (Portrait(yaw_deg=25), "pose.yaw"),
        (Portrait(yaw_deg=-25), "pose.yaw"),
    ],
)
def test_head_outside_its_band_fails(portrait: Portrait, code: str) -> None:
    assert statuses(jpeg_bytes(portrait))[code] == "fail"


@pytest.mark.parametrize(
    "portrait",
    [
        Portrait(face_width=195, hair_height=168),
        Portrait(face_width=262, eye_y=275),
        Portrait(eye_y=235),
        Portrait(centre_x=250),
        Portrait(roll_deg=3),
        Portrait(roll_deg=-3),
    ],
)
def test_head_near_the_end_of_its_band_passes(portrait: Portrait) -> None:
    found = imagecheck.check(jpeg_bytes(portrait)).findings
    assert not [f for f in found if f.status == "fail"]


def test_measurements_agree_with_what_was_drawn() -> None:
    portrait = Portrait(face_width=230, eye_y=260, centre_x=236, roll_deg=4)
    measured = imagecheck.check(jpeg_bytes(portrait)).measurements
    assert measured["eye_line_px"] == pytest.approx(260, abs=6)
    assert measured["face_width_px"] == pytest.approx(230, rel=0.07)
    assert measured["roll_deg"] == pytest.approx(4, abs=1.5)
    assert measured["off_centre_px"] == pytest.approx(-4, abs=6)


def test_hair_top_is_measured_to_two_pixels() -> None:
    portrait = Portrait(hair_height=170)
    measured = imagecheck.check(jpeg_bytes(portrait)).measurements
    assert measured["head_top_px"] == pytest.approx(portrait.hair_top_y, abs=3)


def test_hair_top_of_a_bald_head_is_the_skull() -> None:
    portrait = Portrait(hair="bald")
    measured = imagecheck.check(jpeg_bytes(portrait)).measurements
    assert measured["head_top_px"] == pytest.approx(portrait.hair_top_y, abs=5)


def test_hair_top_before_a_busy_wall_is_unknown_instead_of_wrong() -> None:
    pixels = np.asarray(draw(Portrait())).copy()
    rng = np.random.default_rng(3)
    for x in range(0, 480, 24):
        for y in range(0, 320, 24):
            wall = np.abs(pixels[y : y + 24, x : x + 24].astype(int) - (100, 197, 255)).sum(2) < 60
            pixels[y : y + 24, x : x + 24][wall] = rng.integers(0, 255, 3)
    report = imagecheck.check(reencode(Image.fromarray(pixels)))
    finding = next(f for f in report.findings if f.code == "geometry.head_top")
    assert (finding.status, finding.value, finding.limit) == ("unknown", None, (50, 110))


def test_message_tells_value_band_and_remedy() -> None:
    report = imagecheck.check(jpeg_bytes(Portrait(hair_height=230)))
    finding = next(f for f in report.findings if f.code == "geometry.head_top")
    assert f"{finding.value:.0f} 像素" in finding.message
    assert "50 到 110 像素" in finding.message
    assert finding.message.endswith(f"{finding.advice}。")
    assert "请离镜头远一点" in finding.advice


def test_uneven_shoulders_ask_for_a_look() -> None:
    assert statuses(jpeg_bytes(Portrait(shoulder_tilt_deg=14)))["pose.shoulders"] == "warn"


@pytest.mark.parametrize("tilt_deg", [14, -14])
def test_shoulder_below_the_picture_is_lower_than_the_other(tilt_deg: float) -> None:
    pixels = np.array(draw(Portrait(shoulder_tilt_deg=tilt_deg)))
    lower = np.roll(pixels, 120, axis=0)
    lower[:120] = pixels[0, 0]
    assert statuses(encode(Image.fromarray(lower), 88))["pose.shoulders"] == "warn"


@pytest.mark.parametrize("deg", [-20.0, -10.0, 10.0, 20.0])
@pytest.mark.parametrize("roll_deg", [0.0, 8.0])
def test_turned_mesh_nods_by_as_much(deg: float, roll_deg: float) -> None:
    profile = find_profile("moe-2017")
    picture = decode(jpeg_bytes(Portrait(roll_deg=roll_deg)))
    level = Analysis.of_picture(picture, profile=profile, mode="final")
    assert level.face is not None
    assert level.face.mesh is not None
    roll, nod = np.radians(level.roll_deg), np.radians(deg)
    upright = np.array(
        [[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    )
    tilt = np.array([[1, 0, 0], [0, np.cos(nod), np.sin(nod)], [0, -np.sin(nod), np.cos(nod)]])
    mesh = Mesh(level.face.mesh.points @ (upright.T @ tilt @ upright).T, {})
    search = Search((replace(level.face, mesh=mesh),))
    turned = Analysis(level.pixels, picture.facts, profile=profile, search=search)
    assert measure_pitch(turned) - measure_pitch(level) == pytest.approx(deg / 4, abs=0.8)


def test_level_shoulders_stay_level_under_a_head_that_leans_aside() -> None:
    upright = np.array(draw(Portrait(shoulder_tilt_deg=4)))
    tilts = []
    for aside in (0, 22):
        leaning = upright.copy()
        leaning[:430] = np.roll(upright[:430], aside, axis=1)
        found = imagecheck.check(encode(Image.fromarray(leaning), 88))
        tilts.append(found.measurements["shoulder_tilt"])
    assert tilts[1] == pytest.approx(tilts[0], abs=0.03)
    assert "pose.shoulders" not in statuses(jpeg_bytes())


def test_stretched_face_asks_for_a_look() -> None:
    wide = draw(Portrait(face_width=190)).resize((640, 640)).crop((80, 0, 560, 640))
    assert statuses(reencode(wide))["geometry.stretched"] == "warn"


@pytest.mark.parametrize("skin", SKIN_TONES.values(), ids=SKIN_TONES)
def test_every_skin_tone_passes(skin: tuple[float, float, float]) -> None:
    for wall in ((100, 197, 255), (255, 255, 255), (240, 240, 240)):
        report = imagecheck.check(jpeg_bytes(Portrait(skin=skin, wall=wall)))
        assert [f.code for f in report.findings if f.status == "fail"] == []


def test_real_face_is_found_and_its_background_refused() -> None:
    from skimage import data

    astronaut = Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]
    face = astronaut.crop((96, 0, 384, 384)).resize((480, 640))
    out = io.BytesIO()
    face.save(out, "JPEG", quality=90, dpi=(300, 300))
    found = statuses(out.getvalue())
    assert "face.none" not in found
    assert found["background.object"] == "fail"
