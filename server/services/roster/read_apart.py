"""Reads a roster file in a child process that a hostile file may break without harm.

A spreadsheet of a few kilobytes can name a cell in the last row of the last column, and the reader
would ask for half a terabyte: only a process of its own, with limits, survives that.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from server.services.roster.columns import COLUMNS, RosterUnreadable
from server.services.roster.read import Roster, RosterRow
from server.sizes import MAX_ROSTER_BYTES

TIMEOUT_S = 90
BROKEN = "这个表格无法读取：内容异常或太大。请把名单复制到模板中再上传"
HOME = Path(__file__).resolve().parents[2]


def read_table_apart(data: bytes) -> list[list[str]]:
    """Return the lines of any list as text, its head first: what the columns mean, people say.

    Raises:
        RosterUnreadable: as for a roster; no line below the head.
    """
    lines = _ask_child(data, "table")
    return [json.loads(line) for line in lines[1:]]


def read_roster_apart(data: bytes) -> Roster:
    """Return a roster, read by a child process.

    Raises:
        RosterUnreadable: what ``read_roster`` says, or that the child did not survive the file.
    """
    lines = _ask_child(data, "roster")
    head = json.loads(lines[0])
    return Roster([_read_line(line) for line in lines[1:]], head["notes"])


def _ask_child(data: bytes, kind: str) -> list[bytes]:
    """Return the lines that the child answers; the first says that nothing is wrong."""
    if not data:
        raise RosterUnreadable("名单文件是空的")
    if len(data) > MAX_ROSTER_BYTES:
        raise RosterUnreadable("名单文件超过 30 MB")
    try:
        done = subprocess.run(  # noqa: S603 - our own module, by our own interpreter
            [sys.executable, "-m", "server.services.roster.read_child", kind],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(HOME)},
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RosterUnreadable(BROKEN) from error
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise RosterUnreadable(BROKEN)
    head = json.loads(lines[0])
    if head["error"]:
        raise RosterUnreadable(head["error"])
    return lines


def _read_line(line: bytes) -> RosterRow:
    number, cells, spoiled, was_cleaned = json.loads(line)
    values = {name: cell for name, cell in zip(COLUMNS, cells, strict=True) if cell is not None}
    return RosterRow(number, values, spoiled, was_cleaned)
