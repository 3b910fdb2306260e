"""Cuts every profile's picture from one shot: decoded, looked at, and taken off its wall once.

Nothing is enlarged beyond what was shot. What a profile's own rules would refuse is not made; the
report says why.
"""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from imagecheck.decode import FileFacts, UndecodableError
from imagecheck.examination import Examination, examine
from imagecheck.nudge import Nudge
from imagecheck.profiles.judge_profile import WallSeen, find, judge_own_rules
from imagecheck.profiles.photo_profile import WALLS, PhotoProfile
from imagecheck.profiles.place import NoPlace, Place
from imagecheck.profiles.shipped import find_photo_profile
from imagecheck.profiles.shot import NO_NUDGE, Shot, source_box
from imagecheck.profiles.write import write_jpeg
from imagecheck.refusals import find_refused
from imagecheck.report import Finding, Report, worst_verdict
from imagecheck.rules import face_none

_MOST_NAMED = 2
_SIDES = {"top": "上方", "right": "右边", "bottom": "下方", "left": "左边"}


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of one profile.

    Attributes:
        profile: it.
        report: the file judged by the profile's own rules; or why there is none.
        jpeg: the file; ``None`` when it could not be made.
        derived_wall: colour that the wall was changed to; empty when it is as it was shot.
    """

    profile: PhotoProfile
    report: Report
    jpeg: bytes | None = None
    derived_wall: str = ""


def make(
    data: bytes, profiles: Sequence[str | PhotoProfile], *, nudge: Nudge = NO_NUDGE
) -> tuple[Cut, ...]:
    """Make every profile's picture of one photo; each input gets an answer, never an exception.

    Args:
        data: the bytes of the file, as they were shot.
        profiles: names of shipped ones, or a college's own.
        nudge: what a reviewer's hand did to the standard photo; each picture follows as far as its
            own rules allow.

    Raises:
        ValueError: there is no such profile.
    """
    wanted = [find_photo_profile(each) if isinstance(each, str) else each for each in profiles]
    own = [each for each in wanted if not each.is_standard]
    made = {each.profile.key: each for each in _cut_all(data, own, nudge)}
    if len(own) < len(wanted):
        standard = examine(data, nudge=nudge)
        made |= {each.key: _take(standard, each) for each in wanted if each.is_standard}
    return tuple(made[each.key] for each in wanted)


def _take(standard: Examination, profile: PhotoProfile) -> Cut:
    """The standard photo itself."""
    report = replace(standard.report, profile=profile.key)
    return Cut(profile, report, standard.standard_jpeg if report.verdict != "fail" else None)


def _cut_all(data: bytes, profiles: Sequence[PhotoProfile], nudge: Nudge) -> list[Cut]:
    if not profiles:
        return []
    try:
        shot = Shot(data)
    except UndecodableError as error:
        finding: Finding | None = find_refused(error.cause, error.detail)
    else:
        finding, _ = face_none.RULE.judge(shot.view)
        if finding is None:
            plans = shot.plan(profiles, nudge)
            return [_cut(shot, each, plans[each.key]) for each in profiles]
    assert finding is not None, "there is no picture or no face"
    return [_refuse(each, finding) for each in profiles]


def _refuse(profile: PhotoProfile, *findings: Finding) -> Cut:
    return Cut(profile, Report("final", profile.key, "fail", findings))


def _cut(shot: Shot, profile: PhotoProfile, place: Place | NoPlace) -> Cut:
    """Cut, write and judge one picture."""
    start = time.perf_counter()
    if isinstance(place, NoPlace):
        return _refuse(profile, _explain(place, shot.head.face_width * shot.most))
    is_changed = shot.needs_wall(profile)
    plate = shot.find_plate(profile.derived_wall) if is_changed else shot.plate
    if plate is None:
        return _refuse(profile, _explain_wall(profile))
    size = profile.width_px, profile.height_px
    pixels = plate.cut(source_box(place, profile), size)
    jpeg = write_jpeg(pixels, profile.dpi, profile.min_kb, profile.max_kb)
    lines = shot.head.mapped(place.factor, place.dx, place.dy)
    wall = WallSeen.of_colour(profile.derived_wall) if is_changed else shot.wall
    own = judge_own_rules(profile, _read_facts(jpeg), lines, wall)
    has_wall_rules = bool(profile.walls) and not is_changed
    findings = (*own.findings, *_list_shot_findings(shot, has_wall_rules=has_wall_rules))
    report = replace(
        own,
        verdict=worst_verdict(findings),
        findings=findings,
        elapsed_ms=round((time.perf_counter() - start) * 1000),
    )
    kept = None if report.verdict == "fail" else jpeg
    return Cut(profile, report, kept, profile.derived_wall if is_changed else "")


def _list_shot_findings(shot: Shot, *, has_wall_rules: bool) -> list[Finding]:
    """What is wrong with the shot for every profile that minds; a new wall has no old faults."""
    return [
        finding
        for finding in shot.findings
        if has_wall_rules or not finding.code.startswith("background.")
    ]


def _read_facts(jpeg: bytes) -> FileFacts:
    """What a file that was just written says about itself."""
    with Image.open(io.BytesIO(jpeg)) as image:
        return FileFacts(
            format=image.format or "",
            size_bytes=len(jpeg),
            width=image.width,
            height=image.height,
            mode=image.mode,
            density_dpi=image.info.get("dpi"),
        )


def _explain(place: NoPlace, face_width_px: float) -> Finding:
    """Why a profile cannot be cut from a shot whose face is so wide."""
    match place.trouble:
        case "small":
            return find(
                "focus.low_resolution", "fail", round(face_width_px), (place.wanted_px, None), "px",
                f"原图里的脸只有 {face_width_px:.0f} 像素宽，"
                f"这一规格至少要 {place.wanted_px:.0f} 像素",
                "放大会变模糊，请离镜头近一点重拍",
                f"the face has {face_width_px:.0f} pixels and {place.wanted_px:.0f} are needed",
            )  # fmt: skip
        case "room":
            named = place.sides if len(place.sides) <= _MOST_NAMED else ()
            sides = "和".join(_SIDES[side] for side in named) or "四周"
            return find(
                "face.cut_off", "fail", ", ".join(place.sides), "room on every side", "",
                f"头离原图{sides}的边太近，裁不出这一规格", "请在头的四周多留些空白重拍",
                f"the head is too near the edge at {', '.join(place.sides)}",
            )  # fmt: skip
    return find(
        "geometry.head_height", "fail", None, None, "",
        "这个人的头型和发型不能同时满足这一规格的各项要求", "请人工处理，或放宽这一规格的要求",
        "no crop of this head satisfies all rules of the profile",
    )  # fmt: skip


def _explain_wall(profile: PhotoProfile) -> Finding:
    names = WALLS[profile.derived_wall]
    return find(
        "background.uneven", "fail", None, None, "",
        f"原图的背景不是干净的单色墙，或衣服和墙同色，不能换成{names}",
        "请换一面干净的单色墙重拍",
        "the wall is not plain enough to be changed",
    )  # fmt: skip
