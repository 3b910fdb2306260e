"""Judge one photo: bytes in, report out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imagecheck.analysis import Analysis
from imagecheck.decode import UndecodableError, decode
from imagecheck.profile import Profile, find_profile
from imagecheck.report import Finding, Mode, Report, worst_verdict
from imagecheck.rules import RULES
from imagecheck.rules.base import Rule


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Words for bytes that are no picture; ``{detail}`` is what was found."""

    zh: str
    advice: str
    en: str
    advice_en: str


_REFUSALS = {
    "file.format": _Refusal(
        "文件格式为 {detail}，应为 JPEG",
        "请上传 JPG 格式的照片",
        "the file is {detail}, JPEG wanted",
        "send a JPG file",
    ),
    "file.unreadable": _Refusal(
        "文件损坏或不是照片，无法读取",
        "请重新拍摄，或重新保存为 JPG 后上传",
        "the file is damaged or no photo ({detail})",
        "take it again or save it as JPG again",
    ),
}
_HEIC = _Refusal(
    "文件格式为 HEIC，应为 JPEG",
    "请在手机相机设置中选择“兼容性最佳”后重拍，或把照片另存为 JPG",
    "the file is HEIC, JPEG wanted",
    "choose the most compatible format in the camera settings, or save the photo as JPG",
)


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
        from imagecheck.examine import judge_upload

        return judge_upload(data, mode=mode, profile=find_profile(profile)).report
    start = time.perf_counter()
    limits = find_profile(profile)
    try:
        picture = decode(data)
    except UndecodableError as error:
        return refuse(error, mode, limits, start)
    return judge(Analysis.of_picture(picture, profile=limits, mode=mode), start)


def judge(
    analysis: Analysis,
    start: float,
    *,
    applies: Callable[[Rule], bool] | None = None,
    known: Finding | None = None,
) -> Report:
    """Run every rule that applies.

    Args:
        analysis: the picture to judge.
        start: the ``perf_counter`` at which work on the photo began.
        applies: picks rules; all by default.
        known: a finding that is certain already; its rule is not asked again.
    """
    findings = [] if known is None else [known]
    measurements: dict[str, float] = {}
    for rule in RULES:
        if known is not None and rule.code == known.code:
            continue
        if (applies and not applies(rule)) or not _is_answerable(rule, analysis):
            continue
        finding, value = rule.judge(analysis)
        if value is not None:
            measurements[rule.measurement] = value
        if finding is not None:
            findings.append(finding)
    return make_report(analysis.mode, analysis.profile, findings, measurements, start)


def _is_answerable(rule: Rule, analysis: Analysis) -> bool:
    """Rules about the person need an upright face; without one they would only repeat it."""
    if analysis.mode not in rule.modes:
        return False
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
    words = _HEIC if error.detail == "HEIC" else _REFUSALS[error.code]
    fact = words.zh.format(detail=error.detail)
    fact_en = words.en.format(detail=error.detail)
    finding = Finding(
        code=error.code,
        status="fail",
        value=error.detail,
        limit="JPEG",
        unit="",
        clause="JPEG 格式",
        message=f"{fact}：{words.advice}",
        message_en=f"{fact_en}: {words.advice_en}",
        advice=words.advice,
    )
    return make_report(mode, profile, [finding], {}, start)
