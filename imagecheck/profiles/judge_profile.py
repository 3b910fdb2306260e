"""Judges a file by a profile's own rules: what it is, where the head is, which wall it has."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from imagecheck.analysis import Analysis
from imagecheck.decode import FileFacts, UndecodableError, decode
from imagecheck.judge import judge, refuse
from imagecheck.measures.backdrop import Backdrop
from imagecheck.profile import PROFILES, Profile
from imagecheck.profiles.photo_profile import MEASURES, WALLS, Measure, PhotoProfile
from imagecheck.profiles.place import HeadLines
from imagecheck.report import Finding, Report, Status, worst_verdict, write_sentence
from imagecheck.rules.base import Rule

LIMITS: Profile = PROFILES["moe-2017"]
"""What the rules about the person are asked with: no use has other ones."""
CODES: Mapping[Measure, str] = MappingProxyType(
    {
        "top": "geometry.head_top",
        "head": "geometry.head_height",
        "head_neck": "geometry.head_neck",
        "shoulders": "geometry.shoulders",
        "eye_line": "geometry.eye_line",
        "face_width": "geometry.face_width",
    }
)
_DOUBT = 0.15
"""Landmarks err: a value this share of its band beyond it only asks for a look, at least 1 px."""
_WALL_DOUBT = 0.6
_OTHER_COLOUR = 2.0
_DPI_SLACK = 1.0
_ENLARGED = 1.05
"""Pictures smaller than the view hide what the rules about the person look for."""
_ALWAYS = (
    "file.format",
    "file.colour_mode",
    "file.mirrored",
    "face.",
    "background.uneven",
    "background.shadow",
    "background.object",
    "colour.greyscale",
)
_NEVER = ("file.", "geometry.", "background.colour")


@dataclass(frozen=True, slots=True)
class WallSeen:
    """The wall's colour.

    Attributes:
        distances: to each reference colour over its tolerance, by the names of `WALLS`; above 1 it
            is another colour.
    """

    distances: Mapping[str, float]

    @classmethod
    def of_analysis(cls, analysis: Analysis) -> WallSeen | None:
        """The wall of an analysis with a face; ``None`` where too little of it is seen."""
        backdrop = analysis.part(Backdrop)
        if not backdrop.is_visible:
            return None
        return cls(
            {
                name: backdrop.distance_to(rgb) / LIMITS.ground_tolerances[name]
                for name, rgb in LIMITS.grounds.items()
            }
        )

    @classmethod
    def of_colour(cls, name: str) -> WallSeen:
        """A wall that has got exactly that reference colour."""
        return cls({other: 0.0 if other == name else _OTHER_COLOUR for other in WALLS})

    def nearest(self, walls: tuple[str, ...]) -> float:
        """Distance to the nearest of these colours."""
        return min(self.distances[name] for name in walls)


def check_profile(data: bytes, profile: PhotoProfile) -> Report:
    """Judge the bytes of a file as they are; every input gets a report, never an exception.

    The rules about the person are asked too where the picture is large enough to show what they
    look for.
    """
    start = time.perf_counter()
    limits = Profile(profile.key, LIMITS.grounds)
    try:
        picture = decode(data, enough_px=(profile.width_px, profile.height_px))
    except UndecodableError as error:
        return refuse(error, "final", limits, start)
    analysis = Analysis.of_picture(picture, profile=limits, mode="final")
    is_enlarged = analysis.factor * _ENLARGED < 1
    person = judge(
        analysis, start, applies=lambda rule: _applies(rule, profile, is_enlarged=is_enlarged)
    )
    lines = wall = None
    if analysis.face is not None:
        per_view = picture.reduction * analysis.factor
        lines = measure_lines(analysis).mapped(per_view, 0.0, 0.0)
        wall = WallSeen.of_analysis(analysis)
    own = judge_own_rules(profile, picture.facts, lines, wall)
    findings = (*own.findings, *person.findings)
    return Report(
        "final",
        profile.key,
        worst_verdict(findings),
        findings,
        {**person.measurements, **own.measurements},
        round((time.perf_counter() - start) * 1000),
    )


def _applies(rule: Rule, profile: PhotoProfile, *, is_enlarged: bool) -> bool:
    if rule.code.startswith("background.") and not profile.walls:
        return False
    if rule.code.startswith(_ALWAYS):
        return True
    return not is_enlarged and not rule.code.startswith(_NEVER)


def measure_lines(analysis: Analysis) -> HeadLines:
    """The head as it is seen in an analysis with a face, in its pixels."""
    from imagecheck.framing import UNMEASURED_HAIR_TOP

    top = analysis.hair_top_px
    estimate = analysis.eye_line_px - UNMEASURED_HAIR_TOP * analysis.face_width_px
    return HeadLines(
        analysis.face_centre_x_px,
        estimate if top is None else top,
        analysis.eye_line_px,
        float(analysis.points[8, 1]),
        analysis.face_width_px,
        is_hair_seen=top is not None,
    )


def judge_own_rules(
    profile: PhotoProfile, facts: FileFacts, lines: HeadLines | None, wall: WallSeen | None
) -> Report:
    """What the profile's own rules say.

    Args:
        profile: the rules.
        facts: of the file.
        lines: the head in the file's pixels; ``None`` without a face.
        wall: ``None`` where it is not seen.
    """
    findings = [*_judge_file(profile, facts)]
    measurements: dict[str, float] = {"file_size_kb": facts.size_bytes / 1024}
    if lines is not None:
        for name in MEASURES:
            measurements[f"{name}_px"] = lines.measure(name, profile.height_px)
        findings += _judge_head(profile, lines)
        findings += _judge_wall(profile, wall)
    verdict = worst_verdict(findings)
    return Report("final", profile.key, verdict, tuple(findings), measurements)


def _judge_file(profile: PhotoProfile, facts: FileFacts) -> Iterator[Finding]:
    size, wanted = (facts.width, facts.height), (profile.width_px, profile.height_px)
    if size != wanted:
        yield find(
            "file.dimensions", "fail", f"{size[0]}x{size[1]}", f"{wanted[0]}x{wanted[1]}", "px",
            f"照片是宽 {size[0]}、高 {size[1]} 像素，应为宽 {wanted[0]}、高 {wanted[1]} 像素",
            "请由系统从原图生成",
            f"the picture has {size[0]}x{size[1]} pixels instead of {wanted[0]}x{wanted[1]}",
        )  # fmt: skip
    density = facts.density_dpi
    if density is None or any(abs(each - profile.dpi) > _DPI_SLACK for each in density):
        stated = "缺失" if density is None else f"{density[0]:.0f}x{density[1]:.0f}"
        yield find(
            "file.resolution", "warn" if density is None else "fail", stated, str(profile.dpi),
            "dpi", f"打印分辨率标记应为每英寸 {profile.dpi} 点", "请由系统从原图生成",
            f"the file is not marked with {profile.dpi} dots an inch",
        )  # fmt: skip
    yield from _judge_size(profile, facts.size_bytes)


def _judge_size(profile: PhotoProfile, size_bytes: int) -> Iterator[Finding]:
    low, high = profile.min_kb, profile.max_kb
    is_small = low is not None and size_bytes < 1000 * low
    is_large = high is not None and size_bytes > 1024 * high
    if not is_small and not is_large:
        return
    band = "、".join(
        text
        for end, text in ((low, f"不小于 {low or 0:g} KB"), (high, f"不大于 {high or 0:g} KB"))
        if end is not None
    )
    yield find(
        "file.size", "fail", size_bytes / 1024, (low, high), "KB",
        f"照片文件有 {size_bytes / 1024:.1f} KB，应{band}", "请由系统从原图生成",
        f"the file has {size_bytes / 1024:.1f} KB",
    )  # fmt: skip


def _judge_head(profile: PhotoProfile, lines: HeadLines) -> Iterator[Finding]:
    for name, (low, high) in profile.bands_px().items():
        value = lines.measure(name, profile.height_px)
        if low <= value <= high:
            continue
        if not lines.is_hair_seen and name not in ("eye_line", "face_width"):
            status: Status = "unknown"
        else:
            slack = max(1.0, _DOUBT * (high - low))
            status = "warn" if low - slack <= value <= high + slack else "fail"
        yield find(
            CODES[name], status, round(value, 1), (round(low, 1), round(high, 1)), "px",
            f"{MEASURES[name]} {value:.0f} 像素，应为 {low:.0f} 到 {high:.0f} 像素",
            "请退回重拍，或调整这一规格的要求",
            f"{name} is {value:.0f} pixels instead of {low:.0f} to {high:.0f}",
        )  # fmt: skip


def _judge_wall(profile: PhotoProfile, wall: WallSeen | None) -> Iterator[Finding]:
    if not profile.walls or wall is None:
        return
    distance = wall.nearest(profile.walls)
    if distance <= _WALL_DOUBT:
        return
    names = "或".join(WALLS[name] for name in profile.walls)
    is_doubt = distance <= 1
    yield find(
        "background.colour", "warn" if is_doubt else "fail", round(distance, 2), (None, 1.0), "",
        f"背景可能不是{names}" if is_doubt else f"背景不是{names}",
        "请换背景重拍，或让管理员打开这一规格的换背景",
        f"the wall is not {' or '.join(profile.walls)}",
    )  # fmt: skip


def find(
    code: str,
    status: Status,
    value: float | str | None,
    limit: tuple[float | None, float | None] | str | None,
    unit: str,
    fact: str,
    advice: str,
    fact_en: str,
) -> Finding:
    """A finding of a profile's rule."""
    return Finding(
        code=code,
        status=status,
        value=value,
        limit=limit,
        unit=unit,
        clause=fact,
        message=write_sentence(fact, advice),
        message_en=write_sentence(fact_en, "see the profile", language="en"),
        advice=advice,
    )
