"""An order from opening to closing, at the API."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from benchmarks.rig.wechat_side import make_key
from models import Enrolment, FeatureCode, Order, OrderState, StatusChange
from server.context import Context
from server.services.money.orders.query_order import poll_due_orders
from tests.cast import Phone, assert_refused
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Reply

Notify = Callable[..., Any]


def open_order(phone: Phone, enrolment_id: str) -> Any:
    answer = phone.call("POST", f"/enrolments/{enrolment_id}/order")
    assert answer.status_code == 200, answer.text
    return answer.json["data"]


def order_state(phone: Phone, number: str) -> str:
    answer = phone.call("GET", f"/orders/{number}")
    assert answer.status_code == 200, answer.text
    state: str = answer.json["data"]["state"]
    return state


def advance(ctx: Context, **span: float) -> None:
    ctx.clock.advance(**span)  # type: ignore[attr-defined]


def load_orders(ctx: Context) -> list[Order]:
    with ctx.db.read() as session:
        return list(session.scalars(select(Order).order_by(Order.created_at)))


def test_order_gives_signed_parameters(alice: Phone, ready: str, wechat: SmallWechat) -> None:
    data = open_order(alice, ready)
    assert data["amount_fen"] == 2000
    assert set(data["payment"]) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert all(isinstance(value, str) for value in data["payment"].values())
    assert data["payment"]["package"] == "prepay_id=wx" + data["out_trade_no"]
    assert wechat.orders[data["out_trade_no"]]["sent"]["payer"]["openid"] == "openid-alice"


def test_asking_again_is_the_same_order_and_no_second_call(
    alice: Phone, ready: str, wechat: SmallWechat
) -> None:
    first, second = open_order(alice, ready), open_order(alice, ready)
    assert first["out_trade_no"] == second["out_trade_no"]
    assert first["payment"]["package"] == second["payment"]["package"]
    assert len(wechat.stub.requests) == 1


def test_no_order_before_the_photo_passed(alice: Phone, wechat: SmallWechat) -> None:
    answer = alice.call("POST", f"/enrolments/{alice.bound()}/order")
    assert_refused(answer, 409, "photo_not_passed")
    assert wechat.orders == {}


def test_order_before_the_photo_when_the_code_asks_for_payment_first(
    alice: Phone, demo: Context, wechat: SmallWechat
) -> None:
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(pay_first=True))
    assert open_order(alice, alice.bound())["out_trade_no"] in wechat.orders


def test_no_order_once_paid(alice: Phone, ready: str, wechat: SmallWechat, notify: Notify) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert notify(wechat.pay(number)).status_code == 204
    assert_refused(alice.call("POST", f"/enrolments/{ready}/order"), 409, "already_paid")


@pytest.mark.parametrize(
    "change", [{"register_status": "退学"}, {"collection_status": "collected"}]
)
def test_no_order_for_who_is_not_eligible(
    alice: Phone, ready: str, demo: Context, wechat: SmallWechat, change: dict[str, str]
) -> None:
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(**change))
    assert_refused(alice.call("POST", f"/enrolments/{ready}/order"), 409, "not_eligible")
    assert wechat.orders == {}


def test_order_of_somebody_else_is_not_found(
    alice: Phone, bob: Phone, ready: str, wechat: SmallWechat
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert bob.call("POST", f"/enrolments/{ready}/order").status_code == 404
    assert bob.call("GET", f"/orders/{number}").status_code == 404
    assert alice.call("GET", "/orders/CJ20260101000000AAAAAA").status_code == 404


def test_hanging_gateway_is_an_error_in_time_and_the_next_try_is_the_same_order(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    wechat.fault = Reply(200, b"{}", hang_s=60)
    started = time.monotonic()
    answer = alice.call("POST", f"/enrolments/{ready}/order")
    assert time.monotonic() - started < 10
    assert_refused(answer, 503, "payment_unavailable")
    assert answer.headers["Retry-After"]
    first = wechat.stub.requests[-1].body
    wechat.fault = None
    advance(demo, seconds=20)
    open_order(alice, ready)
    assert wechat.stub.requests[-1].body == first


def test_order_whose_answer_got_lost_is_asked_for_again(
    alice: Phone, ready: str, wechat: SmallWechat
) -> None:
    wechat.loses_answers = True
    assert alice.call("POST", f"/enrolments/{ready}/order").status_code == 503
    wechat.loses_answers = False
    assert open_order(alice, ready)["out_trade_no"] in wechat.orders
    assert len(wechat.orders) == 1


def test_unsigned_and_foreign_answers_change_nothing(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    advance(demo, seconds=10)
    body = json.dumps(wechat.side.v3_payment(number, "openid-alice")).encode()
    thief = wechat.side.sign_headers(body, demo.now(), key=make_key("thief"))
    other = json.dumps(wechat.side.v3_payment("CJ-other", "openid-alice")).encode()
    for fault in (
        Reply(200, body),
        Reply(200, body, thief),
        Reply(200, other, wechat.side.sign_headers(other, demo.now())),
        Reply(404, b'{"code":"ORDER_NOT_EXIST"}'),
        Reply(502, b"<html></html>"),
    ):
        wechat.fault = fault
        advance(demo, seconds=10)
        assert order_state(alice, number) == "open"
    assert load_orders(demo)[0].state is OrderState.OPEN


@pytest.mark.engines
def test_two_requests_at_once_make_one_order(
    app: Flask, alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    answers = []

    def ask() -> None:
        phone = Phone(app.test_client(), "alice", alice.token)
        answers.append(phone.call("POST", f"/enrolments/{ready}/order"))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json["data"]["out_trade_no"] for answer in answers}) == 1
    assert len(load_orders(demo)) == len(wechat.orders) == 1


def test_lost_callback_settles_while_the_student_asks(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    wechat.pay(number)
    advance(demo, seconds=5)
    assert order_state(alice, number) == "paid"
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"


def test_many_questions_are_one_question_to_wechat(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    before = len(wechat.stub.requests)
    for _ in range(5):
        order_state(alice, number)
    assert len(wechat.stub.requests) - before == 1


def test_order_closed_at_wechat_shows_closed(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    wechat.orders[number]["state"] = "CLOSED"
    advance(demo, seconds=5)
    assert order_state(alice, number) == "closed"
    assert open_order(alice, ready)["out_trade_no"] != number


def test_question_to_a_hanging_gateway_shows_what_we_know_in_time(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    advance(demo, seconds=5)
    wechat.fault = Reply(200, b"{}", hang_s=60)
    started = time.monotonic()
    assert order_state(alice, number) == "open"
    assert time.monotonic() - started < 10


def test_sweeper_finds_a_payment_nobody_told_us_of(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    wechat.pay(number)
    assert poll_due_orders(demo) == 0
    advance(demo, seconds=31)
    assert poll_due_orders(demo) == 1
    assert load_orders(demo)[0].state is OrderState.PAID
    advance(demo, hours=3)
    assert poll_due_orders(demo) == 0


def test_polling_backs_off_and_ends_with_closing(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    asked_at = []
    start = demo.now()
    while load_orders(demo)[0].state is OrderState.OPEN:
        if poll_due_orders(demo):
            asked_at.append((demo.now() - start).total_seconds())
        advance(demo, seconds=5)
        assert demo.now() - start < dt.timedelta(hours=2)
    gaps = [after - before for before, after in itertools.pairwise(asked_at)]
    assert all(gap <= 30 for gap, at in zip(gaps, asked_at, strict=False) if at < 600)
    assert max(gaps) > 100
    assert len(asked_at) < 60
    assert wechat.orders[number]["state"] == "CLOSED"
    closes = [each for each in wechat.stub.requests if each.path.endswith("/close")]
    assert len(closes) == 1
    place = wechat.stub.requests.index(closes[0])
    around = wechat.stub.requests[place - 1 : place + 2]
    assert [each.method for each in around] == ["GET", "POST", "GET"]


def test_student_who_pays_while_we_close_has_paid(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    usual_close = wechat.close

    def pay_first(out_trade_no: str) -> tuple[int, Any]:
        wechat.pay(out_trade_no)
        return usual_close(out_trade_no)

    wechat.close = pay_first  # type: ignore[method-assign]
    advance(demo, hours=1, seconds=1)
    poll_due_orders(demo)
    assert order_state(alice, number) == "paid"


def test_expired_order_is_replaced_when_the_student_asks(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    first = open_order(alice, ready)["out_trade_no"]
    advance(demo, hours=1, seconds=1)
    second = open_order(alice, ready)["out_trade_no"]
    assert first != second
    assert [order.state.value for order in load_orders(demo)] == ["closed", "open"]
    assert wechat.orders[first]["state"] == "CLOSED"


def test_order_that_wechat_never_saw_is_closed_at_its_end(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    wechat.fault = Reply(502, b"")
    assert alice.call("POST", f"/enrolments/{ready}/order").status_code == 503
    wechat.fault = None
    advance(demo, seconds=40)
    poll_due_orders(demo)
    assert load_orders(demo)[0].state is OrderState.OPEN
    advance(demo, hours=1)
    poll_due_orders(demo)
    assert load_orders(demo)[0].state is OrderState.CLOSED


def test_payment_before_and_after_the_photo_lead_to_one_history_row(
    alice: Phone, demo: Context, wechat: SmallWechat, notify: Notify, pass_photo: Notify
) -> None:
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(pay_first=True))
    enrolment_id = alice.bound()
    number = open_order(alice, enrolment_id)["out_trade_no"]
    assert notify(wechat.pay(number)).status_code == 204
    assert alice.enrolment(enrolment_id)["status"]["value"] == "not_uploaded"
    pass_photo(alice, enrolment_id)
    assert alice.enrolment(enrolment_id)["status"]["value"] == "uploaded"
    with demo.db.read() as session:
        rows = session.scalar(select(func.count()).where(StatusChange.to_status == "uploaded"))
    assert rows == 1
