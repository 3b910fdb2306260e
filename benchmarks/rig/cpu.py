"""CPU seconds of processes, as Linux counts them: other work beside changes them little."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def list_tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += list_tree(int(child))
    return found


def read_tree_cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process and its descendants have used, with ended children."""
    return sum(map(_read_cpu_s, list_tree(pid)))


def read_postgres_cpu_s() -> float:
    """Return the CPU seconds of every PostgreSQL process of this machine that runs now."""
    total = 0.0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and "postgres" in (folder / "comm").read_text():
                total += _read_cpu_s(int(folder.name), has_children=False)
    return total


def _read_cpu_s(pid: int, *, has_children: bool = True) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    ticks = sum(int(field) for field in fields[11 : 15 if has_children else 13])
    return ticks / os.sysconf("SC_CLK_TCK")
