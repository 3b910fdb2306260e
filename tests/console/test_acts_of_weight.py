"""Acts of weight ask first, say what follows, and can be taken back where that is possible."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select

from models import Batch, Enrolment, Institution, LearningCentre, Staff
from server.context import Context
from tests.desk import Desk

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def find_centres(ctx: Context) -> list[LearningCentre]:
    with ctx.db.read() as session:
        return list(session.scalars(select(LearningCentre).order_by(LearningCentre.name)))


def count_students(ctx: Context, centre_id: uuid.UUID) -> int:
    with ctx.db.read() as session:
        query = select(func.count()).select_from(Enrolment)
        return session.scalar(query.where(Enrolment.centre_id == centre_id)) or 0


def test_centre_is_merged_into_another_after_saying_who_moves(admin: Desk, demo: Context) -> None:
    first, second, *_ = find_centres(demo)
    before = count_students(demo, first.id), count_students(demo, second.id)
    path = f"/console/centres/{first.id}"
    assert admin.post(f"{path}/delete").status_code == 409
    asked = admin.post(f"{path}/merge", into=str(second.id))
    assert f"{before[0]} 名学生" in asked.text
    assert count_students(demo, first.id) == before[0]
    admin.submit(f"{path}/merge", into=str(second.id), confirmed="yes")
    assert count_students(demo, second.id) == sum(before)
    assert first.id not in {one.id for one in find_centres(demo)}
    with demo.db.read() as session:
        assert first.id not in set(session.scalars(select(Staff.centre_id)))
    assert "合并学习中心" in admin.read("/console/audit").text


def test_empty_centre_is_deleted_after_asking(admin: Desk, demo: Context) -> None:
    admin.submit("/console/centres/new", name="写错的学习中心")
    centre = next(one for one in find_centres(demo) if one.name == "写错的学习中心")
    path = f"/console/centres/{centre.id}/delete"
    assert "不能撤销" in admin.post(path).text
    admin.submit(path, confirmed="yes")
    assert centre.id not in {one.id for one in find_centres(demo)}


def test_closed_batch_is_opened_again(admin: Desk, demo: Context) -> None:
    with demo.db.write() as session:
        batch = session.scalars(select(Batch).order_by(Batch.cutoff_at)).first()
        assert batch is not None
        batch.closed_at = demo.now()
    path = f"/console/batches/{batch.id}/reopen"
    page = admin.read(path)
    confirmed = next(e.get("value") for e in page.all("input") if e.get("name") == "confirmed")
    admin.submit(path, confirmed=confirmed)
    with demo.db.read() as session:
        assert session.get_one(Batch, batch.id).closed_at is None
    assert "重新开放批次" in admin.read("/console/audit").text


def test_cut_offs_of_the_seasons_are_changed_after_asking(admin: Desk, demo: Context) -> None:
    fields = {"spring": "04-30 18:00", "autumn": "11-10 23:59", "grace_days": "3"}
    asked = admin.post("/console/batches/seasons", **fields)
    assert "05-10 23:59:59 → 04-30 18:00:59" in asked.text
    admin.submit("/console/batches/seasons", **fields, confirmed="yes")
    with demo.db.read() as session:
        college = session.scalars(select(Institution)).one()
    assert (college.spring_cutoff, college.grace_days) == ("04-30 18:00:59", 3)
    for wrong in ({"spring": "11-01 23:59"}, {"spring": "02-29 23:59"}, {"grace_days": "x"}):
        refused = admin.post("/console/batches/seasons", **fields | wrong)
        assert refused.status_code == 422
