"""Eyes, mouth, hair, light, wall, clothes, marks and focus, on drawn portraits."""

from __future__ import annotations

import pytest

import imagecheck
from benchmarks.rig.portraits import SKIN_TONES, WHITE, Glasses, Portrait, jpeg_bytes


def statuses(portrait: Portrait) -> dict[str, str]:
    return {f.code: f.status for f in imagecheck.check(jpeg_bytes(portrait)).findings}


FAULTS = {
    "both eyes closed": (
        Portrait(left_eye_opening=0, right_eye_opening=0),
        "eyes.closed",
        "fail",
    ),
    "one eye closed": (Portrait(left_eye_opening=0), "eyes.closed", "fail"),
    "closed on dark skin": (
        Portrait(left_eye_opening=0, right_eye_opening=0, skin=SKIN_TONES["dark"]),
        "eyes.closed",
        "fail",
    ),
    "eyes to the left": (Portrait(gaze=-0.9), "eyes.gaze", "warn"),
    "red eyes": (Portrait(red_eye=1), "eyes.red", "fail"),
    "sunglasses": (Portrait(glasses=Glasses(tint=0.8)), "glasses.tinted", "fail"),
    "sunglasses on dark skin": (
        Portrait(glasses=Glasses(tint=0.85), skin=SKIN_TONES["brown"]),
        "glasses.tinted",
        "fail",
    ),
    "glare": (Portrait(glasses=Glasses(glare=1)), "glasses.glare", "fail"),
    "frame over the eyes": (
        Portrait(glasses=Glasses(drop=24, thickness=8)),
        "glasses.frame",
        "warn",
    ),
    "mouth open": (Portrait(mouth_open=1), "mouth.open", "fail"),
    "fringe over the brows": (Portrait(hair_over_brows=True), "hair.brows", "warn"),
    "hair over the eyes": (Portrait(hair_over_eyes=True), "hair.eyes", "warn"),
    "hair over the ears": (Portrait(hair_over_ears=True), "ears.hidden", "warn"),
    "cap": (Portrait(hat="cap"), "head.covered", "warn"),
    "scarf": (Portrait(hat="scarf"), "head.covered", "warn"),
    "too dark": (Portrait(exposure=0.25), "light.dark", "fail"),
    "too bright": (Portrait(exposure=2.5), "light.bright", "fail"),
    "light from one side": (Portrait(side_light=0.8), "light.uneven", "fail"),
    "shining skin": (Portrait(highlight=1), "light.highlight", "warn"),
    "cast": (Portrait(cast=(1.25, 0.9, 0.55)), "colour.unnatural", "fail"),
    "greyscale": (Portrait(greyscale=True), "colour.greyscale", "fail"),
    "red wall": (Portrait(wall=(200, 30, 40)), "background.colour", "fail"),
    "studio blue": (Portrait(wall=(67, 142, 219)), "background.colour", "warn"),
    "gradient": (Portrait(wall_gradient=40), "background.uneven", "fail"),
    "shadow": (Portrait(wall_shadow=0.4), "background.shadow", "fail"),
    "object": (Portrait(wall_object=True), "background.object", "fail"),
    "border": (Portrait(border=8), "frame.border", "fail"),
    "date": (Portrait(text="2024/06/01 14:20"), "frame.text", "warn"),
    "white on white": (
        Portrait(clothes=(250, 250, 250), wall=WHITE),
        "clothing.blends",
        "warn",
    ),
    "blurred": (Portrait(blur=3), "focus.blurred", "fail"),
    "screen": (Portrait(screen=True), "recapture.screen", "warn"),
}


@pytest.mark.parametrize(("portrait", "code", "status"), FAULTS.values(), ids=FAULTS)
def test_fault_is_found(portrait: Portrait, code: str, status: str) -> None:
    assert statuses(portrait).get(code) == status


INNOCENT = {
    "white shirt on blue": Portrait(clothes=(250, 250, 250)),
    "striped shirt": Portrait(stripes=True),
    "bald": Portrait(hair="bald"),
    "bald and dark": Portrait(hair="bald", skin=SKIN_TONES["dark"]),
    "long hair": Portrait(hair="long"),
    "thin glasses": Portrait(glasses=Glasses()),
    "slightly darker": Portrait(exposure=0.85),
    "slightly warm": Portrait(cast=(1.05, 1.0, 0.95)),
    "light a little from the side": Portrait(side_light=0.1),
    "narrow eyes": Portrait(left_eye_opening=0.5, right_eye_opening=0.5),
}


@pytest.mark.parametrize("portrait", INNOCENT.values(), ids=INNOCENT)
def test_what_is_allowed_does_not_fail(portrait: Portrait) -> None:
    assert [code for code, status in statuses(portrait).items() if status == "fail"] == []


@pytest.mark.parametrize(
    ("profile", "wall", "fails"),
    [
        ("moe-2017-blue", (100, 197, 255), False),
        ("blue-only", (255, 255, 255), True),
        ("moe-2017-white", (255, 255, 255), False),
        ("white-only", (100, 197, 255), True),
        ("moe-2017", (255, 255, 255), False),
    ],
)
def test_province_that_allows_one_colour_refuses_the_other(
    profile: str,
    wall: tuple[float, float, float],
    fails: bool,  # noqa: FBT001
) -> None:
    report = imagecheck.check(jpeg_bytes(Portrait(wall=wall)), profile=profile)
    found = {f.code: f.status for f in report.findings}
    assert (found.get("background.colour") == "fail") is fails
