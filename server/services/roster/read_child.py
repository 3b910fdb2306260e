"""The child of ``read_apart``: a file comes in on standard input, rows go out as JSON lines.

The first line says what is wrong with the file, or nothing. Limits on memory and processor time
end the process from within, also when its parent is gone.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

from server.services.roster.columns import COLUMNS, RosterUnreadable
from server.services.roster.read import read_lines, read_roster

MEMORY_MB = 1024
"""Measured: 100,000 rows of xlsx need 280 MB."""
CPU_LIMIT_S = 60


def main() -> None:
    """Read one file and answer."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MB << 20, MEMORY_MB << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.argv[1:] == ["table"]:
        _answer_table(sys.stdin.buffer.read())
        return
    try:
        roster = read_roster(sys.stdin.buffer.read())
    except RosterUnreadable as error:
        _write({"error": error.shown_message})
        return
    _write({"error": "", "notes": roster.notes})
    for row in roster.rows:
        cells = [row.values.get(name) for name in COLUMNS]
        _write([row.number, cells, row.spoiled, row.was_cleaned])


def _answer_table(data: bytes) -> None:
    try:
        lines = read_lines(data)
    except RosterUnreadable as error:
        _write({"error": error.shown_message})
        return
    _write({"error": ""})
    for line in lines:
        _write(line)


def _write(value: Any) -> None:
    sys.stdout.buffer.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")


if __name__ == "__main__":
    main()
