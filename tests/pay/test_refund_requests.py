"""A student asks for the fee back and takes a receipt; finance answers, and every fen is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from models import (
    AuditEntry,
    CollectionStatus,
    Enrolment,
    Order,
    OrderState,
    OutboxMessage,
    Refund,
    RefundRequest,
)
from server.context import Context
from server.services.money.books.overview import read_todos
from server.services.money.orders.receipt import read_receipt
from server.services.money.refunds.answer import list_refund_requests
from server.services.money.refunds.manage import request_refund
from server.services.viewer import Viewer
from tests.cast import Phone
from tests.desk import Desk, sign_in
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import load_order
from tests.pay.test_refunds import paid, refund_notice  # noqa: F401 - a fixture

Notify = Callable[..., Any]
REASON = "家里有事，不办了"


@pytest.fixture
def desk(app: Flask) -> Desk:
    return sign_in(app, "finance")


def ask(phone: Phone, number: str, reason: str = REASON) -> Any:
    return phone.call("POST", f"/orders/{number}/refund", json={"reason": reason})


def read(phone: Phone, number: str) -> Any:
    return phone.call("GET", f"/orders/{number}/refund").json["data"]


def find_request(ctx: Context) -> uuid.UUID:
    with ctx.db.read() as session:
        return session.scalars(select(RefundRequest.id)).one()


def test_asking_moves_no_money_and_asking_again_is_the_same_request(
    alice: Phone,
    bob: Phone,
    paid: str,  # noqa: F811
    demo: Context,
    wechat: SmallWechat,
    finance: Viewer,
) -> None:
    before = read(alice, paid)
    assert (before["can_request"], before["label"], before["request"]) == (True, "", None)
    assert ask(alice, paid, "  ").json["code"] == "refund_wish_missing"
    assert ask(alice, paid, "长" * 201).json["code"] == "refund_wish_missing"
    for _ in range(2):
        data = ask(alice, paid).json["data"]
        assert (data["label"], data["can_request"]) == ("等待处理", False)
        assert data["request"]["reason"] == REASON
    assert load_order(demo, paid).state is OrderState.PAID
    assert wechat.refunds == {}
    assert read_todos(demo, finance).refund_requests == 1
    assert [view.reason for view in list_refund_requests(demo, finance)] == [REASON]
    assert ask(bob, paid).status_code == 404
    assert bob.call("GET", f"/orders/{paid}/refund").status_code == 404
    assert bob.call("GET", f"/orders/{paid}/receipt.pdf").status_code == 404
    with demo.db.read() as session:
        stored = session.scalars(select(RefundRequest)).one()
    assert REASON.encode() not in (stored.reason_encrypted or b"")


def test_accepted_request_is_one_refund_and_the_student_reads_each_step(
    alice: Phone,
    paid: str,  # noqa: F811
    demo: Context,
    desk: Desk,
    wechat: SmallWechat,
    notify: Notify,
) -> None:
    ask(alice, paid)
    assert "1 个学生申请退款" in desk.get("/console/payments").text
    page = f"/console/refund-requests/{find_request(demo)}"
    assert REASON in desk.get(page).text
    desk.submit(page, act="accept", answer="同意退款")
    assert desk.post(page, act="accept", answer="again").status_code == 409
    assert desk.post(page, act="refuse", answer="太晚了太晚了").status_code == 409
    (refund_no,) = wechat.refunds
    assert REASON not in str(wechat.refunds[refund_no])
    data = read(alice, paid)
    assert (data["label"], data["request"]["state"]) == ("退款中", "accepted")
    assert data["request"]["answer"] == "同意退款"
    assert notify(refund_notice(wechat, refund_no, "SUCCESS"), event_type="REFUND.SUCCESS")
    assert read(alice, paid)["label"] == "已退款"
    assert ask(alice, paid).json["code"] == "refund_not_possible"
    with demo.db.read() as session:
        told = session.scalars(
            select(OutboxMessage).where(OutboxMessage.template == "data_request")
        ).one()
        assert len(session.scalars(select(Refund)).all()) == 1
    assert told.fields["thing2"] == "已同意"


def test_refusal_says_why_and_the_student_may_ask_again(
    alice: Phone,
    paid: str,  # noqa: F811
    demo: Context,
    desk: Desk,
    wechat: SmallWechat,
) -> None:
    ask(alice, paid)
    page = f"/console/refund-requests/{find_request(demo)}"
    short = desk.post(page, act="refuse", answer="不")
    assert (short.status_code, "请写明理由" in short.text) == (422, True)
    desk.submit(page, act="refuse", answer="照片正在审核，请等结果")
    data = read(alice, paid)
    assert (data["label"], data["request"]["answer"]) == ("未同意", "照片正在审核，请等结果")
    assert (data["can_request"], wechat.refunds) == (True, {})
    assert "未同意" in desk.get("/console/refund-requests?state=answered").text
    assert ask(alice, paid, "还是想退").json["data"]["request"]["state"] == "requested"
    with demo.db.read() as session:
        actions = session.scalars(select(AuditEntry.action)).all()
    assert "payment.refund_decline" in actions


def test_refund_that_finance_starts_answers_the_request_that_waits(
    alice: Phone,
    paid: str,  # noqa: F811
    demo: Context,
    finance: Viewer,
) -> None:
    ask(alice, paid)
    request_refund(demo, finance, out_trade_no=paid, reason="重复缴费")
    assert read(alice, paid)["request"]["state"] == "accepted"
    assert read_todos(demo, finance).refund_requests == 0


def test_collected_photo_is_paid_for(
    alice: Phone,
    ready: str,
    paid: str,  # noqa: F811
    demo: Context,
) -> None:
    with demo.db.write() as session:
        session.execute(
            update(Enrolment)
            .where(Enrolment.id == uuid.UUID(ready))
            .values(collection_status=CollectionStatus.COLLECTED)
        )
    refused = ask(alice, paid)
    assert (refused.status_code, refused.json["code"]) == (409, "refund_too_late")
    assert "已采集" in read(alice, paid)["why_not"]


def test_receipt_names_payer_amount_numbers_and_what_went_back(
    alice: Phone,
    paid: str,  # noqa: F811
    demo: Context,
    desk: Desk,
) -> None:
    answer = alice.call("GET", f"/orders/{paid}/receipt.pdf")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")
    with demo.db.read() as session:
        order = session.scalars(select(Order)).one()
    lines = dict(lines_of(demo, order))
    assert lines["收款单位"] == "北京示范大学网络教育学院"
    assert lines["金额"] == "人民币 20.00 元"
    assert (lines["商户订单号"], lines["微信支付单号"]) == (paid, order.transaction_id)
    assert desk.get(f"/console/payments/{paid}/receipt.pdf").data.startswith(b"%PDF")
    with demo.db.write() as session:
        session.execute(update(Order).values(state=OrderState.CLOSED))
    assert alice.call("GET", f"/orders/{paid}/receipt.pdf").json["code"] == "receipt_not_ready"


def lines_of(ctx: Context, order: Order) -> list[tuple[str, str]]:
    """What a receipt says, before it is drawn."""
    with ctx.db.read() as session:
        return read_receipt(session, ctx, session.get_one(Order, order.id)).list_lines()
