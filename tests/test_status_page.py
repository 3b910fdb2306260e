from __future__ import annotations

import datetime as dt
import uuid

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from models import (
    Batch,
    CollectionStatus,
    Decision,
    Enrolment,
    Photo,
    PhotoState,
    Review,
    Staff,
    Verdict,
)
from server.context import Context
from tests.cast import JPEG, STUDENTS, Phone
from tests.page import csrf_of, read_page

FIRST = STUDENTS[0]


def ask(client: FlaskClient, student_no: str, tail: str, path: str = "/status"):  # noqa: ANN201
    token = csrf_of(client.get("/status").text)
    form = {"student_no": student_no, "id_tail": tail, "csrf_token": token}
    # Read to its end at once: an answer that a test keeps unread keeps its place in the lane too.
    return client.post(path, data=form, buffered=True)


def test_right_pair_shows_the_status_without_the_whole_name_or_number(client: FlaskClient) -> None:
    answer = ask(client, FIRST.student_no, FIRST.id_number[-6:])
    page = read_page(answer)
    assert "未上传" in page.text
    assert "0000-00-00" in page.text
    assert "张*" in page.text
    assert "张伟" not in page.text
    assert FIRST.id_number not in answer.text


def test_lower_case_x_is_right(client: FlaskClient) -> None:
    student = next(s for s in STUDENTS if s.id_number.endswith("X"))
    assert ask(client, student.student_no, student.id_number[-6:].lower()).status_code == 200


def test_wrong_pair_and_unknown_number_get_the_same_answer(client: FlaskClient) -> None:
    wrong = ask(client, FIRST.student_no, "000000")
    unknown = ask(client, "99999999", "000000")
    assert wrong.status_code == unknown.status_code == 404
    assert read_page(wrong).error == read_page(unknown).error != ""


def test_guessing_is_throttled_by_address_and_by_student(client: FlaskClient) -> None:
    statuses = [ask(client, FIRST.student_no, f"{n:06d}").status_code for n in range(15)]
    assert statuses[9:11] == [404, 429]
    answer = ask(client, FIRST.student_no, FIRST.id_number[-6:])
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    others = [ask(client, f"8888{n:04d}", "000000").status_code for n in range(15)]
    assert 429 in others


def test_form_needs_its_token(client: FlaskClient) -> None:
    answer = client.post("/status", data={"student_no": "1", "id_tail": "1"})
    assert answer.status_code == 400


def test_student_who_was_sent_back_reads_every_reason(client: FlaskClient, demo: Context) -> None:
    alice = Phone(client, "alice").sign_in()
    photo_id = uuid.UUID(alice.upload(alice.bound()).json["data"]["id"])
    with demo.db.write() as session:
        row = session.scalars(
            select(Enrolment).where(Enrolment.student_no == FIRST.student_no)
        ).one()
        row.collection_status = CollectionStatus.REUPLOAD_REQUIRED
        session.add(
            Review(
                photo_id=photo_id,
                enrolment_id=row.id,
                staff_id=session.scalars(select(Staff.id)).first(),
                decision=Decision.REJECT,
                reason_codes=["background.shadow"],
                note="请换一面墙",
                at=demo.now(),
            )
        )
    page = read_page(ask(client, FIRST.student_no, FIRST.id_number[-6:]))
    assert "背景有阴影；请换一面墙" in page.text


def test_card_shows_the_photo_from_its_date(client: FlaskClient, demo: Context) -> None:
    alice = Phone(client, "alice").sign_in()
    photo_id = alice.upload(alice.bound()).json["data"]["id"]
    demo.photo_store.put("standard/ab/x.jpg", JPEG)
    with demo.db.write() as session:
        batch = session.scalars(select(Batch).order_by(Batch.date).limit(1)).one()
        session.execute(
            update(Photo).values(
                state=PhotoState.APPROVED, verdict=Verdict.PASS, standard_key="standard/ab/x.jpg"
            )
        )
        photo = session.scalars(select(Photo)).one()
        session.execute(
            update(Enrolment)
            .where(Enrolment.id == photo.enrolment_id)
            .values(
                collection_status=CollectionStatus.COLLECTED, batch_id=batch.id, photo_id=photo.id
            )
        )
    assert str(photo.id) == photo_id
    tail = FIRST.id_number[-6:]
    early = ask(client, FIRST.student_no, tail)
    assert "查看学籍卡" not in early.text
    assert "2026-12-01 起可以查看和打印" in read_page(early).text
    assert ask(client, FIRST.student_no, tail, "/status/card").status_code == 404
    demo.clock.at = dt.datetime(2026, 11, 30, 16, 0, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    assert "查看学籍卡" in ask(client, FIRST.student_no, tail).text
    card = ask(client, FIRST.student_no, tail, "/status/card")
    assert "data:image/jpeg;base64," in read_page(card).html


def test_numbers_that_mean_the_same_are_counted_together(client: FlaskClient) -> None:
    typed = (
        FIRST.student_no,
        f" {FIRST.student_no}",
        f"{FIRST.student_no}\u200b",
        "２０２００００１",
    )
    statuses = [ask(client, typed[n % 4], f"{n:06d}").status_code for n in range(11)]
    assert statuses == [404] * 10 + [429]


def test_who_looked_here_before_is_not_shut_out_by_strangers(app: Flask) -> None:
    owner, stranger = app.test_client(), app.test_client()
    tail = FIRST.id_number[-6:]
    assert ask(owner, FIRST.student_no, tail).status_code == 200
    answers = [ask(stranger, FIRST.student_no, f"{n:06d}") for n in range(11)]
    assert answers[-1].status_code == 429
    assert "还可以试 9 次" in read_page(answers[0]).error
    assert ask(owner, FIRST.student_no, tail).status_code == 200


def test_page_says_what_to_do_until_when_and_whom_to_ask(client: FlaskClient) -> None:
    page = read_page(ask(client, FIRST.student_no, FIRST.id_number[-6:]))
    assert "北京示范大学网络教育学院" in page.text
    assert "打开微信小程序，按提示拍照" in page.text
    assert "最晚 2026年11月10日 23:59" in page.text
    assert "咨询：教务处学籍科，010-88888888" in page.text
    assert 'aria-current="step"' in page.html
    assert "bootstrap" not in page.html
    refused = read_page(ask(client, FIRST.student_no, "000000"))
    assert "咨询：教务处学籍科" in refused.text
    assert "学习中心" not in refused.text
