"""Ask every rule about an analysed picture, and refuse what is no picture."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from imagecheck.analysis import Analysis
from imagecheck.decode import UndecodableError
from imagecheck.profile import Profile
from imagecheck.refusals import REFUSALS, find_refused
from imagecheck.report import Finding, Mode, Report, worst_verdict
from imagecheck.rules import RULES
from imagecheck.rules.base import Rule


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
    return _make_report(analysis.mode, analysis.profile, findings, measurements, start)


def _is_answerable(rule: Rule, analysis: Analysis) -> bool:
    """Rules about the person need an upright face; without one they would only repeat it."""
    if analysis.mode not in rule.modes:
        return False
    return rule.needs != "face" or analysis.face is not None


def _make_report(
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
    finding = find_refused(error.cause, error.detail)
    report = _make_report(mode, profile, [finding], {}, start)
    return replace(report, is_unfinished=REFUSALS[error.cause].is_ours)
