"""What reviewers must not stumble over: the sheet, going through the queue, twins, leavers."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import random
import re
import threading
import uuid
from collections.abc import Iterator

import numpy as np
import pytest
from flask import Flask
from PIL import Image, ImageDraw
from sqlalchemy import event, select, update

from imagecheck.picture_hash import hash_picture
from models import (
    Batch,
    CollectionStatus,
    Decision,
    Enrolment,
    FeatureCode,
    Institution,
    Photo,
    Review,
)
from server.context import Context
from server.services.college.batches import (
    choose_target_batch,
    find_target_batch,
    list_open_batches,
)
from server.services.exports.plan import ExportOrder, Naming, Use, read_rows
from server.services.photo.same_picture import is_same_picture, list_neighbours
from server.services.review.decide import approve_photo
from server.services.review.queue import show_queue
from server.services.review.sheet import approve_sheet, mark_sheet, show_sheet
from server.services.review.undo_sheet import UndoneSheet, undo_sheet
from tests.college import view_as
from tests.console.test_review import MINUTE, address, next_photo, one_engine, put_in_queue
from tests.desk import Desk, sign_in

SHEET = "/console/review/sheet"


def ticked(desk: Desk) -> list[str]:
    return re.findall(r'name="photo" value="([0-9a-f-]{36})" checked', desk.read(SHEET).html)


def get(demo: Context, photo_id: uuid.UUID) -> Photo:
    with demo.db.read() as session:
        return session.get_one(Photo, photo_id)


def owner(demo: Context, photo_id: uuid.UUID) -> Enrolment:
    with demo.db.read() as session:
        return session.get_one(Enrolment, session.get_one(Photo, photo_id).enrolment_id)


@one_engine
def test_sheet_never_ticks_again_what_was_unticked(app: Flask, demo: Context) -> None:
    photos = [str(put_in_queue(demo, place)) for place in range(3)]
    desk = sign_in(app, "reviewer")
    assert set(ticked(desk)) == set(photos)
    page = desk.client.get(desk.submit(SHEET, shown=photos, photo=photos[1:]))
    assert "已通过 2 张" in page.text
    assert "1 张存疑" in page.text
    assert photos[0] not in ticked(desk)
    assert "存疑" in desk.read("/console/review").text
    assert owner(demo, uuid.UUID(photos[0])).collection_status is CollectionStatus.UPLOADED


@one_engine
def test_unticking_all_approves_none_and_says_so(app: Flask, demo: Context) -> None:
    photos = [str(put_in_queue(demo, place)) for place in range(2)]
    desk = sign_in(app, "reviewer")
    page = desk.client.get(desk.submit(SHEET, shown=photos))
    assert "没有通过任何照片" in page.text
    assert ticked(desk) == []
    with demo.db.read() as session:
        assert session.scalars(select(Review)).all() == []


@one_engine
def test_sheet_is_undone_as_a_whole(app: Flask, demo: Context) -> None:
    photos = [str(put_in_queue(demo, place)) for place in range(3)]
    desk = sign_in(app, "reviewer")
    there = desk.submit(SHEET, shown=photos, photo=photos)
    page = desk.client.get(there)
    undo = re.search(r'action="(/console/review/sheets/[^"]+/undo)"', page.text)
    assert undo
    other = sign_in(app, "admin")
    assert "已撤销 0 张" in other.client.get(other.submit(undo.group(1))).text
    assert "已撤销 3 张" in desk.client.get(desk.submit(undo.group(1))).text
    assert set(ticked(desk)) == set(photos)


@one_engine
def test_looking_holds_nothing_and_leaving_lets_go(app: Flask, demo: Context) -> None:
    photos = [str(put_in_queue(demo, place)) for place in range(2)]
    alice, bob = sign_in(app, "reviewer"), sign_in(app, "admin")
    assert set(ticked(alice)) == set(ticked(bob)) == set(photos)
    assert get(demo, uuid.UUID(photos[0])).opened_at is None
    answer = alice.post(f"{SHEET}/mark", shown=photos, doubted=photos[:1])
    assert answer.status_code == 204
    assert ticked(bob) == []
    assert ticked(alice) == photos[1:]
    alice.post("/console/review/leave", shown=photos)
    assert ticked(bob) == photos[1:]


@contextlib.contextmanager
def count_statements(demo: Context) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(demo.db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(demo.db.engine, "before_cursor_execute", note)


def test_sheet_is_a_constant_number_of_statements(demo: Context) -> None:
    viewer = view_as(demo, "reviewer")
    counts = []
    for size, first in ((2, 0), (24, 2)):
        photos = [put_in_queue(demo, place) for place in range(first, first + size)]
        with count_statements(demo) as shown:
            assert len(show_sheet(demo, viewer)) == size
        with count_statements(demo) as marked:
            mark_sheet(demo, viewer, shown=photos, doubted=photos[:1])
        with count_statements(demo) as approved:
            outcome = approve_sheet(demo, viewer, shown=photos, ticked=photos)
        assert outcome.approved == size
        with count_statements(demo) as queued:
            show_queue(demo, viewer)
        with count_statements(demo) as undone:
            assert undo_sheet(demo, viewer, outcome.sheet_id) == UndoneSheet(size, 0)
        assert undo_sheet(demo, viewer, outcome.sheet_id) == UndoneSheet(0, 0)
        assert {photo.id for photo, _ in show_sheet(demo, viewer)} == set(photos[1:])
        approve_sheet(demo, viewer, shown=photos, ticked=photos)
        counts.append([len(one) for one in (shown, marked, approved, queued, undone)])
    assert counts[0] == counts[1]
    assert max(counts[1]) <= 16, counts


@pytest.mark.parametrize(
    "path",
    ["/console/students", "/console/missing", "/console/review", SHEET, "/console/progress"],
)
@one_engine
def test_list_is_a_constant_number_of_statements(app: Flask, demo: Context, path: str) -> None:
    desk = sign_in(app, "admin")
    desk.get(path)
    put_in_queue(demo, 0)
    with count_statements(demo) as few:
        desk.get(path)
    for place in range(1, 20):
        put_in_queue(demo, place)
    with count_statements(demo) as many:
        desk.get(path)
    assert len(many) == len(few)


def test_sheet_finds_the_same_batches_as_one_by_one(demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.photo_id == photo_id)).one()
        batches = list_open_batches(session, row.institution_id)
        cutoff = batches[0].cutoff_at
        for moment in (cutoff, cutoff + dt.timedelta(microseconds=1), cutoff + MINUTE):
            for grace in (None, cutoff + 2 * MINUTE):
                row.uploaded_at, row.grace_until = moment, grace
                row.grace_batch_id = batches[0].id if grace else None
                chosen = choose_target_batch(row, batches)
                if moment.microsecond == 0:
                    assert chosen == find_target_batch(session, row, demo.now())


@one_engine
def test_next_goes_through_the_queue_and_not_between_two(app: Flask, demo: Context) -> None:
    photos = [put_in_queue(demo, n, uploaded_at=demo.now() + n * MINUTE) for n in range(4)]
    desk = sign_in(app, "reviewer")
    seen = [next_photo(desk)]
    for _ in range(4):
        seen.append(desk.get(f"/console/review/next?after={seen[-1][-36:]}").headers["Location"])
    assert seen == [address(photo_id) for photo_id in [*photos, photos[0]]]
    there = desk.submit(f"{address(photos[1])}/approve")
    assert there.startswith(address(photos[2]))


@one_engine
def test_going_back_shows_the_decision_and_its_undo(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    desk = sign_in(app, "reviewer")
    desk.submit(f"{address(photo_id)}/reject", reason=["identity.other"], note="")
    page = desk.read(address(photo_id))
    assert "退回" in page.text
    assert "照片不是本人" in page.text
    assert "/undo" in page.html
    demo.clock.advance(seconds=61)  # type: ignore[attr-defined]
    assert "/undo" not in desk.read(address(photo_id)).html


@pytest.mark.engines
def test_same_decision_twice_at_once_is_one(demo: Context) -> None:
    photo_id, viewer = put_in_queue(demo, 0), view_as(demo, "reviewer")
    found: list[object] = []
    start = threading.Barrier(4)

    def approve() -> None:
        start.wait()
        try:
            found.append(approve_photo(demo, viewer, photo_id))
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            found.append(error)

    threads = [threading.Thread(target=approve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1, found
    assert isinstance(found[0], uuid.UUID)


@one_engine
def test_digits_are_no_note(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    desk = sign_in(app, "reviewer")
    assert desk.post(f"{address(photo_id)}/reject", note="3 ").status_code == 422
    assert owner(demo, photo_id).collection_status is CollectionStatus.UPLOADED


@one_engine
def test_college_has_reasons_of_its_own(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    admin = sign_in(app, "admin")
    admin.submit("/console/institution", reasons="请穿有领的衣服\n请穿有领的衣服\n")
    desk = sign_in(app, "reviewer")
    page = desk.read(address(photo_id))
    assert "请穿有领的衣服" in page.text
    assert "照片不是本人" in page.text
    desk.submit(f"{address(photo_id)}/reject", reason=["own:请穿有领的衣服", "own:不认识"])
    with demo.db.read() as session:
        assert session.scalars(select(Review)).one().reason_codes == ["own:请穿有领的衣服"]
    student = owner(demo, photo_id)
    assert "请穿有领的衣服" in admin.read(f"/console/students/{student.id}").text


@one_engine
def test_student_who_left_is_not_approved_unnoticed_and_not_exported(
    app: Flask, demo: Context
) -> None:
    photo_id = put_in_queue(demo, 0)
    with demo.db.write() as session:
        session.execute(
            update(Enrolment).where(Enrolment.photo_id == photo_id).values(register_status="退学")
        )
    desk = sign_in(app, "reviewer")
    assert ticked(desk) == []
    assert "退学" in desk.read("/console/review").text
    assert "学籍状态：退学" in desk.read(address(photo_id)).text
    answer = desk.post(f"{address(photo_id)}/approve")
    assert answer.status_code == 409
    assert "请先确认" in answer.text
    desk.submit(f"{address(photo_id)}/approve", although_left="yes")
    row = owner(demo, photo_id)
    assert row.collection_status is CollectionStatus.COLLECTED
    assert row.batch_id is not None
    order = ExportOrder(
        row.institution_id, row.batch_id, Naming.STUDENT_NO, (Use.REGISTRATION,), demo.now()
    )
    assert list(read_rows(demo, order, Use.REGISTRATION)) == []


def draw(seed: int) -> Image.Image:
    luck = random.Random(seed)
    picture = Image.new("RGB", (480, 640), (230, 235, 240))
    pen = ImageDraw.Draw(picture)
    for _ in range(14):
        x, y = luck.randrange(400), luck.randrange(560)
        colour = tuple(luck.randrange(256) for _ in range(3))
        pen.ellipse((x, y, x + luck.randrange(30, 200), y + luck.randrange(30, 260)), fill=colour)
    return picture


def save(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


def look(picture: Image.Image, quality: int) -> tuple[str, str]:
    with Image.open(io.BytesIO(save(picture, quality))) as saved:
        return hash_picture(np.asarray(saved))


def test_same_picture_saved_anew_is_found_and_another_is_not() -> None:
    first = look(draw(1), 92)
    again = look(draw(1).resize((360, 480)), 60)
    other = look(draw(2), 92)
    assert again[0] in set(list_neighbours(first[0]))
    assert is_same_picture(first[1], again[1])
    assert not is_same_picture(first[1], other[1])


@one_engine
def test_same_file_and_same_picture_of_others_are_said(app: Flask, demo: Context) -> None:
    photos = [put_in_queue(demo, place) for place in range(4)]
    prints: list[tuple[str | None, str | None]]
    prints = [look(draw(1), 92), look(draw(1), 55), look(draw(2), 92), (None, None)]
    with demo.db.write() as session:
        for photo_id, (coarse, fine) in zip(photos, prints, strict=True):
            photo = session.get_one(Photo, photo_id)
            photo.picture_hash, photo.picture_print = coarse, fine
        session.get_one(Photo, photos[3]).sha256 = session.get_one(Photo, photos[2]).sha256
    desk = sign_in(app, "reviewer")
    text = desk.read(address(photos[0])).text
    assert "另有 1 名学生交过同一张照片" in text
    assert owner(demo, photos[1]).student_no in text
    assert "另有 1 名学生交过同一个文件" in desk.read(address(photos[2])).text


@one_engine
def test_sheet_ticks_nothing_that_asks_for_a_look_of_its_own(app: Flask, demo: Context) -> None:
    photos = [put_in_queue(demo, place) for place in range(6)]
    with demo.db.write() as session:
        file, other_file, picture, other_picture, album, _ = (
            session.get_one(Photo, one) for one in photos
        )
        other_file.sha256 = file.sha256
        picture.picture_hash, picture.picture_print = look(draw(1), 92)
        other_picture.picture_hash, other_picture.picture_print = look(draw(1), 55)
        session.execute(update(FeatureCode).values(capture_policy="camera_only"))
        session.execute(update(Photo).where(Photo.id != album.id).values(source="camera"))
        code_id = session.scalars(select(FeatureCode.id)).first()
        session.execute(update(Enrolment).values(feature_code_id=code_id))
    desk = sign_in(app, "reviewer")
    assert ticked(desk) == [str(photos[5])]
    page = desk.read(SHEET)
    assert page.text.count("与其他学生的文件相同") == 2
    assert page.text.count("与其他学生的照片相同") == 2
    assert page.text.count("不是相机拍的") == 1
    shown = [str(one) for one in photos]
    desk.submit(SHEET, shown=shown, photo=ticked(desk))
    assert ticked(desk) == []
    assert owner(demo, photos[0]).collection_status is CollectionStatus.UPLOADED


@one_engine
def test_grace_of_a_far_batch_is_not_near(demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    demo.clock.at = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.photo_id == photo_id)).one()
        row.uploaded_at = demo.now()
        row.grace_batch_id = session.scalars(select(Batch.id).order_by(Batch.date)).first()
        row.grace_until = demo.now() + dt.timedelta(days=2)
    (shown,) = show_queue(demo, view_as(demo, "reviewer")).photos
    assert not shown.is_near_cutoff


@one_engine
def test_correction_keeps_its_reason_for_the_record(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    admin = sign_in(app, "admin")
    admin.submit(f"{address(photo_id)}/approve")
    student = owner(demo, photo_id)
    page = f"/console/students/{student.id}"
    admin.submit(f"{page}/correct", reason="与学籍系统比对不是本人", note="请本人重新拍摄")
    with demo.db.read() as session:
        review = session.scalars(select(Review).where(Review.decision == Decision.CORRECT)).one()
        assert (review.note, review.record) == ("请本人重新拍摄", "与学籍系统比对不是本人")
        assert session.scalars(select(Institution.own_reasons)).first() == []
    assert "与学籍系统比对不是本人" in admin.read(page).text
