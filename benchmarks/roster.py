"""How long a roster import takes, how much memory, and how long it keeps other writers waiting.

    .venv/bin/python benchmarks/roster.py [ROWS ...]

The floor is what nobody can do without: the spreadsheet library reading the file, and the driver
inserting the same number of rows into the same tables, one statement a chunk. Figures are wall
seconds on SQLite; ``lock`` is the time for which other writers wait.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import resource
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import openpyxl
import python_calamine
from sqlalchemy import insert, select

from models import Enrolment, FieldCipher, StatusChange
from server.db import Database
from server.gateways.clock import SystemClock
from server.services.college.set_up import add_institution
from server.services.id_numbers import compute_check_character
from server.services.roster import write as write_roster
from server.services.roster.columns import COLUMNS
from server.services.roster.plan import CHUNK, plan_import
from server.services.roster.read_apart import read_roster_apart

CENTRES = 40


class College:
    """As much of a context as an import needs."""

    def __init__(self, folder: Path) -> None:
        self.db = Database(f"sqlite:///{folder / 'roster.db'}")
        self.db.migrate()
        self.cipher = FieldCipher({"k1": b"f" * 32}, b"i" * 32)
        self.now = SystemClock().now
        self.institution_id = add_institution(self, "示范学院")  # type: ignore[arg-type]


def make_file(rows: int) -> bytes:
    """Return an xlsx roster with valid ID numbers."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(list(COLUMNS))
    for place in range(rows):
        birth = dt.date(1970, 1, 1) + dt.timedelta(days=place % 12_000)
        first_17 = f"110101{birth:%Y%m%d}{place // 12_000 + 1:03d}"
        id_number = first_17 + compute_check_character(first_17)
        fixed = ("专升本", "法学", f"第{place % CENTRES}学习中心", "2020 秋", "2023 春", "在籍")
        sheet.append([str(30_000_000 + place), "王小明", id_number, *fixed])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@contextmanager
def measure(times: dict[str, float], name: str) -> Any:
    """Note the seconds of the block under ``name``."""
    begin = time.perf_counter()
    yield
    times[name] = time.perf_counter() - begin


def measure_import(data: bytes) -> dict[str, float]:
    """Import a file into an empty college, then once more into the full one."""
    times: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        college: Any = College(Path(folder))
        with measure(times, "read"):
            rows = read_roster_apart(data)
        for name in ("plan", "plan again"):
            with measure(times, name):
                plan = plan_import(college, college.institution_id, rows, can_create_centres=True)
            if name == "plan":
                carry_over = write_roster._carry_over  # noqa: SLF001 - the part under the lock

                def timed(*arguments: Any, carry_over: Any = carry_over) -> None:
                    with measure(times, "lock"):
                        carry_over(*arguments)

                write_roster._carry_over = timed  # noqa: SLF001
                with measure(times, "write"):
                    write_roster.apply_import(college, college.institution_id, plan)
                write_roster._carry_over = carry_over  # noqa: SLF001
        assert plan.unchanged_count == len(rows)
        times["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        measure_floor(college, data, times)
        college.db.dispose()
    return times


def measure_floor(college: Any, data: bytes, times: dict[str, float]) -> None:
    """Read with the library alone, and copy the same rows with the driver alone."""
    with measure(times, "floor read"):
        workbook = python_calamine.load_workbook(io.BytesIO(data))
        workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)
    tables: list[Any] = [Enrolment.__table__, StatusChange.__table__]
    with college.db.read() as session:
        copies = [[dict(row) for row in session.execute(select(t)).mappings()] for t in tables]
    with tempfile.TemporaryDirectory() as folder:
        other: Any = College(Path(folder))
        with measure(times, "floor write"), other.db.write() as session:
            session.connection().exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table, rows in zip(tables, copies, strict=True):
                for start in range(0, len(rows), CHUNK):
                    session.connection().execute(insert(table), rows[start : start + CHUNK])
            session.rollback()
        other.db.dispose()


def main() -> None:
    """Print one line a size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", metavar="ROWS", type=int, nargs="*")
    sizes = parser.parse_args().rows or [1_000, 10_000, 100_000]
    print(
        f"{'rows':>8} {'read':>7} {'plan':>7} {'write':>7} {'lock':>7} {'again':>7} "
        f"{'floor r':>8} {'floor w':>8} {'ratio':>6} {'MB':>5}"
    )
    for rows in sizes:
        times = measure_import(make_file(rows))
        total = times["read"] + times["plan"] + times["write"]
        floor = times["floor read"] + times["floor write"]
        print(
            f"{rows:>8} {times['read']:>7.2f} {times['plan']:>7.2f} {times['write']:>7.2f} "
            f"{times['lock']:>7.2f} {times['plan again']:>7.2f} {times['floor read']:>8.2f} "
            f"{times['floor write']:>8.2f} {total / floor:>6.1f} {times['peak_mb']:>5.0f}"
        )


if __name__ == "__main__":
    main()
