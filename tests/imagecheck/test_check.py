"""The library's doors: report, profiles, modes, and what importing costs."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys

import pytest

import imagecheck
from benchmarks.rig.portraits import Portrait, jpeg_bytes, phone_photo_bytes, phone_portrait
from imagecheck.advice import choose_first
from imagecheck.profile import ALIASES, PROFILES, find_profile
from imagecheck.report import Finding
from imagecheck.rules import RULES

# stable codes of the contract
CODES = [
    "file.unreadable",
    "file.format",
    "file.colour_mode",
    "file.dimensions",
    "file.resolution",
    "file.size",
    "file.quality",
    "file.mirrored",
    "file.edited",
    "face.none",
    "face.multiple",
    "face.covered",
    "face.cut_off",
    "face.upside_down",
    "geometry.head_top",
    "geometry.eye_line",
    "geometry.face_width",
    "geometry.off_centre",
    "geometry.stretched",
    "pose.roll",
    "pose.yaw",
    "pose.pitch",
    "pose.shoulders",
    "eyes.closed",
    "eyes.gaze",
    "eyes.red",
    "glasses.tinted",
    "glasses.glare",
    "glasses.frame",
    "mouth.open",
    "expression.smile",
    "hair.brows",
    "hair.eyes",
    "ears.hidden",
    "head.covered",
    "light.dark",
    "light.bright",
    "light.uneven",
    "light.highlight",
    "colour.unnatural",
    "colour.greyscale",
    "background.colour",
    "background.uneven",
    "background.shadow",
    "background.object",
    "frame.border",
    "frame.text",
    "clothing.blends",
    "focus.blurred",
    "focus.low_resolution",
    "recapture.screen",
]


def test_every_code_of_the_contract_has_exactly_one_rule() -> None:
    codes = [rule.code for rule in RULES]
    assert len(codes) == len(set(codes))
    assert set(codes) | {"file.unreadable"} == set(CODES)


def test_every_limit_belongs_to_a_rule_and_names_its_source() -> None:
    for profile in PROFILES.values():
        assert set(profile.limits) <= set(CODES)
        assert all(limit.source for limit in profile.limits.values())
        assert set(profile.grounds) <= set(profile.ground_tolerances)


def test_warning_bands_lie_inside_failing_bands() -> None:
    for limit in find_profile("moe-2017").limits.values():
        for side, inward in ((0, 1), (1, -1)):
            outer, inner = limit.fail[side], limit.warn[side]
            if outer is not None and inner is not None:
                assert (inner - outer) * inward >= 0


def test_short_names_lead_to_profiles_and_others_are_refused() -> None:
    assert all(find_profile(alias).name == name for alias, name in ALIASES.items())
    with pytest.raises(ValueError, match="moe-2017"):
        imagecheck.check(jpeg_bytes(), profile="moe-1999")


def test_compliant_portrait_passes_without_findings() -> None:
    report = imagecheck.check(jpeg_bytes())
    assert (report.verdict, report.findings) == ("pass", ())


def test_report_as_json_has_the_fields_of_the_contract() -> None:
    report = imagecheck.check(jpeg_bytes(Portrait(eye_y=330)))
    told = json.loads(json.dumps(report.to_dict("a.jpg")))
    assert list(told) == [
        "file", "mode", "profile", "verdict", "findings", "measurements", "elapsed_ms",
        "changes", "unfinished",
    ]  # fmt: skip
    finding = next(f for f in told["findings"] if f["code"] == "geometry.eye_line")
    assert list(finding) == [
        "code", "status", "value", "limit", "unit", "clause", "message", "message_en",
        "details", "details_en",
    ]  # fmt: skip
    assert finding["limit"] == [200, 300]
    assert finding["unit"] == "px"
    assert {"head_top_px", "eye_line_px", "face_width_px", "roll_deg"} <= set(told["measurements"])


def finding(code: str, status: str) -> Finding:
    return Finding(code, status, None, None, "", "", code, code)  # type: ignore[arg-type]


def test_first_findings_are_failures_in_the_order_of_repair() -> None:
    found = (finding("a", "warn"), finding("b", "fail"), finding("c", "unknown"),
             finding("d", "fail"), finding("e", "fail"))  # fmt: skip
    assert [f.code for f in choose_first(found)] == ["b", "d", "e"]
    assert [f.code for f in choose_first(found, limit=5)] == ["b", "d", "e", "a", "c"]
    assert choose_first(()) == ()


def test_what_another_finding_explains_waits() -> None:
    found = (finding("eyes.closed", "fail"), finding("glasses.tinted", "fail"),
             finding("hair.eyes", "warn"), finding("background.colour", "warn"))  # fmt: skip
    assert [f.code for f in choose_first(found, limit=2)] == ["glasses.tinted", "background.colour"]
    assert {f.code for f in choose_first(found, limit=9)} == {f.code for f in found}


def test_only_real_codes_explain_each_other() -> None:
    from imagecheck.advice import _EXPLAINS

    assert set(_EXPLAINS).union(*_EXPLAINS.values()) <= set(CODES)


def test_findings_stand_in_the_order_of_the_rules() -> None:
    report = imagecheck.check(jpeg_bytes(Portrait(eye_y=330, mouth_open=1, blur=2.5)))
    order = {rule.code: n for n, rule in enumerate(RULES)}
    places = [order[f.code] for f in report.findings]
    assert places == sorted(places)


def test_importing_the_package_loads_no_heavy_library() -> None:
    code = (
        "import sys, imagecheck; heavy = {'dlib', 'cv2', 'numpy', 'PIL'} & set(sys.modules);"
        "print(sorted(heavy)); import imagecheck.answers; print(callable(imagecheck.check))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


def test_no_module_hides_a_public_function() -> None:
    modules = {module.name for module in pkgutil.iter_modules(imagecheck.__path__)}
    assert modules.isdisjoint(imagecheck.__all__)


def test_neither_encoder_nor_cnn_detector_is_ever_loaded() -> None:
    code = (
        "import sys; from benchmarks.rig.portraits import jpeg_bytes; import imagecheck;"
        "imagecheck.check(jpeg_bytes()); print('face_recognition' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_capture_makes_a_standard_photo_that_passes_as_final() -> None:
    made = imagecheck.examine(phone_photo_bytes(size=(1500, 2000), orientation=6))
    assert made.report.mode == "capture"
    assert made.report.verdict in ("pass", "warn")
    assert made.standard_jpeg is not None
    assert made.overlay_svg is not None
    again = imagecheck.check(made.standard_jpeg)
    bad = [f.code for f in again.findings if f.code.startswith(("file.", "geometry.", "face."))]
    assert bad == []


def test_capture_agrees_with_examination() -> None:
    data = phone_photo_bytes(phone_portrait(Portrait(mouth_open=1)), size=(1200, 1600))
    checked, examined = imagecheck.check(data, mode="capture"), imagecheck.examine(data)
    assert [f.code for f in checked.findings] == [f.code for f in examined.report.findings]
    assert "mouth.open" in [f.code for f in checked.findings]


def test_capture_says_which_side_needs_room() -> None:
    crowded = phone_portrait(Portrait()).but(eye_y=150.0)
    made = imagecheck.examine(phone_photo_bytes(crowded, size=(1200, 1600)))
    assert made.standard_jpeg is None
    assert made.report.findings[0].code == "face.cut_off"
    assert "上方" in made.report.findings[0].message


def test_compliant_file_is_its_own_standard_photo() -> None:
    data = jpeg_bytes()
    for mode in ("capture", "final"):
        assert imagecheck.examine(data, mode=mode).standard_jpeg == data


def test_capture_of_an_empty_room_finds_no_face() -> None:
    from PIL import Image

    from benchmarks.rig.portraits import encode

    made = imagecheck.examine(encode(Image.new("RGB", (1200, 1600), (200, 200, 205)), 80))
    assert [f.code for f in made.report.findings] == ["face.none"]
    assert made.standard_jpeg is None


@pytest.mark.parametrize("cut", [0, 1, 2, 20, 300, 5000, -400, -12])
def test_truncated_file_is_unreadable(cut: int) -> None:
    report = imagecheck.check(jpeg_bytes()[:cut])
    assert [f.code for f in report.findings] == ["file.unreadable"]
    assert report.verdict == "fail"
