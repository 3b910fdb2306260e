"""Fakes that stand behind the gateway protocols, and small makers for tests."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from server.gateways.clock import SettableClock
from server.gateways.wechat_login import LoginCodeInvalid


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


@dataclass
class FakeChecker:
    """Gives the verdict that the test wants and remembers what it saw."""

    verdict: str = "pass"
    findings: list[dict[str, Any]] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)

    def examine(self, data: bytes, *, mode: str, profile: str, background: str) -> FakeExamination:
        self.seen.append(data)
        return FakeExamination(
            {
                "mode": mode,
                "profile": profile,
                "verdict": self.verdict,
                "findings": self.findings,
                "measurements": {"head_top_px": 80.0},
                "elapsed_ms": 5,
            },
            standard_jpeg=b"\xff\xd8\xff standard of " + data[-16:],
        )
