"""The reviewer's hand: the crop moved against the automatic one."""

from __future__ import annotations

import pytest

from benchmarks.rig.portraits import Portrait, jpeg_bytes, phone_photo_bytes
from imagecheck.examination import Examination, examine
from imagecheck.isolated import Checker
from imagecheck.nudge import Nudge

MEASURED = ("head_top_px", "eye_line_px", "face_width_px", "off_centre_px")
NEAR_PX = 5.0
"""Landmarks are found anew in the new crop."""


def measured(made: Examination) -> dict[str, float]:
    return {name: made.report.measurements[name] for name in MEASURED}


@pytest.fixture(scope="module")
def phone_photo() -> bytes:
    return phone_photo_bytes(size=(1200, 1600))


@pytest.mark.parametrize("nudge", [Nudge(6, -12, 100), Nudge(-8, 10, 108), Nudge(0, 0, 92)])
def test_measured_values_come_where_they_were_predicted(phone_photo: bytes, nudge: Nudge) -> None:
    automatic, moved = examine(phone_photo), examine(phone_photo, nudge=nudge)
    expected = nudge.predict(measured(automatic), after=Nudge())
    assert measured(moved) == pytest.approx(expected, abs=NEAR_PX)
    back = Nudge().predict(measured(moved), after=nudge)
    assert measured(automatic) == pytest.approx(back, abs=NEAR_PX)


def test_finished_photo_is_moved_from_where_it_is() -> None:
    """Its coded pixels were kept before: the nudge starts from them, and grows only inwards."""
    photo = jpeg_bytes(Portrait())
    kept = examine(photo)
    assert kept.standard_jpeg == photo
    larger = examine(photo, nudge=Nudge(0, 0, 106))
    ratio = measured(larger)["face_width_px"] / measured(kept)["face_width_px"]
    assert ratio == pytest.approx(1.06, abs=0.03)
    beyond = examine(photo, nudge=Nudge(12, 0, 100))
    assert beyond.standard_jpeg is None
    assert [finding.code for finding in beyond.report.findings] == ["face.cut_off"]


def test_child_takes_the_nudge(phone_photo: bytes) -> None:
    with Checker() as checker:
        moved = checker.examine(phone_photo, nudge=Nudge(0, -12, 100))
    assert moved.standard_jpeg == examine(phone_photo, nudge=Nudge(0, -12, 100)).standard_jpeg


@pytest.mark.parametrize("values", [(161, 0, 100), (0, -161, 100), (0, 0, 69), (0, 0, 141)])
def test_nudge_has_its_limits(values: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        Nudge(*values)
