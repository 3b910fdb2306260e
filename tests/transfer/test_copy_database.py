"""``flask db copy``: the other engine holds the same college afterwards."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from sqlalchemy import select, text

from models import Enrolment, Heartbeat, Photo, WechatUser
from server.context import Context
from server.db import Database, head_revision
from server.services.upkeep.check_integrity import check_integrity
from server.transfer.copy_database import DatabaseSource, copy_database
from server.transfer.load import load_rows
from server.transfer.report import TransferRefused, ignore_progress
from server.transfer.rows import Row, TableShape, count_rows, digest_rows, list_shapes

pytestmark = pytest.mark.engines


def test_everything_arrives_and_stays_readable(college: Context, target: Database) -> None:
    seen: list[tuple[str, int, int]] = []
    counts = copy_database(college.db, target, lambda *step: seen.append(step))
    assert counts["enrolment"] == 60
    assert ("enrolment", 60, 60) in seen
    assert target.current_revision() == head_revision()
    with college.db.engine.connect() as old, target.engine.connect() as new:
        for shape in list_shapes():
            assert digest_rows(old, shape) == digest_rows(new, shape), shape.name
    moved = dataclasses.replace(college, db=target)
    with target.read() as session:
        first = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
        assert first is not None
        assert first.decrypt_id_number(college.cipher) == "110101199003070011"
        user = session.scalars(select(WechatUser)).one()
        assert user.decrypt_openid(college.cipher) == "openid-of-first"
        photo = session.scalars(select(Photo)).one()
        assert first.photo_id == photo.id
        assert photo.report["measurements"]["head_top_px"] == 80.0
        assert photo.submitted_at == college.now()
        nulls = session.scalar(text("SELECT count(*) FROM photo WHERE opened_at IS NULL"))
        assert nulls == 1
    assert list(check_integrity(moved, has_to_read_files=True)) == []


def test_target_with_rows_is_left_alone(college: Context, target: Database) -> None:
    target.migrate()
    with target.write() as session:
        session.add(Heartbeat(name="other", at=college.now()))
    with pytest.raises(TransferRefused, match="heartbeat has rows"):
        copy_database(college.db, target)
    with target.read() as session:
        assert session.scalars(select(Heartbeat.name)).all() == ["other"]


def test_source_behind_the_code_is_refused(target: Database, tmp_path: object) -> None:
    old = Database(f"sqlite:///{tmp_path}/old.db")
    old.migrate("0001")
    with pytest.raises(TransferRefused, match="flask db upgrade"):
        copy_database(old, target)
    old.dispose()


def test_difference_leaves_the_target_without_rows(college: Context, target: Database) -> None:
    """A source that gives other rows than it promised, as a damaged disk would."""

    class Damaged(DatabaseSource):
        def read(self, shape: TableShape) -> Iterator[Row]:
            rows = list(super().read(shape))
            return iter(rows[:-1] if shape.name == "message_allowance" else rows)

    target.migrate()
    with college.db.snapshot() as connection:
        source = Damaged(connection, head_revision() or "")
        with pytest.raises(TransferRefused, match="message_allowance differs"):
            load_rows(target, source, ignore_progress)
    with target.engine.connect() as connection:
        assert [count_rows(connection, shape) for shape in list_shapes()].count(0) == len(
            list_shapes()
        )
