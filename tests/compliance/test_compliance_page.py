"""docs/compliance.md names files and tests: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "compliance.md"
LINE = re.compile(r"^\| .+ \| `([^`]+)` \| `([^`]+)::(test_\w+)` \|$")


def list_lines() -> list[str]:
    return [
        line
        for line in PAGE.read_text().splitlines()
        if line.startswith("|") and not line.startswith(("| duty", "|---"))
    ]


def find_missing(lines: list[str]) -> list[str]:
    missing = []
    for line in lines:
        found = LINE.match(line)
        if found is None:
            missing.append(f"not a duty with its file and its test: {line}")
            continue
        where, file, test = found.groups()
        if not (ROOT / where).is_file():
            missing.append(where)
        text = (ROOT / file).read_text() if (ROOT / file).is_file() else ""
        if f"def {test}(" not in text:
            missing.append(f"{file}::{test}")
    return missing


def test_every_duty_names_a_file_and_a_test_that_exist() -> None:
    lines = list_lines()
    assert len(lines) > 30
    assert find_missing(lines) == []


def test_duty_whose_test_is_gone_is_found() -> None:
    line = "| a duty | `server/app.py` | `tests/compliance/test_periods.py::test_that_is_gone` |"
    assert find_missing([line]) == ["tests/compliance/test_periods.py::test_that_is_gone"]
