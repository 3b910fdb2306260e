"""Fakes that stand behind the gateway protocols, and small makers for tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from imagecheck.isolated import ChildGone
from imagecheck.nudge import Nudge
from imagecheck.profiles.photo_profile import PhotoProfile
from server.gateways.clock import SettableClock
from server.gateways.wechat_login import LoginCodeInvalid
from server.services.profiles.cut import NotMade


def make_clock() -> SettableClock:
    """Return a clock at 1 October 2026, noon in Shanghai: well before the autumn cut-off."""
    return SettableClock(dt.datetime(2026, 10, 1, 4, 0, tzinfo=dt.UTC))


class FakeLogin:
    """Knows every phone: the code ``phone-alice`` belongs to the openid ``openid-alice``."""

    def exchange_code(self, js_code: str) -> str:
        if not js_code.startswith("phone-"):
            raise LoginCodeInvalid("40029")
        return "openid-" + js_code.removeprefix("phone-")


@dataclass
class FakeExamination:
    """What a checker would return."""

    report: dict[str, Any]
    standard_jpeg: bytes | None = b"\xff\xd8\xff standard"
    overlay_svg: str | None = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 480 640'></svg>"
    hashes: tuple[str, str] | None = None


@dataclass
class FakeChecker:
    """Gives the verdict that the test wants and remembers what it saw."""

    verdict: str = "pass"
    findings: list[dict[str, Any]] = field(default_factory=list)
    measurements: dict[str, float] = field(default_factory=lambda: {"head_top_px": 80.0})
    seen: list[bytes] = field(default_factory=list)
    nudges: list[Nudge | None] = field(default_factory=list)

    def examine(
        self,
        data: bytes,
        *,
        mode: str,
        profile: str,
        background: str,
        nudge: Nudge | None = None,
    ) -> FakeExamination:
        self.seen.append(data)
        self.nudges.append(nudge)
        return FakeExamination(
            {
                "mode": mode,
                "profile": profile,
                "verdict": self.verdict,
                "findings": self.findings,
                "measurements": self.measurements,
                "elapsed_ms": 5,
            },
            standard_jpeg=b"\xff\xd8\xff standard of " + data[-16:] + repr(nudge).encode()
            if nudge
            else b"\xff\xd8\xff standard of " + data[-16:],
        )


@dataclass
class FakeMaker:
    """Makes a file of each profile's name; refuses what it is told to."""

    refused: tuple[str, ...] = ()
    dies: int = 0
    calls: list[list[str]] = field(default_factory=list)
    nudges: list[Nudge | None] = field(default_factory=list)

    def make(
        self, data: bytes, profiles: Sequence[PhotoProfile], *, nudge: Nudge | None = None
    ) -> list[NotMade]:
        self.calls.append([each.key for each in profiles])
        self.nudges.append(nudge)
        if self.dies:
            self.dies -= 1
            raise ChildGone("checker_ended")
        return [
            NotMade({"findings": [{"message": "原图不够大"}]})
            if each.key in self.refused
            else NotMade({"findings": []}, b"\xff\xd8\xff " + f"{each.key} of {data!r}".encode())
            for each in profiles
        ]


class FakeFitter:
    """Takes whatever begins like a JPEG for a small picture."""

    def fit_picture(self, data: bytes, *, longest_px: int) -> bytes | None:
        return data if data.startswith(b"\xff\xd8\xff") else None
