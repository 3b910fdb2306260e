"""The layout of an annotated photo: the marks on the left, the words on the right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from imagecheck.marks import Marks, Tone
from imagecheck.report import Finding, Report

Language = Literal["zh", "en"]

PANEL_PX = 380
_PADDING_PX = 24
_VERDICTS: dict[str, tuple[str, str]] = {
    "pass": ("合格", "pass"),
    "warn": ("需人工确认", "needs a look"),
    "fail": ("不合格", "fail"),
}


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of the panel; ``y`` is its baseline."""

    x: int
    y: int
    text: str
    size: int
    tone: Tone
    is_heading: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture of ``width`` x ``height`` pixels: marks over the photo, lines beside it."""

    width: int
    height: int
    marks: Marks
    lines: tuple[TextLine, ...]


def lay_out(marks: Marks, report: Report, *, has_photo: bool, language: Language = "zh") -> Sheet:
    """Put verdict, measurements and findings beside the photo, each finding with its number."""
    left = (marks.width if has_photo else 0) + _PADDING_PX
    lines: list[TextLine] = []
    y = _PADDING_PX + 18
    for text, size, tone, gap in _paragraphs(marks, report, language):
        y += gap
        for piece in wrap(text, (PANEL_PX - 2 * _PADDING_PX) / size):
            lines.append(TextLine(left, y, piece, size, tone, is_heading=size > _BODY_PX))
            y += round(size * 1.5)
    return Sheet(left + PANEL_PX - _PADDING_PX, max(marks.height, y), marks, tuple(lines))


_BODY_PX = 14


def _paragraphs(
    marks: Marks, report: Report, language: Language
) -> Iterator[tuple[str, int, Tone, int]]:
    verdict = _VERDICTS[report.verdict][language == "en"]
    yield ("结论：" if language == "zh" else "Verdict: ") + verdict, 22, report.verdict, 0
    for zh, en, tone in marks.measured:
        yield (zh if language == "zh" else en), _BODY_PX, tone, 4
    for number, finding in enumerate(report.findings, start=1):
        yield f"{number}. {_message(finding, language)}", _BODY_PX, finding.status, 10


def _message(finding: Finding, language: Language) -> str:
    return finding.message if language == "zh" else finding.message_en


def wrap(text: str, width_em: float) -> list[str]:
    """Break text into lines; a Chinese character is one em wide, the others about half of it."""
    lines, line, used = [], "", 0.0
    for word in _words(text):
        width = sum(_measure_em(character) for character in word)
        if used + width > width_em and line:
            lines.append(line.rstrip())
            line, used = "", 0.0
            word = word.lstrip()  # noqa: PLW2901 - the space goes with the break
        line, used = line + word, used + width
    return [*lines, line.rstrip()] if line else lines


def _measure_em(character: str) -> float:
    """Width of a character in em."""
    return 1.0 if character >= "\u2e80" else 0.56  # the first Chinese block starts there


def _words(text: str) -> Iterator[str]:
    """Latin words with the space before them; every Chinese character alone.

    Closing punctuation stays with what it follows.
    """
    word = ""
    for character in text:
        is_break = (
            character == " " or _measure_em(character) == 1.0 or _measure_em(word[-1:]) == 1.0
        )
        if word and is_break and character not in "，。：；、）？！":
            yield word
            word = ""
        word += character
    if word:
        yield word
