"""Judge one photo: bytes in, report out."""

import time
from collections.abc import Sequence

from imagecheck.analysis import Analysis
from imagecheck.decode import UndecodableError, decode
from imagecheck.profile import Profile, find_profile
from imagecheck.report import Finding, Mode, Report, worst_verdict
from imagecheck.rules import RULES
from imagecheck.rules.base import Rule

_REFUSALS = {
    "file.format": (
        "文件格式为 {detail}，应为 JPEG：请上传 JPG 格式的照片",
        "the file is {detail}, JPEG wanted: send a JPG file",
        "请上传 JPG 格式的照片",
    ),
    "file.unreadable": (
        "文件损坏或不是照片，无法读取：请重新拍摄或重新保存为 JPG 后上传",
        "the file is damaged or no photo ({detail}): take it again or save it as JPG again",
        "请重新拍摄或重新保存为 JPG 后上传",
    ),
}


def check(data: bytes, *, mode: Mode = "final", profile: str = "moe-2017") -> Report:
    """Judge the bytes of one photo; every input gets a report, never an exception.

    Args:
        data: the bytes of the file, whatever they are.
        mode: ``final`` judges the file as it is, ``capture`` what can be made of it.
        profile: name of the table of limits.

    Raises:
        ValueError: there is no such profile.
    """
    if mode == "capture":
        from imagecheck.examine import examine

        return examine(data, mode=mode, profile=profile).report
    start = time.perf_counter()
    limits = find_profile(profile)
    try:
        picture = decode(data)
    except UndecodableError as error:
        return refuse(error, mode, limits, start)
    return judge(Analysis.of_picture(picture, profile=limits, mode=mode), start)


def judge(analysis: Analysis, start: float) -> Report:
    """Run every rule that applies; ``start`` is the ``perf_counter`` at which work began."""
    findings: list[Finding] = []
    measurements: dict[str, float] = {}
    for rule in RULES:
        if analysis.mode not in rule.modes or not _is_answerable(rule, analysis):
            continue
        finding, value = rule.judge(analysis)
        if value is not None:
            measurements[rule.measurement] = value
        if finding is not None:
            findings.append(finding)
    return make_report(analysis.mode, analysis.profile, findings, measurements, start)


def _is_answerable(rule: Rule, analysis: Analysis) -> bool:
    """Rules about the person need a whole upright face; without one they would only repeat it."""
    return rule.needs != "face" or analysis.face is not None


def make_report(
    mode: Mode,
    profile: Profile,
    findings: Sequence[Finding],
    measurements: dict[str, float],
    start: float,
) -> Report:
    """Put the parts together and stop the watch."""
    elapsed_ms = round((time.perf_counter() - start) * 1000)
    verdict = worst_verdict(findings)
    return Report(mode, profile.name, verdict, tuple(findings), measurements, elapsed_ms)


def refuse(error: UndecodableError, mode: Mode, profile: Profile, start: float) -> Report:
    """The report about bytes that are no picture."""
    zh, en, advice = _REFUSALS[error.code]
    finding = Finding(
        code=error.code,
        status="fail",
        value=error.detail,
        limit="JPEG",
        unit="",
        clause="JPEG 格式",
        message=zh.format(detail=error.detail),
        message_en=en.format(detail=error.detail),
        advice=advice,
    )
    return make_report(mode, profile, [finding], {}, start)
