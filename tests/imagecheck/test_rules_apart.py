"""One fault does not raise another: each pair was mistaken once on a labelled photograph."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, Glasses, Portrait, draw, encode, jpeg_bytes
from imagecheck.analysis import Analysis
from imagecheck.decode import decode
from imagecheck.measures.backdrop import Backdrop
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.hair import Hair
from imagecheck.measures.skin import Skin
from imagecheck.profile import find_profile
from imagecheck.rules import mouth_open, pose_roll, pose_yaw
from imagecheck.rules.base import Rule


def statuses(data: bytes) -> dict[str, str]:
    return {finding.code: finding.status for finding in imagecheck.check(data).findings}


def analyse(data: bytes) -> Analysis:
    return Analysis.of_picture(decode(data), profile=find_profile("moe-2017"), mode="final")


def on_wall(portrait: Portrait, wall: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    """The portrait before another wall, which is an image of its size."""
    pixels = np.asarray(draw(portrait)).copy()
    away = np.abs(pixels.astype(int) - np.array(portrait.wall)).sum(axis=2)
    is_wall = cv2.medianBlur((away < 40).astype(np.uint8), 5) > 0
    pixels[is_wall] = wall[is_wall]
    return encode(Image.fromarray(pixels), 88)


@pytest.mark.parametrize("across", [True, False])
def test_stripes_of_the_wall_are_no_border(across: bool) -> None:  # noqa: FBT001
    rows, columns = np.mgrid[0:640, 0:480]
    light = ((columns if across else rows) // 15 % 2)[..., None]
    wall = np.where(light, (100, 197, 255), (60, 130, 180)).astype(np.uint8)
    found = statuses(on_wall(Portrait(), wall))
    assert "frame.border" not in found
    assert found["background.uneven"] == "fail"


def test_border_stays_a_border_beside_a_door() -> None:
    portrait = Portrait(wall_object=True, border=8)
    assert statuses(jpeg_bytes(portrait))["frame.border"] == "fail"


@pytest.mark.parametrize("roll_deg", [-22, 22])
def test_shoulder_of_a_tilted_person_is_no_thing_on_the_wall(roll_deg: float) -> None:
    backdrop = analyse(jpeg_bytes(Portrait(roll_deg=roll_deg))).part(Backdrop)
    lowest = backdrop.zone.nonzero()[0].max()
    left, right = (backdrop.zone[:, x].nonzero()[0].max() for x in (2, -3))
    raised = left if roll_deg > 0 else right
    assert raised < lowest - 20
    assert backdrop.largest_blob() == 0


def test_sliver_at_the_upper_edge_is_no_thing_on_the_wall() -> None:
    pixels = np.asarray(draw(Portrait())).copy()
    pixels[:3] = (90, 40, 30)
    assert "background.object" not in statuses(encode(Image.fromarray(pixels), 88))


def test_light_that_falls_off_over_a_wall_is_more_welcome_than_creases() -> None:
    rows, columns = np.mgrid[0:640, 0:480].astype(np.float32)
    shades = {
        "falls off": 8 * (columns / 480 - 0.5),
        "creased": 6 * np.sin(columns / 5 + rows / 40),
    }
    uneven = {
        name: analyse(
            on_wall(Portrait(), np.clip((95, 190, 246) + shade[..., None], 0, 255).astype(np.uint8))
        ).part(Backdrop)
        for name, shade in shades.items()
    }
    assert uneven["falls off"].spread() > 0.7 * uneven["creased"].spread()
    assert uneven["falls off"].unevenness < 4.5
    assert uneven["creased"].unevenness > 7


def test_chin_at_the_border_is_too_large_a_face_but_none_cut_off() -> None:
    pixels = np.asarray(draw(Portrait(face_width=330, eye_y=330)))
    chin = analyse(encode(Image.fromarray(pixels), 88)).points[8, 1]
    cut = int(chin) - 3
    lowered = np.concatenate([np.repeat(pixels[:1], 640 - cut, axis=0), pixels[:cut]])
    found = statuses(encode(Image.fromarray(lowered), 88))
    assert found["geometry.face_width"] == "fail"
    assert "face.cut_off" not in found


def test_open_eyes_of_a_toned_photo_are_open() -> None:
    grey = np.asarray(draw(Portrait()).convert("L"), np.float32)[..., None] / 255
    toned = np.clip(grey * (255, 215, 165), 0, 255).astype(np.uint8)
    analysis = analyse(encode(Image.fromarray(toned), 92))
    assert analysis.part(Skin).is_in_one_tint
    assert [eye.colour_contrast for eye in analysis.part(Eyes).both] == [0.7, 0.7]


def judge(rule: Rule, analysis: Analysis) -> str:
    finding, _ = rule.judge(analysis)
    return finding.status if finding else "pass"


@pytest.mark.parametrize(
    ("rule", "portrait"),
    [(pose_roll.RULE, Portrait(roll_deg=11)), (pose_yaw.RULE, Portrait(yaw_deg=25))],
    ids=["roll", "yaw"],
)
def test_pose_behind_shining_lenses_is_unknown_instead_of_wrong(
    rule: Rule, portrait: Portrait
) -> None:
    shining = replace(portrait, glasses=Glasses(glare=1))
    assert judge(rule, analyse(jpeg_bytes(portrait))) == "fail"
    assert judge(rule, analyse(jpeg_bytes(shining))) == "unknown"


def test_colour_of_small_parts_is_not_read_from_coarse_blocks() -> None:
    found = statuses(encode(draw(Portrait(skin=SKIN_TONES["deep"])), 5))
    assert found["focus.low_resolution"] == "warn"
    assert not {"colour.unnatural", "glasses.tinted"} & found.keys()


def test_half_a_mouth_is_neither_open_nor_closed() -> None:
    analysis = analyse(jpeg_bytes(Portrait(mouth_open=1)))
    assert judge(mouth_open.RULE, analysis) == "fail"
    analysis.points[54, 0] = -4.0
    assert judge(mouth_open.RULE, analysis) == "pass"


def woollen_hat(portrait: Portrait) -> bytes:
    """A grey knitted hat from a little above the brows upwards."""
    pixels = np.asarray(draw(portrait)).copy()
    hem = int(analyse(jpeg_bytes(portrait)).points[17:27, 1].min()) - 22
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:640, 0:480]
    ribs = 6 * np.sin(columns * 1.1)[..., None] + rng.normal(0, 3, (640, 480, 1))
    wool = np.clip(np.array((128, 123, 118)) + ribs, 0, 255).astype(np.uint8)
    half = 125 - np.maximum(0, 110 - rows) * 0.8
    hat = (rows < hem) & (rows > hem - 120) & (np.abs(columns - 240) < half)
    pixels[hat] = wool[hat]
    return encode(Image.fromarray(pixels), 88)


def test_grey_wool_is_no_forehead() -> None:
    data = woollen_hat(Portrait())
    assert analyse(data).part(Hair).hairline < 0.3
    assert statuses(data)["head.covered"] == "warn"


@pytest.mark.parametrize("skin", ["medium", "deep"])
def test_cloth_round_the_face_is_a_headscarf_though_it_has_the_colour_of_skin(skin: str) -> None:
    portrait = Portrait(skin=SKIN_TONES[skin])
    pixels = np.asarray(draw(portrait)).copy()
    points = analyse(jpeg_bytes(portrait)).points
    rows, columns = np.mgrid[0:640, 0:480]
    top, chin = points[17:27, 1].min() - 18, points[8, 1] - 2
    middle, half = (top + chin) / 2, (points[16, 0] - points[0, 0]) * 0.46
    aside = columns - points[8, 0]
    is_face = (aside / half) ** 2 + ((rows - middle) / ((chin - top) / 2)) ** 2 < 1
    is_head = (aside / 135) ** 2 + ((rows - middle) / 230) ** 2 < 1
    is_cloth = (is_head | (rows > middle) & (np.abs(aside) < 140)) & ~is_face
    folds = 6 * np.sin(rows * 0.07 + columns * 0.05)[..., None]
    weave = np.random.default_rng(1).normal(0, 5, (640, 480, 1))
    cloth = np.clip(np.array((150, 118, 96)) + folds + weave, 0, 255).astype(np.uint8)
    pixels[is_cloth] = cloth[is_cloth]
    data = encode(Image.fromarray(pixels), 88)
    assert statuses(data)["head.covered"] == "warn"
    assert "head.covered" not in statuses(jpeg_bytes(portrait))


def test_shine_on_a_bald_skull_is_no_hat() -> None:
    portrait = Portrait(hair="bald")
    pixels = np.asarray(draw(portrait)).astype(np.float32)
    rows, columns = np.mgrid[0:640, 0:480]
    away = ((columns - 240) / 42) ** 2 + ((rows - portrait.hair_top_y - 20) / 22) ** 2
    shine = np.clip(1.4 - away, 0, 1)[..., None]
    shone = pixels + (np.array((243, 240, 244)) - pixels) * shine
    shone[rows < portrait.hair_top_y + 2] = portrait.wall
    data = encode(Image.fromarray(shone.astype(np.uint8)), 88)
    assert "head.covered" not in statuses(data)
