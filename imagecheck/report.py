"""What imagecheck says about one photo: findings, a verdict and the measured numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["pass", "warn", "fail", "unknown"]
Mode = Literal["final", "capture"]
Verdict = Literal["pass", "warn", "fail"]

Band = tuple[float | None, float | None]
"""Allowed values, both ends included; ``None`` is an open end."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the photo that is not a pass.

    Attributes:
        code: stable name of the rule, for example ``geometry.head_top``.
        status: ``fail``, ``warn`` or ``unknown`` (a precondition was missing, a person must look).
        value: what was measured, in ``unit``; a word where the rule does not measure a number.
        limit: the allowed band, or the allowed word, in ``unit``.
        unit: ``px``, ``deg``, ``KB``, ``dE`` and so on; empty for a bare ratio.
        clause: the words of the standard that the rule stands for.
        message: Chinese, one sentence: what is wrong and what to do about it.
        message_en: the same in English.
        advice: the last part of ``message`` alone.
        details: Chinese: the measured number and what is allowed, for who wants to know.
        details_en: the same in English.
    """

    code: str
    status: Status
    value: float | str | None
    limit: Band | str | None
    unit: str
    clause: str
    message: str
    message_en: str
    advice: str = ""
    details: str = ""
    details_en: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The finding as the JSON contract writes it."""
        limit = list(self.limit) if isinstance(self.limit, tuple) else self.limit
        return {
            "code": self.code,
            "status": self.status,
            "value": round(self.value, 3) if isinstance(self.value, float) else self.value,
            "limit": limit,
            "unit": self.unit,
            "clause": self.clause,
            "message": self.message,
            "message_en": self.message_en,
            "details": self.details,
            "details_en": self.details_en,
        }


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to a photo beyond cropping, scaling and writing the file.

    Attributes:
        code: ``wall`` or ``turned``.
        value: the colour of the new wall, or by how many degrees the picture was turned.
        message, message_en: for the student and the reviewer.
    """

    code: str
    value: str
    message: str
    message_en: str

    def to_dict(self) -> dict[str, Any]:
        """The change as the JSON contract writes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to one photo.

    Attributes:
        findings: in the order in which to put them right.
        changes: what was done to the photo before it was judged, in ``capture`` mode.
        is_unfinished: there is no verdict on the photo, the check did not end; the verdict
            ``fail`` only says that it cannot be used as yet. The same bytes may come again.
    """

    mode: Mode
    profile: str
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    measurements: Mapping[str, float] = field(default_factory=dict)
    elapsed_ms: int = 0
    changes: tuple[Change, ...] = ()
    is_unfinished: bool = False

    def to_dict(self, file: str | None = None) -> dict[str, Any]:
        """The report as the JSON contract writes it; ``file`` is added when it is given."""
        head: dict[str, Any] = {} if file is None else {"file": file}
        return head | {
            "mode": self.mode,
            "profile": self.profile,
            "verdict": self.verdict,
            "findings": [finding.to_dict() for finding in self.findings],
            "measurements": {name: round(v, 3) for name, v in self.measurements.items()},
            "elapsed_ms": self.elapsed_ms,
            "changes": [change.to_dict() for change in self.changes],
            "unfinished": self.is_unfinished,
        }


def worst_verdict(findings: Sequence[Finding]) -> Verdict:
    """The verdict that the findings add up to; ``unknown`` asks for a look, as ``warn`` does."""
    if any(finding.status == "fail" for finding in findings):
        return "fail"
    return "warn" if findings else "pass"


def write_sentence(fact: str, advice: str, *, language: Literal["zh", "en"] = "zh") -> str:
    """One sentence of what is wrong and what to do."""
    if language == "zh":
        return f"{fact}，{advice}。"
    return f"{fact[:1].upper()}{fact[1:]}: {advice}."
