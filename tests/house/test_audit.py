"""`make audit` says what it looked up, what it found, and what it could not ask about."""

from __future__ import annotations

import pytest

from benchmarks.audit import judge, main

SOUND = {"name": "flask", "version": "3.1.3", "vulns": []}
SICK = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"]}]}
UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("entries", "accepted", "status", "last_line"),
    [
        ([SOUND], set(), 0, "lock: 1 looked up, 0 vulnerable"),
        ([SOUND, SICK], set(), 1, "lock: 2 looked up, 1 vulnerable"),
        ([SOUND, SICK], {"CVE-1"}, 0, "lock: 2 looked up, 0 vulnerable"),
        ([SOUND, UNKNOWN], set(), 2, "left out: 1 of 2 in lock, not known there"),
        ([SICK, UNKNOWN], set(), 1, "left out: 1 of 2 in lock, not known there"),
        ([UNKNOWN, UNKNOWN], set(), 3, "left out: 2 of 2 in lock, not known there"),
        (None, set(), 3, "left out: lock, the vulnerability service does not answer"),
        ([], set(), 3, "lock: 0 looked up, 0 vulnerable"),
    ],
)
def test_audit_never_takes_silence_for_health(
    entries: list[dict[str, object]] | None, accepted: set[str], status: int, last_line: str
) -> None:
    found, lines = judge("lock", entries, accepted)
    assert (found, lines[-1]) == (status, last_line)


@pytest.mark.parametrize(
    ("answer", "options", "status"),
    [
        (None, [], 2),
        (None, ["--allow-outage"], 0),
        ([SOUND], [], 0),
        ([SOUND, UNKNOWN], [], 0),
        ([SOUND, UNKNOWN], ["--strict"], 2),
    ],
)
def test_audit_that_looked_up_nothing_fails(
    monkeypatch: pytest.MonkeyPatch,
    answer: list[dict[str, object]] | None,
    options: list[str],
    status: int,
) -> None:
    monkeypatch.setattr("sys.argv", ["audit", *options])
    monkeypatch.setattr("benchmarks.audit.ask", lambda _lock: answer)
    assert main() == status
