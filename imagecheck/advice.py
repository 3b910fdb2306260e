"""Which few findings to show at once, out of all of them.

Failures come before what needs a look, each in the order of repair. What another finding explains
waits until that one is put right: behind sunglasses the eyes are "closed" too, but nobody can open
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

SHOWN_AT_ONCE = 3

_RANKS = {"fail": 0, "warn": 1, "unknown": 2}
_EXPLAINS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "focus.blurred": frozenset({"focus.low_resolution", "eyes.gaze", "glasses.frame"}),
        "light.dark": frozenset({"light.uneven", "colour.unnatural", "focus.low_resolution"}),
        "light.bright": frozenset({"light.highlight", "colour.unnatural"}),
        "pose.roll": frozenset({"pose.shoulders"}),
        "pose.yaw": frozenset({"ears.hidden", "eyes.gaze"}),
        "eyes.closed": frozenset({"eyes.gaze"}),
        "glasses.tinted": frozenset({"eyes.closed", "eyes.gaze", "hair.eyes", "glasses.frame"}),
        "glasses.glare": frozenset({"eyes.closed", "eyes.gaze", "hair.eyes", "light.highlight"}),
        "mouth.open": frozenset({"expression.smile"}),
        "background.object": frozenset({"background.uneven", "background.shadow"}),
        "background.shadow": frozenset({"background.uneven"}),
        "colour.greyscale": frozenset({"colour.unnatural"}),
        "head.covered": frozenset({"hair.brows", "ears.hidden"}),
        "hair.eyes": frozenset({"hair.brows"}),
    }
)


class Coded(Protocol):
    """Anything that bears the code and the status of a finding."""

    @property
    def code(self) -> str:
        """Stable name of the rule."""
        ...

    @property
    def status(self) -> str:
        """``fail``, ``warn`` or ``unknown``."""
        ...


F = TypeVar("F", bound=Coded)


def choose_first(findings: Sequence[F], limit: int = SHOWN_AT_ONCE) -> tuple[F, ...]:
    """The findings to show first, at most ``limit``.

    Args:
        findings: in the order of repair, as a report holds them.
        limit: how many.
    """
    ordered = sorted(findings, key=_rank)
    return tuple(sorted(ordered, key=lambda finding: _is_explained(finding, findings))[:limit])


def _rank(finding: Coded) -> int:
    return _RANKS.get(finding.status, len(_RANKS))


def _is_explained(finding: Coded, among: Sequence[Coded]) -> bool:
    """Whether another finding, no less grave, is the reason for this one."""
    return any(
        finding.code in _EXPLAINS.get(other.code, frozenset()) and _rank(other) <= _rank(finding)
        for other in among
    )
