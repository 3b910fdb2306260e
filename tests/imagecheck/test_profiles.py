"""The photos of other uses: cut from one shot, each by its own rules, or refused with a reason."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.rig.portraits import (
    BLUE,
    WHITE,
    Portrait,
    jpeg_bytes,
    phone_photo_bytes,
    phone_portrait,
)
from imagecheck.__main__ import main
from imagecheck.answers import check
from imagecheck.nudge import Nudge
from imagecheck.profiles.feasible import list_doubts, list_faults
from imagecheck.profiles.make import Cut, make
from imagecheck.profiles.photo_profile import HeadRule, PhotoProfile
from imagecheck.profiles.place import HeadLines, Place, find_place
from imagecheck.profiles.shipped import SHIPPED, find_photo_profile
from imagecheck.profiles.write import write_jpeg

SMALL_PHONE = (1200, 1600)
CET = find_photo_profile("cet")
ROOMY = phone_portrait().but(
    width=1200, height=1600, face_width=300.0, eye_y=860.0, centre_x=600.0, wall=BLUE
)
"""Room enough above the head for the profile that wants three tenths of the picture there."""


def shoot(portrait: Portrait) -> bytes:
    return phone_photo_bytes(portrait, size=(portrait.width, portrait.height))


@pytest.fixture(scope="module")
def cuts() -> dict[str, Cut]:
    """Every shipped profile from one shot before a light blue wall, which some may change."""
    wanted = [profile.with_wall("blue") for profile in SHIPPED.values()]
    return {cut.profile.key: cut for cut in make(shoot(ROOMY), wanted)}


def open_cut(cut: Cut) -> Image.Image:
    assert cut.jpeg is not None, cut.report.findings
    return Image.open(io.BytesIO(cut.jpeg))


@pytest.mark.parametrize("key", SHIPPED)
def test_every_shipped_profile_is_made_and_passes_its_own_rules(
    key: str, cuts: dict[str, Cut]
) -> None:
    cut = cuts[key]
    picture = open_cut(cut)
    profile = SHIPPED[key]
    assert picture.size == (profile.width_px, profile.height_px)
    assert picture.info["dpi"] == (profile.dpi, profile.dpi)
    told = check(cut.jpeg or b"", profile=key)  # read anew, as its receiver does
    assert [each.code for each in told.findings if each.status == "fail"] == []
    assert told.profile == {"degree": "moe-2017"}.get(key, key)
    for name, value in cut.report.measurements.items():
        if name.endswith("_px") and name in told.measurements and not profile.is_standard:
            side = profile.side_px("face_width" if name == "face_width_px" else "top")
            assert told.measurements[name] == pytest.approx(value, abs=0.03 * side), name


def passes_cet(jpeg: bytes) -> bool:
    """The rule's own words: a JPG of 192 x 144 (height, width), 20-200 KB, light blue or white;
    a tenth above the head, head with neck seven tenths, shoulders a fifth."""
    picture = Image.open(io.BytesIO(jpeg))
    if picture.format != "JPEG" or picture.size != (144, 192) or picture.mode != "RGB":
        return False
    if not 20 * 1024 <= len(jpeg) <= 200 * 1000:
        return False
    pixels = np.asarray(picture).astype(int)
    corner = np.median(pixels[:10, :10].reshape(-1, 3), axis=0)
    is_white, is_blue = corner.min() > 235, corner[2] > 200 and corner[2] > corner[0] + 60
    if not (is_white or is_blue):
        return False
    person = np.abs(pixels - corner).sum(axis=2) > 90
    widths = person.sum(axis=1)
    head_top = int(np.argmax(widths > 5))
    neck = 96 + int(np.argmin(widths[96:180]))
    shoulders = neck + int(np.argmax(widths[neck:] > 1.5 * widths[neck]))
    shares = head_top / 192, (shoulders - head_top) / 192, (192 - shoulders) / 192
    return all(abs(a - b) < 0.07 for a, b in zip(shares, (0.1, 0.7, 0.2), strict=True))


@pytest.mark.parametrize("wall", [BLUE, WHITE])
def test_cet_photo_passes_a_checker_that_knows_only_the_words_of_the_rule(
    wall: tuple[int, int, int],
) -> None:
    (cut,) = make(shoot(ROOMY.but(wall=wall)), ["cet"])
    assert cut.report.verdict == "pass", cut.report.findings
    assert passes_cet(cut.jpeg or b"")
    standard = io.BytesIO()
    Image.open(io.BytesIO(jpeg_bytes())).resize((144, 192)).save(standard, "JPEG", quality=75)
    assert not passes_cet(standard.getvalue()), "too small a file: the checker can say no"


def test_nothing_is_enlarged_beyond_what_was_shot() -> None:
    small = shoot(ROOMY.but(width=400, height=533, face_width=100.0, eye_y=287.0, centre_x=200.0))
    two_inch, cet = make(small, ["two-inch", "cet"])
    assert cet.jpeg is not None
    assert two_inch.jpeg is None
    (finding,) = two_inch.report.findings
    assert finding.code == "focus.low_resolution"
    assert re.search(r"脸只有 9\d 像素宽，这一规格至少要 12\d 像素", finding.message)


def test_head_near_the_border_is_told_with_its_side() -> None:
    (cut,) = make(jpeg_bytes(), ["degree-2009"])  # 78 pixels above the head, a third is wanted
    assert cut.jpeg is None
    assert [each.code for each in cut.report.findings] == ["face.cut_off"]
    assert "上方" in cut.report.findings[0].message


def test_wall_is_changed_only_where_the_profile_says_so() -> None:
    data = shoot(ROOMY)
    (kept,) = make(data, ["ntce"])
    assert kept.jpeg is None
    assert [each.code for each in kept.report.findings] == ["background.colour"]
    (changed,) = make(data, [find_photo_profile("ntce").with_wall("white")])
    assert changed.derived_wall == "white"
    assert open_cut(changed).getpixel((4, 4)) == pytest.approx(WHITE, abs=3)


def test_accepted_wall_stays_though_it_might_be_changed() -> None:
    (cut,) = make(shoot(ROOMY), [CET.with_wall("white")])
    assert cut.derived_wall == ""
    assert open_cut(cut).getpixel((4, 4)) == pytest.approx(BLUE, abs=12)


def test_wall_that_is_not_plain_is_not_changed() -> None:
    spotted = ROOMY.but(wall=(200, 180, 150), wall_gradient=90, wall_object=True)
    (cut,) = make(shoot(spotted), [CET.with_wall("white")])
    assert cut.jpeg is None
    assert "不是干净的单色墙" in cut.report.findings[0].message


def test_uneven_wall_does_not_matter_to_a_use_without_a_rule_for_it() -> None:
    (card,) = make(shoot(ROOMY.but(wall=(200, 190, 170), wall_gradient=60)), ["student-card"])
    assert card.jpeg is not None


@pytest.mark.parametrize("orientation", [3, 6])
def test_turned_phone_photo_is_cut_upright(orientation: int) -> None:
    data = phone_photo_bytes(phone_portrait(), size=SMALL_PHONE, orientation=orientation)
    (cut,) = make(data, ["student-card"])
    assert open_cut(cut).size == (295, 413)
    assert cut.report.measurements["top_px"] == pytest.approx(0.12 * 413, abs=10)


@pytest.mark.parametrize("data", [b"", b"no picture", jpeg_bytes()[:3000]])
def test_bytes_that_are_no_photo_get_a_reason(data: bytes) -> None:
    for cut in make(data, ["cet", "moe-2017"]):
        assert cut.jpeg is None
        assert cut.report.findings[0].code == "file.unreadable"


def test_picture_without_a_face_gets_a_reason() -> None:
    out = io.BytesIO()
    Image.new("RGB", (900, 1200), BLUE).save(out, "JPEG")
    (cut,) = make(out.getvalue(), ["cet"])
    assert [each.code for each in cut.report.findings] == ["face.none"]


def test_unknown_profile_is_an_error() -> None:
    with pytest.raises(ValueError, match="there are moe-2017"):
        make(b"", ["passport"])


# -- files ---------------------------------------------------------------------------------------


def test_small_picture_reaches_the_least_size_without_a_changed_pixel() -> None:
    plain = np.full((192, 144, 3), 240, np.uint8)
    plain[60:120, 40:100] = (120, 90, 70)
    bare, filled = write_jpeg(plain, 300), write_jpeg(plain, 300, 20, 200)
    assert len(bare) < 20 * 1024 <= len(filled) < 21 * 1024
    full = io.BytesIO()
    Image.fromarray(plain).save(full, "JPEG", quality=100, subsampling=0)
    shown = np.asarray(Image.open(io.BytesIO(filled)))
    assert (shown == np.asarray(Image.open(io.BytesIO(full.getvalue())))).all()


def test_restless_picture_stays_below_the_most() -> None:
    noise = np.random.default_rng(3).integers(0, 255, (441, 358, 3), dtype=np.uint8)
    calm = np.asarray(Image.fromarray(noise).resize((90, 110)).resize((358, 441)), np.uint8)
    assert len(write_jpeg(calm, 350, 14, 40)) <= 40 * 1000


def test_wrong_files_are_told_apart() -> None:
    card = find_photo_profile("id-card")
    (cut,) = make(shoot(ROOMY.but(wall=WHITE)), [card])
    wrong = io.BytesIO()
    open_cut(cut).resize((300, 400)).save(wrong, "JPEG", dpi=(72, 72), quality=40)
    codes = [each.code for each in check(wrong.getvalue(), profile="id-card").findings]
    assert {"file.dimensions", "file.resolution", "file.size"} <= set(codes)
    assert {"geometry.face_width"} <= set(codes)


# -- profiles as data ----------------------------------------------------------------------------


@pytest.mark.parametrize("profile", SHIPPED.values(), ids=SHIPPED)
def test_shipped_profiles_are_possible_and_survive_json(profile: PhotoProfile) -> None:
    assert list_faults(profile) == []
    assert PhotoProfile.from_json(json.loads(json.dumps(profile.to_json()))) == profile
    assert profile.source
    assert profile.dated


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"min_kb": 40, "max_kb": 20}, "下限不小于上限"),
        ({"max_kb": 0.5}, "压不到 0.5 KB"),
        ({"min_kb": 200, "max_kb": 400}, "不压缩也没有 200 KB"),
        ({"head": {"top": HeadRule(0.4, 0.5), "head": HeadRule(0.7, 0.8)}}, "比照片还高"),
        ({"head": {"top": HeadRule(200, 260, "px")}}, "超出了照片本身"),
        ({"head": {"top": HeadRule(0.2, 0.1)}}, "下限大于上限"),
        ({"head": {"top": HeadRule(0.3, 0.4), "eye_line": HeadRule(0.1, 0.2)}}, "比头顶还高"),
        (
            {"head": {"face_width": HeadRule(0.6, 0.65), "head": HeadRule(0.3, 0.35)}},
            "任何人的头都放不进去",
        ),
        ({"head": {"head_neck": HeadRule(0.2, 0.3), "top": HeadRule(0.0, 0.1),
                   "shoulders": HeadRule(0.1, 0.2)}}, "不等于照片的高度"),
        ({"width_px": 20}, "宽应为"),
        ({"key": "../x"}, "代号"),
        ({"derived_wall": "grey"}, "不在允许的颜色里"),
    ],
)  # fmt: skip
def test_profile_that_no_photo_can_fulfil_says_so(changes: dict[str, object], words: str) -> None:
    assert any(words in fault for fault in list_faults(replace(CET, **changes)))  # type: ignore[arg-type]


def test_profile_that_few_can_fulfil_is_doubted() -> None:
    narrow = replace(CET, head={"face_width": HeadRule(0.45, 0.455), "head": HeadRule(0.5, 0.52)})
    assert list_faults(narrow) == []
    assert "只有" in list_doubts(narrow)[0]


def test_bands_are_shares_of_the_side_that_they_speak_of() -> None:
    rules = {"top": HeadRule(0.1, 0.2), "face_width": HeadRule(60, 70, "px")}
    assert replace(CET, head=rules).bands_px() == {  # type: ignore[arg-type]
        "top": (pytest.approx(19.2), pytest.approx(38.4)),
        "face_width": (60, 70),
    }


def test_placed_head_lies_within_every_band() -> None:
    head = HeadLines(700, 300, 560, 820, 320)
    place = find_place(head, CET, (1500, 2000), None)
    assert isinstance(place, Place)
    placed = head.mapped(place.factor, place.dx, place.dy)
    for name, (low, high) in CET.bands_px().items():
        assert low <= placed.measure(name, CET.height_px) <= high


# -- the command ---------------------------------------------------------------------------------


def test_command_writes_each_profile_and_says_what_it_could_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shot = tmp_path / "shot.jpg"
    shot.write_bytes(shoot(ROOMY))
    out = tmp_path / "out"
    options = ["--profile", "cet", "--profile", "ntce", "-o", str(out), "--json"]
    assert main(["make", str(shot), *options]) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["profile"], row["verdict"]) for row in told] == [("cet", "pass"), ("ntce", "fail")]
    assert [path.name for path in out.iterdir()] == ["cet.jpg"]
    assert main(["make", str(shot), "--wall", "white", *options]) == 0
    assert main(["check", "--profile", "ntce", str(out / "ntce.jpg")]) == 0


def test_command_never_writes_over_the_original(tmp_path: Path) -> None:
    shot = tmp_path / "shot.jpg"
    shot.write_bytes(jpeg_bytes())
    assert main(["make", str(shot), "--profile", "cet", "-o", str(shot)]) == 2
    assert shot.read_bytes() == jpeg_bytes()


def test_reviewers_hand_moves_the_other_pictures_within_their_own_rules() -> None:
    """A shift is a share of the face; what the rule would refuse is moved less, or not at all."""
    free = replace(find_photo_profile("student-card"), head={})
    strict = replace(find_photo_profile("id-card"), walls=())
    data = shoot(ROOMY)
    hand = Nudge(right_px=10, down_px=-12, percent=96)
    by_itself = {cut.profile.key: cut for cut in make(data, [free, strict])}
    by_hand = {cut.profile.key: cut for cut in make(data, [free, strict], nudge=hand)}
    before, after = (cuts[free.key].report.measurements for cuts in (by_itself, by_hand))
    assert after["face_width_px"] / before["face_width_px"] == pytest.approx(0.96, abs=0.01)
    assert after["eye_line_px"] < before["eye_line_px"] + 1
    assert by_hand[strict.key].report.verdict != "fail"
    far = make(data, [strict], nudge=Nudge(down_px=150))[0]
    assert far.report.verdict != "fail"
    lines = far.report.measurements
    for name, (low, high) in strict.bands_px().items():
        assert low - 0.5 <= lines.get(f"{name}_px", low) <= high + 0.5
