"""A restore drill touches nothing of the running service and leaves a dated record."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from sqlalchemy import select

from models import Enrolment, RestoreDrill
from server.context import Context
from server.transfer.back_up import back_up
from server.transfer.drill import drill_restore

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def list_drills(ctx: Context) -> list[RestoreDrill]:
    with ctx.db.read() as session:
        return list(session.scalars(select(RestoreDrill)))


def count_left() -> int:
    return len(list(Path(tempfile.gettempdir()).glob("caiji-drill-*")))


def test_drill_of_a_good_backup_is_recorded(college: Context, tmp_path: Path) -> None:
    done = back_up(college, tmp_path / "backup")
    keys, before = sorted(college.photo_store.list_keys()), count_left()
    drill = drill_restore(college, tmp_path / "backup")
    (record,) = [one for one in list_drills(college) if one.id == drill.id]
    assert record.at == college.now()
    assert (record.snapshot, record.row_count) == (done.name, done.row_count)
    assert (record.photo_count, record.fault) == (done.photo_count, "")
    assert sorted(college.photo_store.list_keys()) == keys
    assert count_left() <= before


def test_drill_of_a_damaged_backup_is_recorded_with_its_fault(
    college: Context, tmp_path: Path
) -> None:
    back_up(college, tmp_path / "backup")
    (table,) = (tmp_path / "backup").rglob("enrolment.jsonl.gz")
    table.write_bytes(b"damaged")
    drill = drill_restore(college, tmp_path / "backup")
    assert "damaged" in drill.fault
    assert drill.id in {one.id for one in list_drills(college)}
    with college.db.read() as session:
        assert session.scalars(select(Enrolment)).first() is not None
