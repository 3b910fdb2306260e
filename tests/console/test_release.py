"""解除绑定: a student whose WeChat is lost goes on with another one."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from models import AuditEntry, CollectionStatus, Enrolment, Order, OrderState, OutboxMessage, Photo
from server.context import Context
from server.services.collection import SYSTEM
from server.services.student.release import IDENTITIES_SEEN, needs_confirmation, replace_person
from tests.cast import STUDENTS, Phone, assert_refused
from tests.desk import Desk, sign_in

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SEEN = {"identity_seen": IDENTITIES_SEEN[0], "release_reason": "手机丢失，换了微信"}


def get_row(demo: Context) -> Enrolment:
    with demo.db.read() as session:
        return session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[0].student_no)
        ).one()


def open_order(demo: Context, row: Enrolment) -> None:
    now = demo.now()
    with demo.db.write() as session:
        session.add(
            Order(
                enrolment_id=row.id,
                institution_id=row.institution_id,
                user_id=row.wechat_user_id,
                out_trade_no="CJ0000000000000000000001",
                amount_fen=2000,
                description="毕业生图像采集费",
                pay_version="v3",
                sign_type="RSA",
                state=OrderState.OPEN,
                created_at=now,
                expires_at=now.replace(year=now.year + 1),
            )
        )
        session.add(
            OutboxMessage(
                dedupe_key="photo_rejected:x",
                user_id=row.wechat_user_id,
                enrolment_id=row.id,
                template="photo_rejected",
                fields={},
                next_attempt_at=now,
                created_at=now,
            )
        )


def test_released_student_goes_on_with_another_wechat(
    app: Flask, client: FlaskClient, demo: Context
) -> None:
    lost, new = Phone(client, "lost").sign_in(), Phone(client, "new").sign_in()
    enrolment = lost.bound()
    photo = lost.upload(enrolment).json["data"]["id"]
    open_order(demo, get_row(demo))
    assert_refused(new.bind(), 409, "enrolment_taken")
    desk = sign_in(app, "centre1")
    page = desk.read(f"/console/students/{enrolment}")
    assert "解除绑定" in page.text
    desk.submit(f"/console/students/{enrolment}/release", **SEEN)

    assert_refused(lost.call("GET", "/enrolments"), 401, "unauthorised")
    assert_refused(lost.sign_in().call("GET", f"/enrolments/{enrolment}"), 404, "not_found")
    assert new.bound() == enrolment
    assert new.enrolment(enrolment)["photo"]["id"] == photo
    assert lost.bind().status_code == 409
    with demo.db.read() as session:
        assert session.scalars(select(Order)).one().expires_at <= demo.now()
        assert session.scalars(select(OutboxMessage)).one().state == "refused"
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "enrolment.release")
        ).one()
        assert entry.detail["identity_seen"] == IDENTITIES_SEEN[0]
    assert "手机丢失" in desk.read(f"/console/students/{enrolment}").text


@one_engine
@pytest.mark.parametrize(
    "fields", [{}, {"release_reason": "没有说怎么核对"}, {**SEEN, "release_reason": " 丢 "}]
)
def test_release_needs_an_identity_and_a_reason(
    client: FlaskClient, admin: Desk, fields: dict[str, str]
) -> None:
    enrolment = Phone(client, "lost").sign_in().bound()
    answer = admin.post(f"/console/students/{enrolment}/release", **fields)
    assert answer.status_code == 422
    assert "请选择核对身份的方式" in answer.text


@one_engine
def test_only_the_admin_and_the_students_own_centre_may_release(
    app: Flask, client: FlaskClient
) -> None:
    phone = Phone(client, "lost").sign_in()
    foreign = phone.bound(1)
    for username, status in (("centre1", 404), ("reviewer", 403), ("finance", 403)):
        desk = sign_in(app, username)
        assert desk.post(f"/console/students/{foreign}/release", **SEEN).status_code == status
    assert phone.call("GET", "/enrolments").status_code == 200


@one_engine
def test_nobody_bound_is_told(admin: Desk, demo: Context) -> None:
    answer = admin.post(f"/console/students/{get_row(demo).id}/release", **SEEN)
    assert answer.status_code == 409


def test_photo_of_a_replaced_person_stops_counting(client: FlaskClient, demo: Context) -> None:
    lost = Phone(client, "lost").sign_in()
    enrolment = lost.bound()
    lost.upload(enrolment)
    with demo.db.write() as session:
        row = session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[0].student_no)
        ).one()
        row.collection_status = CollectionStatus.COLLECTED
        row.fee_settled_at = demo.now()
        row.photo_id = session.scalars(select(Photo.id)).one()
        assert needs_confirmation(row)
        replace_person(session, row, actor=SYSTEM, at=demo.now(), reason="名单更换人员")
    row = get_row(demo)
    assert (row.photo_id, row.batch_id, row.wechat_user_id) == (None, None, None)
    assert row.collection_status is CollectionStatus.NOT_UPLOADED
    assert row.fee_settled_at is not None
    new = Phone(client, "new").sign_in()
    seen = new.bind().json["data"]
    assert (seen["photo"], seen["next_step"]) == (None, "capture")
