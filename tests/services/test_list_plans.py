"""The plans of the lists' queries: each filter has its index, nothing reads or sorts the table."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select

from benchmarks.rig.students import build_college, refresh_statistics
from models import Batch, LearningCentre
from server.context import Context
from server.db import Database
from server.services.exports.manage import list_export_batches
from server.services.overview.dashboard import read_dashboard
from server.services.overview.list_students import StudentFilter, list_students
from server.services.review.queue import peek_next
from server.services.viewer import Viewer
from tests.college import view_as

COUNT = 2000
UNIQUE = {"sqlite_autoindex_enrolment_2", "uq_enrolment_institution_id"}


@dataclass(frozen=True)
class Plan:
    """The plan of one query, in SQLite's words. ``is_list``: it fetches a page of students."""

    is_list: bool
    lines: list[str]

    @property
    def scans(self) -> list[str]:
        tables = ("SCAN enrolment", "SCAN photo", "SCAN review")
        return [line for line in self.lines if line.startswith(tables)]

    @property
    def is_sorted(self) -> bool:
        return any("ORDER BY" in line for line in self.lines)

    @property
    def indexes(self) -> set[str]:
        found = (line.split("INDEX ")[1].split()[0] for line in self.lines if "INDEX " in line)
        return set(found)

    @property
    def covering(self) -> set[str]:
        return Plan(False, [line for line in self.lines if "COVERING" in line]).indexes


def explain(ctx: Context, run: Callable[[], object], *, may_sort: bool = False) -> list[Plan]:
    """Run something and return the plan of each of its queries that touch students.

    A small table is read and sorted whole by PostgreSQL unless that is forbidden.
    """
    queries: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        _, _, statement, parameters, _, _ = arguments
        if "FROM enrolment" in statement:
            queries.append((statement, parameters))

    event.listen(ctx.db.engine, "before_cursor_execute", note)
    run()
    event.remove(ctx.db.engine, "before_cursor_execute", note)
    assert queries
    forbidden = ["enable_seqscan"] if may_sort else ["enable_seqscan", "enable_sort"]
    read = explain_sqlite if ctx.db.is_sqlite else partial(explain_postgresql, forbidden)
    return [
        Plan("student_no" in statement.split("FROM")[0], list(read(ctx, statement, parameters)))
        for statement, parameters in queries
    ]


def explain_sqlite(ctx: Context, statement: str, parameters: Any) -> Iterator[str]:
    """Yield lines such as ``SEARCH enrolment USING INDEX ix_… (institution_id=?)``."""
    with ctx.db.read() as session:
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        yield from (row[3] for row in rows)


def explain_postgresql(
    forbidden: list[str], ctx: Context, statement: str, parameters: Any
) -> Iterator[str]:
    """Yield the same words."""
    with ctx.db.read() as session:
        connection = session.connection()
        for setting in forbidden:
            connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        found = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
        yield from walk(found.scalar_one()[0]["Plan"])


def walk(node: dict[str, Any]) -> Iterator[str]:
    kind = node["Node Type"]
    if kind == "Seq Scan":
        yield f"SCAN {node['Relation Name']}"
    if "Index Name" in node:
        covering = "COVERING " if kind == "Index Only Scan" else ""
        yield f"SEARCH enrolment USING {covering}INDEX {node['Index Name']} ("
    if kind == "Sort":
        yield "USE TEMP B-TREE FOR ORDER BY"
    for child in node.get("Plans", []):
        yield from walk(child)


def list_filters(ctx: Context) -> dict[str, tuple[StudentFilter, set[str]]]:
    """Each filter of the list and the index that has its order."""
    with ctx.db.read() as session:
        batch = session.scalars(select(Batch).order_by(Batch.date)).first()
        centre = session.scalars(select(LearningCentre)).first()
    assert batch is not None
    assert centre is not None
    middle = f"20{COUNT // 2:08d}"
    return {
        "none": (StudentFilter(), UNIQUE),
        "deep": (StudentFilter(after=middle), UNIQUE),
        "backwards": (StudentFilter(before=middle), UNIQUE),
        "status": (StudentFilter(status="uploaded", after=middle), {"ix_enrolment_status"}),
        "batch": (StudentFilter(batch=batch.label), {"ix_enrolment_batch"}),
        "no batch": (StudentFilter(batch="0000-00-00"), {"ix_enrolment_batch", *UNIQUE}),
        "register": (StudentFilter(register="休学"), {"ix_enrolment_register"}),
        "centre": (StudentFilter(centre=str(centre.id)), {"ix_enrolment_centre_list"}),
        "level": (StudentFilter(level="高起本"), {"ix_enrolment_level"}),
        "number": (StudentFilter(text="2000001"), UNIQUE),
    }


@pytest.mark.engines
def test_lists_and_figures_read_their_indexes_and_never_the_whole_table(
    ctx: Context, owner: Database
) -> None:
    build_college(ctx, COUNT)
    refresh_statistics(owner)
    admin, centre = view_as(ctx, "admin"), view_as(ctx, "centre")
    faults = []
    for name, (wanted, indexes) in list_filters(ctx).items():
        for plan in explain(ctx, lambda wanted=wanted: list_students(ctx, admin, wanted)):
            is_right = not plan.is_list or (plan.indexes <= indexes and not plan.is_sorted)
            if plan.scans or not is_right:
                faults.append(f"{name}: {plan.lines}")
    for wanted in (StudentFilter(), StudentFilter(status="uploaded")):
        for plan in explain(ctx, lambda wanted=wanted: list_students(ctx, centre, wanted)):
            is_own = all("centre" in index or "tally" in index for index in plan.indexes)
            if plan.scans or (plan.is_list and (plan.is_sorted or not is_own)):
                faults.append(f"centre's list: {plan.lines}")
    named = StudentFilter(text="张伟")
    plans = explain(ctx, lambda: list_students(ctx, admin, named), may_sort=True)
    faults += [
        f"name: {plan.lines}"
        for plan in plans
        if plan.scans or (plan.is_list and plan.indexes != {"ix_enrolment_name"})
    ]
    missing = StudentFilter(only_missing=True, after="2")
    for viewer in (admin, centre):
        faults += [
            f"missing: {plan.lines}"
            for plan in explain(ctx, lambda viewer=viewer: list_students(ctx, viewer, missing))
            if plan.scans
        ]
    faults += find_figure_faults(ctx, admin)
    assert not faults, "\n".join(faults)


def find_figure_faults(ctx: Context, viewer: Viewer) -> list[str]:
    def look() -> None:
        read_dashboard(ctx, viewer)
        list_export_batches(ctx, viewer)
        peek_next(ctx, viewer, after=uuid.UUID(int=1))

    plans = explain(ctx, look)
    faults = [f"figures: {plan.lines}" for plan in plans if plan.scans]
    covering = set().union(*(plan.covering for plan in plans))
    needed = {"ix_enrolment_tally", "ix_enrolment_uploaded", "ix_enrolment_collected"}
    return faults + [f"not counted in the index: {name}" for name in needed - covering]
