"""A mask before the mouth fails whatever its colour; bare faces of every skin do not."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, Portrait, draw, encode, jpeg_bytes
from benchmarks.rig.portraits.portrait import Hat
from imagecheck.faces import choose_backend

Pixels = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating]


def wear_mask(
    colour: tuple[float, float, float], portrait: Portrait, *, pleat_depth: float = 0.0
) -> bytes:
    """The portrait with a mask before mouth and nose, with three pleats across where wanted."""
    pixels = np.asarray(draw(portrait)).copy()
    points = choose_backend().search(pixels).faces[0].points
    outline = np.concatenate([points[2:15], points[[14]], points[[28]], points[[2]]])
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], (255,))
    noise = np.random.default_rng(1).normal(0, 2, (*mask.shape, 1))
    top, bottom = points[30, 1], points[8, 1]
    rows = np.arange(mask.shape[0])[:, None, None]
    pleats = sum(np.exp(-(((rows - y) / 1.8) ** 2)) for y in np.linspace(top, bottom, 5)[1:-1])
    cloth = np.clip(np.array(colour) * (1 - pleat_depth * pleats) + noise, 0, 255).astype(np.uint8)
    return encode(Image.fromarray(np.where(mask[..., None] > 0, cloth, pixels)), 88)


@pytest.mark.parametrize("skin", ["pale", "deep"])
@pytest.mark.parametrize(
    "colour", [(150, 190, 225), (235, 235, 238), (35, 35, 40), (200, 160, 140)]
)
def test_mask_before_the_mouth_fails(colour: tuple[float, float, float], skin: str) -> None:
    report = imagecheck.check(wear_mask(colour, Portrait(skin=SKIN_TONES[skin])))
    assert {f.code: f.status for f in report.findings}["face.covered"] == "fail"


@pytest.mark.parametrize("hat", ["none", "scarf"])
@pytest.mark.parametrize("skin", ["pale", "medium", "deep"])
@pytest.mark.parametrize("colour", [(235, 235, 238), (150, 190, 225)])
def test_pleats_of_a_mask_are_no_mouth(
    colour: tuple[float, float, float], skin: str, hat: Hat
) -> None:
    portrait = Portrait(skin=SKIN_TONES[skin], hat=hat)
    report = imagecheck.check(wear_mask(colour, portrait, pleat_depth=0.3))
    assert {f.code: f.status for f in report.findings}["face.covered"] == "fail"


@pytest.mark.parametrize("skin", SKIN_TONES)
def test_bare_face_of_every_skin_tone_is_not_covered(skin: str) -> None:
    report = imagecheck.check(jpeg_bytes(Portrait(skin=SKIN_TONES[skin])))
    assert "face.covered" not in {f.code for f in report.findings}


@pytest.mark.parametrize("colour", [(40, 90, 200), (200, 30, 40)])
def test_hat_over_the_forehead_does_not_cover_the_face(colour: tuple[int, int, int]) -> None:
    pixels = np.asarray(draw(Portrait())).copy()
    points = choose_backend().search(pixels).faces[0].points
    pixels[: int(points[17:27, 1].min()) - 4, 80:400] = colour
    report = imagecheck.check(encode(Image.fromarray(pixels), 88))
    assert "face.covered" not in {f.code for f in report.findings}


def hold(thing: str, skin: str) -> bytes:
    """A portrait with something before its lower face."""
    pixels = np.asarray(draw(Portrait(skin=SKIN_TONES[skin]))).astype(np.float32)
    face = choose_backend().search(pixels.astype(np.uint8)).faces[0]
    ied, mouth = float(np.ptp(face.eyes[:, 0])), face.points[48:60].mean(axis=0)
    if thing == "phone":
        around = np.array([(-0.6, -0.7), (0.6, -0.7), (0.6, 1.2), (-0.6, 1.2)])
        _fill(pixels, mouth + around * ied, 18)
    elif thing == "scarf":
        hanging = np.array([(0, 0), (0, 4), (0, 0), (0, 8), (0, 25), (0, 8)])
        _fill(pixels, face.points[[4, 57, 12, 10, 8, 6]] + hanging, (150, 30, 40))
    else:
        _lay_hand(pixels, mouth, ied)
    return encode(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), 88)


def _lay_hand(pixels: Pixels, mouth: Floats, ied: float) -> None:
    """Four fingers across the mouth, one above the other, each with a shade at its edge."""
    x, y = (int(v) for v in mouth)
    colour = np.median(pixels[y + 18, x - 6 : x + 7], axis=0)
    for finger in range(4):
        row = mouth[1] + (finger - 1.7) * 0.26 * ied
        for inset, light in ((0.0, 0.8), (0.04, 0.92), (0.08, 1.0)):
            left, right = mouth[0] - (0.9 - inset) * ied, mouth[0] + (0.5 - inset) * ied
            upper, lower = row - (0.13 - inset) * ied, row + (0.13 - inset) * ied
            ends = [(left, upper), (right, upper), (right, lower), (left, lower)]
            _fill(pixels, np.array(ends), colour * light)
    pixels += np.random.default_rng(1).normal(0, 1.5, pixels.shape)


def _fill(pixels: Pixels, corners: Floats, colour: Floats | tuple[int, ...] | int) -> None:
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], (1,))
    pixels[mask > 0] = colour


@pytest.mark.parametrize(
    ("thing", "skin"),
    [("phone", "pale"), ("phone", "deep"), ("scarf", "pale"), ("scarf", "deep"), ("hand", "pale")],
)
def test_thing_before_the_lower_face_is_never_passed_over(thing: str, skin: str) -> None:
    report = imagecheck.check(hold(thing, skin))
    found = {finding.code: finding.status for finding in report.findings}
    assert found.keys() & {"face.covered", "face.none"}, found
    if thing == "phone":
        assert "fail" in (found.get("face.covered"), found.get("face.none"))
