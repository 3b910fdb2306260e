"""Faults that were missed or told beside another fault, each as a drawn portrait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, Glasses, Portrait, draw, encode, jpeg_bytes
from benchmarks.rig.portraits.portrait import BLUE, WHITE
from imagecheck.analysis import Analysis
from imagecheck.decode import decode
from imagecheck.faces import Search, choose_backend, measure_lid_areas
from imagecheck.measures.eyes import Eyes
from imagecheck.measures.glasses import Glasses as Lenses
from imagecheck.measures.lid_line import measure_sag
from imagecheck.profile import find_profile
from imagecheck.report import Report
from imagecheck.rules import eyes_closed, face_none, geometry_stretched
from tests.rounds import few

SKINS = list(SKIN_TONES.values())
Pixels = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
FOREHEAD = (200, 240)
UNDER_EYES_ROW = 266
"""The eyes of drawn portraits end above it."""


def failed(report: Report) -> set[str]:
    return {finding.code for finding in report.findings if finding.status == "fail"}


def analyse(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], search: Search) -> Analysis:
    """A picture in which faces are known already, as if the nets were sure of them."""
    data = encode(Image.fromarray(pixels), 85)
    picture = decode(data)
    return Analysis(picture.pixels, picture.facts, profile=find_profile("moe-2017"), search=search)


@pytest.mark.parametrize("skin", [SKINS[0], SKINS[-1]], ids=["pale", "dark"])
def test_head_whose_face_was_wiped_away_is_no_face(skin: tuple[int, int, int]) -> None:
    pixels = np.array(draw(Portrait(skin=skin)))
    search = choose_backend().search(pixels)
    assert face_none.RULE.judge(analyse(pixels, search)) == (None, 1.0)
    points = search.faces[0].points
    outline = np.concatenate([points[:17], points[26:16:-1] - (0, 30)])
    colour = np.median(pixels[int(points[29, 1])][int(points[3, 0]) + 20 :][:20], axis=0)
    cv2.fillPoly(pixels, [outline.astype(np.int32)], [int(c) for c in colour])
    finding, _ = face_none.RULE.judge(analyse(pixels, search))
    assert finding is not None
    assert finding.status == "fail"


def test_fair_hair_of_the_lightness_of_skin_is_no_ear() -> None:
    bare = imagecheck.check(jpeg_bytes())
    assert bare.measurements["ear_skin_share"] > 0.3
    pixels = np.array(draw(Portrait()))
    points = choose_backend().search(pixels).faces[0].points
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.int16)
    rows = slice(int(points[0, 1]) - 40, int(points[33, 1]) + 40)
    beside = np.s_[rows, : int(points[1, 0])], np.s_[rows, int(points[15, 0]) :]
    wall = np.abs(lab - lab[5, 5]).max(axis=2) < 12
    for side in beside:
        hair = lab[side]
        hair[~wall[side], 1] -= 4
        hair[~wall[side], 2] += 4
    fair = Image.fromarray(cv2.cvtColor(lab.astype(np.uint8), cv2.COLOR_LAB2RGB))
    found = imagecheck.check(encode(fair, 88))
    assert {finding.code for finding in found.findings} == {"ears.hidden"}


def test_strong_blur_is_told_as_blur_alone() -> None:
    sharp = np.array(draw(Portrait()))
    for kernel in (9, 13):
        soft = cv2.blur(sharp, (kernel, kernel), borderType=cv2.BORDER_CONSTANT)
        found = failed(imagecheck.check(encode(Image.fromarray(soft), 85)))
        assert "focus.blurred" in found
        assert found.isdisjoint({"frame.border", "mouth.open"})


@pytest.mark.parametrize("slope_deg", [30, -30, 45, -45])
def test_shaking_hand_blurs_along_any_slope(slope_deg: float) -> None:
    sharp = np.array(draw(Portrait()))
    streak = np.zeros((15, 15), np.float32)
    away = 6 * np.array([np.cos(np.radians(slope_deg)), np.sin(np.radians(slope_deg))])
    start, end = ((7 + sign * away).round().astype(int).tolist() for sign in (-1, 1))
    cv2.line(streak, start, end, 1)
    shaken = cv2.filter2D(sharp, -1, streak / streak.sum(), borderType=cv2.BORDER_REPLICATE)
    report = imagecheck.check(encode(Image.fromarray(shaken), 85))
    assert "focus.blurred" in failed(report)


def test_burnt_out_face_is_too_bright_and_not_covered() -> None:
    pixels = np.array(draw(Portrait()), np.float32)
    person = np.abs(pixels - np.median(pixels[:40, :40], axis=(0, 1))).max(axis=2) > 12
    pixels[person] *= 6
    burnt = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    found = failed(imagecheck.check(encode(burnt, 85)))
    assert "light.bright" in found
    assert found.isdisjoint({"face.covered", "mouth.open"})


def test_shade_below_eyes_whose_white_is_bright_is_no_tinted_lens() -> None:
    pixels = np.array(draw(Portrait()), np.float32)
    for x, y in choose_backend().search(pixels.astype(np.uint8)).faces[0].eyes:
        pixels[int(y + 15) : int(y + 32), int(x - 20) : int(x + 21)] *= 0.45
    shaded = Image.fromarray(pixels.astype(np.uint8))
    report = imagecheck.check(encode(shaded, 90))
    assert report.measurements["lens_tint"] > 0.35
    assert "glasses.tinted" not in failed(report)


@pytest.mark.parametrize(
    "skin", few([(skin,) for skin in SKINS], lambda row: row[0] in {SKINS[0], SKINS[-1]})
)
def test_tinted_lenses_fail_on_any_skin_and_clear_ones_do_not(skin: tuple[int, int, int]) -> None:
    tinted = jpeg_bytes(Portrait(skin=skin, glasses=Glasses(tint=0.7)))
    clear = jpeg_bytes(Portrait(skin=skin, glasses=Glasses()))
    assert "glasses.tinted" in failed(imagecheck.check(tinted))
    assert "glasses.tinted" not in failed(imagecheck.check(clear))


def wear(
    skin: tuple[int, int, int], change: Callable[[Pixels], Pixels], below_row: int = 0
) -> Report:
    """The verdict on clear glasses whose lenses, uint8 (n, 3), were changed below a row."""
    clear = np.array(draw(Portrait(skin=skin, glasses=Glasses())))
    dark = np.array(draw(Portrait(skin=skin, glasses=Glasses(tint=0.7))))
    lens = (clear != dark).any(axis=2)
    lens[:below_row] = False
    clear[lens] = change(clear[lens])
    return imagecheck.check(encode(Image.fromarray(clear), 92))


def test_lens_that_darkens_only_the_white_of_an_eye_is_seen_before_very_dark_skin() -> None:
    skin = SKINS[-1]

    def dim(lens: Pixels) -> Pixels:
        return np.minimum(lens, np.uint8(skin) * 0.8).astype(np.uint8)

    assert "glasses.tinted" in failed(wear(skin, dim))
    below = wear(skin, dim, UNDER_EYES_ROW)
    assert "glasses.tinted" not in {finding.code for finding in below.findings}


def test_colour_on_skin_and_white_of_the_eye_is_a_lens_and_on_skin_alone_is_none() -> None:
    def colour(lens: Pixels) -> Pixels:
        return (lens * (0.8, 0.65, 0.5)).astype(np.uint8)

    def rouge(lens: Pixels) -> Pixels:
        return (lens * (0.95, 0.9, 0.5)).astype(np.uint8)

    assert "glasses.tinted" in failed(wear(SKINS[0], colour))
    painted = wear(SKINS[0], rouge, UNDER_EYES_ROW)
    assert "glasses.tinted" not in {finding.code for finding in painted.findings}


def shade_lenses(softness_px: float) -> Pixels:
    """A portrait with grey where low lenses would be, no frame; their edge is sharp at 0."""
    bare = np.array(draw(Portrait()), np.float32)
    clear, dark = (
        np.array(draw(Portrait(glasses=Glasses(drop=12, tint=tint)))) for tint in (0, 0.7)
    )
    lens = (clear != dark).any(axis=2).astype(np.float32)[..., None]
    if softness_px:
        lens = cv2.GaussianBlur(lens, (0, 0), softness_px)[..., None]
    behind = np.minimum(0.64 * bare, 0.55 * bare[FOREHEAD])
    return (bare + (behind - bare) * lens).astype(np.uint8)


def test_dim_eyes_fail_where_skin_lightens_in_a_step_below_them() -> None:
    lenses, shade = shade_lenses(0), shade_lenses(18)
    sharp, gradual = (
        analyse(picture, choose_backend().search(picture)).part(Lenses).lens_step()
        for picture in (lenses, shade)
    )
    assert sharp > 3 * gradual
    assert "glasses.tinted" in failed(imagecheck.check(encode(Image.fromarray(lenses), 92)))


@pytest.mark.parametrize("skin", [SKINS[0], SKINS[-1]], ids=["pale", "dark"])
def test_one_dark_lens_asks_for_a_look(skin: tuple[int, int, int]) -> None:
    clear = np.array(draw(Portrait(skin=skin, glasses=Glasses())))
    dark = np.array(draw(Portrait(skin=skin, glasses=Glasses(tint=0.85))))
    dark[:, 240:] = clear[:, 240:]
    found = imagecheck.check(encode(Image.fromarray(dark), 90))
    assert ("glasses.tinted", "warn") in {(f.code, f.status) for f in found.findings}


@pytest.mark.parametrize("side_light", [0.4, 0.5])
def test_light_from_the_side_is_no_lock_of_hair_and_a_fair_lock_in_it_is(side_light: float) -> None:
    pixels = np.array(draw(Portrait(skin=SKINS[0], side_light=side_light)))
    lit = imagecheck.check(encode(Image.fromarray(pixels), 90))
    assert {finding.code for finding in lit.findings} == {"light.uneven"}
    points = choose_backend().search(pixels).faces[0].points
    lit_eye, cheek = points[36:42].mean(axis=0).astype(int), int(points[33, 1])
    pixels[lit_eye[1] - 60 : cheek, lit_eye[0] - 25 : lit_eye[0] + 26] = (214, 178, 122)
    found = imagecheck.check(encode(Image.fromarray(pixels), 90))
    assert "hair.eyes" in {finding.code for finding in found.findings}


def test_flat_ears_are_seen_and_dark_hair_beside_as_little_skin_counts_against_them() -> None:
    bare = np.array(draw(Portrait(skin=SKINS[0])))
    points = choose_backend().search(bare).faces[0].points
    rows = slice(int(points[0, 1]) - 40, int(points[33, 1]) + 30)
    left, right = int(points[0, 0]), int(points[16, 0])

    def leave(width_px: int, beyond: tuple[int, ...]) -> Report:
        pixels = bare.copy()
        pixels[rows, left - 40 : left - width_px] = beyond
        pixels[rows, right + width_px : right + 40] = beyond
        return imagecheck.check(encode(Image.fromarray(pixels), 90))

    flat, combed = leave(7, tuple(bare[5, 5])), leave(7, (30, 26, 24))
    assert not flat.findings
    seen = [report.measurements["ear_skin_share"] for report in (flat, combed)]
    assert seen[0] - seen[1] > 0.01
    under_hair = leave(4, (30, 26, 24))
    assert "ears.hidden" in {finding.code for finding in under_hair.findings}


def fill_wall_behind_head(portrait: Portrait, where: Mask, colour: tuple[int, int, int]) -> Report:
    """The verdict on a portrait whose wall has another colour where a mask says so, bool (h, w)."""
    pixels = np.array(draw(portrait))
    is_wall = np.abs(pixels.astype(np.int16) - portrait.wall).max(axis=2) < 30
    pixels[is_wall & where] = colour
    return imagecheck.check(encode(Image.fromarray(pixels), 90))


def find_head_top(report: Report) -> tuple[str, float | str | None]:
    found = {f.code: (f.status, f.value) for f in report.findings}
    return found.get("geometry.head_top", ("pass", report.measurements.get("head_top_px")))


ROWS, COLUMNS = np.ogrid[:640, :480]
CUT = Portrait(eye_y=205, hair_height=220)


@pytest.mark.parametrize("wall", [BLUE, WHITE], ids=["blue", "white"])
def test_wide_hair_cut_off_by_the_upper_edge_leaves_no_room(wall: tuple[int, int, int]) -> None:
    wide = ((COLUMNS - 240) / 205) ** 2 + ((ROWS - 110) / 170) ** 2 < 1
    report = fill_wall_behind_head(CUT.but(wall=wall), wide, CUT.hair_colour)
    assert find_head_top(report) == ("fail", 0.0)


def test_things_behind_the_head_and_round_pictures_are_no_hair_that_is_cut_off() -> None:
    grey = Portrait(wall=(120, 112, 105), hair_colour=(84, 76, 70))
    post = np.abs(COLUMNS - 240) < 182 + 0 * ROWS
    shelf = (ROWS < 150) & (COLUMNS > 190)
    outside = ((COLUMNS - 240) / 240) ** 2 + ((ROWS - 320) / 322) ** 2 > 1
    for portrait, where, colour in (
        (Portrait(), post, (120, 70, 40)),
        (Portrait(), shelf, CUT.hair_colour),
        (grey, outside, WHITE),
    ):
        report = fill_wall_behind_head(portrait, where, colour)
        assert find_head_top(report) == ("unknown", None)


@pytest.mark.parametrize("skin", SKIN_TONES)
def test_line_of_lids_that_are_down_hangs_below_the_corners(skin: str) -> None:
    def measure(opening: float) -> float:
        eyes = Portrait(skin=SKIN_TONES[skin], left_eye_opening=opening, right_eye_opening=opening)
        pixels = np.array(draw(eyes))
        both = analyse(pixels, choose_backend().search(pixels)).part(Eyes).both
        return max(measure_sag(eye) for eye in both)

    assert measure(1.0) < 0.6
    assert measure(0.35) < 1.5
    assert measure(0.0) > 1.8


def draw_lids_that_nets_take_for_open() -> Pixels:
    person = Portrait(skin=SKIN_TONES["tan"])
    down, up = (
        np.array(draw(person.but(left_eye_opening=opening, right_eye_opening=opening)), np.float32)
        for opening in (0.0, 1.0)
    )
    return (0.72 * down + 0.28 * up).astype(np.uint8)


def test_lids_that_both_nets_take_for_open_fail_by_their_line() -> None:
    pixels = draw_lids_that_nets_take_for_open()
    search = choose_backend().search(pixels)
    mesh = search.faces[0].mesh
    assert mesh is not None
    areas = measure_lid_areas(pixels, mesh)
    assert areas is not None
    assert min(areas) > 0.13
    assert analyse(pixels, search).part(Eyes).lids.closed < 0.6
    assert "eyes.closed" in failed(imagecheck.check(encode(Image.fromarray(pixels), 92)))


def test_line_under_a_fringe_or_of_an_eye_that_is_cut_off_is_not_that_of_lids() -> None:
    pixels = draw_lids_that_nets_take_for_open()
    search = choose_backend().search(pixels)
    cut = int(search.faces[0].points[37, 0])
    beyond = search.mapped(1.0, dx=-cut)
    brows = search.faces[0].points[17:27]
    fringe = pixels.copy()
    fringe[int(brows[:, 1].min()) - 60 : int(brows[:, 1].max()), 130:350] = (30, 26, 24)
    for changed, known in ((pixels[:, cut:], beyond), (fringe, search)):
        finding, _ = eyes_closed.RULE.judge(analyse(changed, known))
        assert finding is None or finding.status == "warn"


@pytest.mark.parametrize("skin", few([(skin,) for skin in SKINS], lambda row: row[0] == SKINS[0]))
def test_stretched_faces_ask_for_a_look_and_round_irises_speak_for_a_long_one(
    skin: tuple[int, int, int],
) -> None:
    drawn = draw(Portrait(skin=skin))
    for size, limit in (((576, 640), 1.085), ((480, 768), 0.92)):
        report = imagecheck.check(encode(drawn.resize(size), 90))
        finding = next(f for f in report.findings if f.code == "geometry.stretched")
        assert finding.status == "warn"
        assert limit in finding.limit

    def measure(iris_height: float) -> float:
        search = choose_backend().search(np.array(drawn))
        face = search.faces[0]
        assert face.mesh is not None
        points = face.mesh.points.copy()
        for iris in (points[468:473], points[473:478]):
            iris[:, 1] = iris[0, 1] + (iris[:, 1] - iris[0, 1]) * iris_height
        known = replace(face, mesh=replace(face.mesh, points=points))
        _, value = geometry_stretched.RULE.judge(analyse(np.array(drawn), Search((known,))))
        assert value is not None
        return value

    assert measure(1.2) == pytest.approx(measure(1.0) / 1.2**0.5, rel=0.01)
