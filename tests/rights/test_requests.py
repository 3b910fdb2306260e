"""Correction and deletion: asked for, due on a day, decided with a reason, and certified."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import select

from models import (
    AuditEntry,
    Base,
    DataRequest,
    DeletionRecord,
    Enrolment,
    Order,
    OrderState,
    OutboxMessage,
    Photo,
    RequestState,
)
from server.context import Context
from server.gateways.clock import SettableClock, to_local
from server.services.compliance.certificate import is_genuine
from server.services.review.decide import approve_photo
from server.services.rights.requests import compute_due
from server.services.upkeep.check_integrity import check_integrity
from tests.cast import STUDENTS, Phone, assert_refused
from tests.college import view_as
from tests.desk import Desk

Send = Callable[[Phone, str], str]


def ask(phone: Phone, kind: str, wish: str = "") -> str:
    answer = phone.call("POST", "/me/requests", json={"kind": kind, "text": wish})
    assert answer.status_code == 200, answer.text
    found: str = answer.json["data"]["id"]
    return found


def list_own(phone: Phone) -> list[dict[str, str]]:
    items: list[dict[str, str]] = phone.call("GET", "/me/requests").json["data"]["items"]
    return items


@pytest.mark.parametrize(
    ("asked", "due"),
    [("2026-11-27", "2026-12-18"), ("2026-11-28", "2026-12-18"), ("2026-11-30", "2026-12-21")],
)
def test_an_answer_is_due_after_fifteen_working_days(asked: str, due: str) -> None:
    moment = dt.datetime.fromisoformat(f"{asked}T12:00:00+08:00")
    assert to_local(compute_due(moment)).strftime("%Y-%m-%d %H:%M:%S") == f"{due} 23:59:59"


def test_asking_twice_is_one_request_and_a_correction_says_what_is_wrong(
    alice: Phone, bob: Phone
) -> None:
    alice.bound()
    answer = alice.call("POST", "/me/requests", json={"kind": "correction", "text": " "})
    assert_refused(answer, 422, "wish_missing")
    first = ask(alice, "correction", "专业应为法学")
    assert ask(alice, "correction", "专业应为法学") == first
    assert ask(alice, "correction", "姓名有误") != first
    assert ask(alice, "deletion") == ask(alice, "deletion")
    assert len(list_own(alice)) == 3
    bob.bound(1)
    assert list_own(bob) == []


def test_a_refusal_has_a_reason_that_the_student_reads(
    alice: Phone, desk: Desk, demo: Context
) -> None:
    alice.bound()
    request_id = ask(alice, "deletion")
    path = f"/console/requests/{request_id}"
    assert STUDENTS[0].student_no in desk.read("/console/requests").text
    assert desk.post(path, act="refuse", answer="不").status_code == 422
    desk.submit(path, act="refuse", answer="学历注册还没有完成，完成后再申请")
    (mine,) = list_own(alice)
    assert (mine["state"], mine["answer"]) == ("refused", "学历注册还没有完成，完成后再申请")
    with demo.db.read() as session:
        message = session.scalars(select(OutboxMessage)).one()
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "request.decide")
        ).one()
        row = session.get_one(DataRequest, uuid.UUID(request_id))
    assert (message.template, message.fields["thing2"]) == ("data_request", "未同意")
    assert "学历注册还没有完成" not in json.dumps(entry.detail, ensure_ascii=False)
    assert row.answer_encrypted is not None
    assert "学历注册".encode() not in row.answer_encrypted
    assert desk.post(path, act="refuse", answer="再答复一次试试").status_code == 409


def test_a_correction_is_granted_then_carried_out_then_certified(
    alice: Phone, desk: Desk, demo: Context
) -> None:
    alice.bound()
    path = f"/console/requests/{ask(alice, 'correction', '专业应为法学')}"
    desk.submit(path, act="grant", answer="已核对学籍档案")
    assert list_own(alice)[0]["state"] == "granted"
    desk.submit(path, act="finish")
    assert list_own(alice)[0]["state"] == "done"
    assert "更正证明" in desk.read(path).text


def dump(ctx: Context) -> str:
    """Everything that the database holds, in clear where it is in clear."""
    lines = []
    with ctx.db.read() as session:
        for table in Base.metadata.sorted_tables:
            lines += [str(row) for row in session.execute(select(table))]
    return "\n".join(lines)


def test_deletion_leaves_nothing_of_the_person_but_what_the_law_keeps(
    alice: Phone, desk: Desk, demo: Context, send_photo: Send
) -> None:
    enrolment_id = alice.bound()
    photo_id = send_photo(alice, enrolment_id)
    with demo.db.write() as session:
        row = session.get_one(Enrolment, uuid.UUID(enrolment_id))
        row.fee_settled_at = demo.now()
        row.encrypt_phone("13800000001", demo.cipher)
        session.add(make_order(demo, row, OrderState.PAID))
        photo = session.get_one(Photo, uuid.UUID(photo_id))
        keys = [photo.original_key, photo.standard_key]
        hashes = [photo.sha256]
    request_id = ask(alice, "deletion")
    path = f"/console/requests/{request_id}"
    desk.submit(path, act="grant", answer="毕业手续已办完，同意删除")
    assert list_own(alice)[0]["state"] == "granted"
    assert "不能恢复" in desk.post(path, act="finish").text
    with demo.db.read() as session:
        assert session.get_one(Enrolment, uuid.UUID(enrolment_id)).name == STUDENTS[0].name
    desk.submit(path, act="finish", confirmed="yes")
    with demo.db.read() as session:
        row = session.get_one(Enrolment, uuid.UUID(enrolment_id))
        request = session.get_one(DataRequest, uuid.UUID(request_id))
        records = session.scalars(select(DeletionRecord.subject_kind)).all()
        assert session.scalars(select(Order)).one().amount_fen == 2000
        assert STUDENTS[0].id_number not in row.decrypt_id_number(demo.cipher)
    assert not any(demo.photo_store.has(key) for key in keys if key)
    assert STUDENTS[0].student_no not in dump(demo)
    assert "13800000001" not in dump(demo)
    assert row.name == ""
    assert row.wechat_user_id is None
    assert request.state is RequestState.DONE
    assert sorted(records) == ["enrolment", "photo"]
    certificate = request.certificate
    assert certificate is not None
    assert is_genuine(certificate)
    assert f"file {hashes[0]}" in certificate["digests"]
    assert {each["what"][:2] for each in certificate["kept"]} == {"缴费", "操作", "同意"}
    assert all(each["until"] and each["why"] for each in certificate["kept"])
    written = json.dumps(certificate, ensure_ascii=False)
    for secret in (STUDENTS[0].name, STUDENTS[0].student_no, STUDENTS[0].id_number):
        assert secret not in written
    assert not is_genuine({**certificate, "digests": certificate["digests"][1:]})
    assert "核对一致" in desk.read(path).text
    assert list(check_integrity(demo)) == []


def make_order(ctx: Context, row: Enrolment, state: OrderState) -> Order:
    return Order(
        institution_id=row.institution_id,
        enrolment_id=row.id,
        user_id=row.wechat_user_id,
        out_trade_no=f"T{row.id.hex[:24]}",
        description="采集费",
        amount_fen=2000,
        state=state,
        pay_version="v3",
        expires_at=ctx.now() + dt.timedelta(hours=2),
        created_at=ctx.now(),
        paid_at=ctx.now() if state is OrderState.PAID else None,
        last_queried_at=ctx.now(),
    )


def test_deletion_waits_for_money_that_is_on_its_way(
    alice: Phone, desk: Desk, demo: Context
) -> None:
    enrolment_id = alice.bound()
    with demo.db.write() as session:
        row = session.get_one(Enrolment, uuid.UUID(enrolment_id))
        session.add(make_order(demo, row, OrderState.OPEN))
    path = f"/console/requests/{ask(alice, 'deletion')}"
    desk.submit(path, act="grant", answer="毕业手续已办完，同意删除")
    answer = desk.post(path, act="finish", confirmed="yes")
    assert answer.status_code == 409
    assert "没结清" in answer.text


def test_withdrawing_the_photo_of_who_is_collected_opens_a_request_and_stops_exports(
    alice: Phone, desk: Desk, demo: Context, send_photo: Send
) -> None:
    enrolment_id = alice.bound()
    photo_id = send_photo(alice, enrolment_id)
    with demo.db.write() as session:
        row = session.get_one(Enrolment, uuid.UUID(enrolment_id))
        photo = session.get_one(Photo, uuid.UUID(photo_id))
        row.fee_settled_at = demo.now()
        row.collection_status = "uploaded"
        row.photo_id = photo.id
        row.uploaded_at = demo.now()
        key = photo.standard_key
    approve_photo(demo, view_as(demo, "reviewer"), uuid.UUID(photo_id))
    assert alice.call("PUT", "/consents", json={"kind": "photo", "given": False}).status_code == 200
    (mine,) = list_own(alice)
    assert (mine["kind"], mine["state"]) == ("deletion", "open")
    assert alice.enrolment(enrolment_id)["status"]["value"] == "collected"
    assert key is not None
    assert demo.photo_store.has(key)
    assert "撤回同意" in desk.read("/console/requests").text


def test_overdue_requests_are_marked(alice: Phone, desk: Desk, demo: Context) -> None:
    alice.bound()
    ask(alice, "deletion")
    assert "已超期" not in desk.read("/console/requests").text
    with demo.db.write() as session:
        session.scalars(select(DataRequest)).one().due_at = demo.now() - dt.timedelta(seconds=1)
    assert "已超期" in desk.read("/console/requests").text
    assert isinstance(demo.clock, SettableClock)
