"""What students read: one sentence a cause, in plain Chinese, with the numbers that help."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from imagecheck.framing import NoRoom, Side
from imagecheck.profile import OPEN, find_profile
from imagecheck.refusals import REFUSALS, find_refused
from imagecheck.report import Finding
from imagecheck.rules import RULES
from imagecheck.rules.base import UNKNOWN, Measured, Rule, Say, Stated

FORBIDDEN = re.compile(r"[≤≥±<>°{}]|px|\bHOG\b|倍|您|None|EXIF|dpi|KB")
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,.:;!?()]|[,.:;!?()] ?[\u4e00-\u9fff]")
NUMBER = re.compile(r"\d[\d.]*(?! (?:到 \d+ )?(?:像素|度|万像素)|[\d.])")
PROFILE = find_profile("moe-2017")
PHOTO: Any = SimpleNamespace(profile=PROFILE, mode="final")


def values_of(rule: Rule) -> Iterator[Measured]:
    """Values beyond each end of both bands, and the missing value."""
    if rule.unknown is not None:
        yield UNKNOWN
    limit = PROFILE.limits.get(rule.code)
    for band in {limit.fail, limit.warn} - {OPEN} if limit else ():
        for end, step in zip(band, (-0.0004, 0.0004), strict=True):
            if end is not None:
                yield end + step * max(1.0, abs(end))
    module = import_module(f"imagecheck.rules.{rule.code.replace('.', '_')}")
    says = [thing for thing in vars(module).values() if isinstance(thing, Say)]
    if not limit or says or rule.code == "file.resolution":
        yield from (Stated("fail", "XXX", "YYY", say) for say in (None, *says))


def all_findings() -> list[Finding]:
    found = []
    for rule in RULES:
        for value in values_of(rule):
            asked = replace(rule, measure=lambda _, value=value: value)
            finding, _ = asked.judge(PHOTO)
            assert finding is not None, (rule.code, value)
            found.append(finding)
    found += [find_refused(cause, "GIF") for cause in REFUSALS]
    sides: tuple[tuple[Side, ...], ...] = (("top",), ("top", "right"), ("top", "right", "left"))
    return found + [NoRoom(some, 0.1).to_finding() for some in sides]


FINDINGS = all_findings()


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.code)
def test_message_is_one_plain_sentence(finding: Finding) -> None:
    message = finding.message
    assert message.endswith("。")
    assert message.count("。") == 1
    assert not HALF_WIDTH.search(message), message
    assert not FORBIDDEN.search(message), message
    assert not NUMBER.search(message), f"only pixels and degrees help: {message}"
    assert finding.advice.startswith("请"), finding.advice
    assert finding.advice in message
    assert finding.message_en.isascii()
    assert finding.message_en.endswith(".")
    assert not re.search(r"\bpx\b|\bdpi\b|[{}<>]", finding.message_en)
    assert not HALF_WIDTH.search(finding.details), finding.details
    assert not re.search(r"[≤≥±]|px", finding.details), finding.details


def test_no_two_causes_share_a_text() -> None:
    told: dict[str, str] = {}
    for finding in FINDINGS:
        assert told.setdefault(finding.message, finding.code) == finding.code, finding.message
    for cause in REFUSALS:
        others = [name for name in REFUSALS if name != cause]
        assert find_refused(cause).message not in {find_refused(name).message for name in others}


def test_nobody_is_sent_to_make_what_another_finding_warns_of() -> None:
    screenshot = re.compile("截屏|截图|屏幕截图")
    for finding in FINDINGS:
        told = finding.message.replace("不要用截图", "")
        assert not screenshot.search(told), told
        assert not re.search(r"(?<!no )screenshot", finding.message_en), finding.message_en


def test_hints_read_otherwise_than_failures() -> None:
    for finding in FINDINGS:
        rule = next((rule for rule in RULES if rule.code == finding.code), None)
        if rule is None or finding.status == "unknown":
            continue
        is_doubt = finding.status == "warn" and bool(rule.high.hint)
        assert ("可能" in finding.message and "如果是这样" in finding.message) is is_doubt or (
            finding.status == "fail" and "如果是这样" not in finding.message
        )


def test_value_outside_the_band_never_reads_as_inside() -> None:
    told = {finding.message for finding in FINDINGS if finding.code == "geometry.head_top"}
    numbers = {int(found) for text in told for found in re.findall(r"有 (\d+) 像素", text)}
    assert numbers
    assert numbers.isdisjoint(range(50, 111))


def test_sides_that_need_room_are_named() -> None:
    assert "上方和右边" in NoRoom(("top", "right"), 0.1).to_finding().message
    assert "四周" in NoRoom(("top", "right", "left"), 0.1).to_finding().message
