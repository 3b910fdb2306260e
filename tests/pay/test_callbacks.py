"""What the callback address answers, and what our books say afterwards."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select, update

from benchmarks.rig.wechat_side import WechatSide, make_key
from models import (
    FeatureCode,
    Order,
    OrderState,
    PaymentNotice,
    Photo,
    PhotoState,
    QuarantinedPayment,
    StatusChange,
    Verdict,
)
from server.context import Context
from server.services.collection import SYSTEM, lock_enrolment
from server.services.money.settling.receive_notice import (
    MAX_REFUSED_KEPT,
    decide_kept_notices,
)
from server.services.photo.promote import promote
from tests.cast import Phone
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_order_life import advance, open_order, order_state

Notify = Callable[..., Any]


@pytest.fixture
def number(alice: Phone, ready: str, wechat: SmallWechat) -> str:
    """The number of Alice's open order."""
    out_trade_no: str = open_order(alice, ready)["out_trade_no"]
    return out_trade_no


def count(ctx: Context, table: Any, *conditions: Any) -> int:
    with ctx.db.read() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0


def held(ctx: Context) -> list[QuarantinedPayment]:
    with ctx.db.read() as session:
        return list(
            session.scalars(select(QuarantinedPayment).order_by(QuarantinedPayment.created_at))
        )


def load_order(ctx: Context, number: str) -> Order:
    with ctx.db.read() as session:
        return session.scalars(select(Order).where(Order.out_trade_no == number)).one()


def test_good_callback_settles_and_moves_the_student_on(
    alice: Phone, ready: str, number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    answer = notify(wechat.pay(number), notice_id="EV-1")
    assert (answer.status_code, answer.data) == (204, b"")
    order = load_order(demo, number)
    assert (order.state, order.settled_by) == (OrderState.PAID, "callback")
    assert order.transaction_id == wechat.orders[number]["payment"]["transaction_id"]
    assert alice.enrolment(ready)["status"] == {"value": "uploaded", "label": "已上传"}
    with demo.db.read() as session:
        notice = session.scalars(select(PaymentNotice)).one()
    assert (notice.notice_id, notice.is_verified, notice.outcome) == ("EV-1", True, "settled")
    assert number.encode() not in notice.body_encrypted


@pytest.mark.engines
def test_settling_writes_no_column_that_it_does_not_change(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    """Those that are looked for by index cost a write of it, and hide what else wrote there."""
    written: set[str] = set()

    def note(*arguments: Any) -> None:
        for change in re.findall(r"UPDATE payment_order SET (.*?) (?:FROM|WHERE)", arguments[2]):
            written.update(part.split("=")[0].strip() for part in change.split(", "))

    event.listen(demo.db.engine, "before_cursor_execute", note)
    try:
        assert notify(wechat.pay(number)).status_code == 204
    finally:
        event.remove(demo.db.engine, "before_cursor_execute", note)
    moments = {"paid_at", "settled_at", "next_query_at"}
    assert written == {"state", "transaction_id", "settled_by"} | moments


def test_second_callback_for_the_same_payment_changes_nothing(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    payment = wechat.pay(number)
    assert notify(payment, notice_id="EV-1").status_code == 204
    settled_at = load_order(demo, number).settled_at
    advance(demo, seconds=60)
    assert notify(payment, notice_id="EV-1").status_code == 204
    assert notify(payment, notice_id="EV-2").status_code == 204
    assert load_order(demo, number).settled_at == settled_at
    assert count(demo, StatusChange, StatusChange.to_status == "uploaded") == 1
    assert count(demo, PaymentNotice) == 2
    assert held(demo) == []


@pytest.mark.engines
def test_fifty_identical_callbacks_at_once_settle_once(
    app: Flask, number: str, wechat: SmallWechat, side: WechatSide, demo: Context
) -> None:
    body = side.v3_notice(wechat.pay(number))
    headers = side.sign_headers(body, demo.now())
    answers = []

    def deliver() -> None:
        answer = app.test_client().post("/pay/notify/v3", data=body, headers=headers)
        is_fail = answer.status_code >= 400 and answer.json["code"] == "FAIL"
        answers.append(answer.status_code if answer.status_code < 300 or is_fail else -1)

    threads = [threading.Thread(target=deliver) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert -1 not in answers
    assert 204 in answers
    assert load_order(demo, number).state is OrderState.PAID
    assert count(demo, StatusChange, StatusChange.to_status == "uploaded") == 1
    assert count(demo, PaymentNotice) == 1
    assert held(demo) == []


@pytest.mark.parametrize(
    ("changes", "reason", "state"),
    [
        ({"amount": {"total": 1, "currency": "CNY"}}, "wrong_amount", "quarantined"),
        ({"amount": {"total": 2000, "currency": "USD"}}, "wrong_currency", "quarantined"),
        ({"payer": {"openid": "openid-thief"}}, "wrong_payer", "quarantined"),
        ({"appid": "wxother"}, "wrong_app", "open"),
        ({"mchid": "1900000000"}, "wrong_merchant", "open"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_payment_that_does_not_fit_is_kept_apart(
    alice: Phone,
    ready: str,
    number: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
    changes: dict[str, Any],
    reason: str,
    state: str,
) -> None:
    payment = wechat.side.v3_payment(number, "openid-alice") | changes
    assert notify(payment).status_code == 204
    assert notify(payment).status_code == 204
    assert [each.reason for each in held(demo)] == [reason]
    assert order_state(alice, number) == state
    assert alice.enrolment(ready)["status"]["value"] == "not_uploaded"


def test_bad_copy_of_a_good_payment_is_cleared_by_asking(
    alice: Phone, number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    wechat.pay(number)
    wrong = wechat.side.v3_payment(number, "openid-alice", amount={"total": 1, "currency": "CNY"})
    assert notify(wrong).status_code == 204
    advance(demo, seconds=15)
    assert order_state(alice, number) == "paid"
    assert [each.resolution for each in held(demo)] == ["accept"]


def test_payment_for_an_unknown_order_is_kept(notify: Notify, demo: Context) -> None:
    side = WechatSide()
    assert notify(side.v3_payment("CJ20260101000000ABCDEF", "o")).status_code == 204
    assert [(each.reason, each.amount_fen) for each in held(demo)] == [("unknown_order", 2000)]


def test_payment_after_closing_is_kept_and_stays_apart_however_often_it_is_told(
    alice: Phone, ready: str, number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    wechat.orders[number]["state"] = "CLOSED"
    advance(demo, seconds=5)
    assert order_state(alice, number) == "closed"
    payment = wechat.pay(number)
    for _ in range(3):
        assert notify(payment).status_code == 204
        advance(demo, seconds=30)
        assert order_state(alice, number) == "quarantined"
    assert [each.reason for each in held(demo)] == ["paid_after_close"]
    assert alice.enrolment(ready)["status"]["value"] == "not_uploaded"
    answer = alice.call("POST", f"/enrolments/{ready}/order")
    assert (answer.status_code, answer.json["code"]) == (409, "payment_under_review")


def test_second_payment_for_the_same_order_is_kept(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    payment = wechat.pay(number)
    assert notify(payment).status_code == 204
    assert notify(payment | {"transaction_id": "4200000000other"}).status_code == 204
    assert [each.reason for each in held(demo)] == ["paid_twice"]
    assert load_order(demo, number).state is OrderState.PAID


def test_second_payment_for_the_same_enrolment_is_kept(
    alice: Phone, ready: str, number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    advance(demo, hours=2)
    second = open_order(alice, ready)["out_trade_no"]
    assert second != number
    assert notify(wechat.pay(second)).status_code == 204
    assert notify(wechat.pay(number)).status_code == 204
    assert [each.reason for each in held(demo)] == ["paid_after_close"]
    assert load_order(demo, second).state is OrderState.PAID


@pytest.mark.usefixtures("fresh_budget")
def test_forged_notice_is_refused_and_kept_apart(
    client: FlaskClient, number: str, wechat: SmallWechat, demo: Context
) -> None:
    body = wechat.side.v3_notice(wechat.pay(number))
    headers = wechat.side.sign_headers(body, demo.now(), key=make_key("thief"))
    before = len(wechat.stub.requests)
    answer = client.post("/pay/notify/v3", data=body, headers=headers)
    assert answer.status_code == 401
    assert answer.json["code"] == "FAIL"
    assert load_order(demo, number).state is OrderState.OPEN
    assert count(demo, PaymentNotice, PaymentNotice.is_verified.is_(False)) == 1
    unknown = headers | {"Wechatpay-Serial": "PUB_KEY_ID_77"}
    assert client.post("/pay/notify/v3", data=body, headers=unknown).status_code == 401
    assert len(wechat.stub.requests) == before, "a forged notice must not make us call out"


@pytest.mark.usefixtures("fresh_budget")
def test_flood_of_forged_notices_does_not_fill_the_disk(client: FlaskClient, demo: Context) -> None:
    for attempt in range(MAX_REFUSED_KEPT + 20):
        assert client.post("/pay/notify/v3", data=f"{{{attempt}}}").status_code == 401
    assert count(demo, PaymentNotice) <= MAX_REFUSED_KEPT


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"{" * 5000, b"x" * 5_000_000, b"<xml/>", b"\x00" * 70_000],
    ids=["empty", "cut", "list", "deep", "5MB", "xml", "zeros"],
)
@pytest.mark.parametrize("path", ["/pay/notify/v3", "/pay/notify/v2"])
def test_hostile_body_is_refused_at_once(client: FlaskClient, path: str, body: bytes) -> None:
    started = time.monotonic()
    answer = client.post(path, data=body)
    assert 400 <= answer.status_code < 500
    assert b"SUCCESS" not in answer.data
    assert b"FAIL" in answer.data
    assert time.monotonic() - started < 5


def test_address_of_the_other_version_is_refused(
    client: FlaskClient, side: WechatSide, number: str
) -> None:
    body = side.v2_message(side.v2_payment(number, "openid-alice"))
    answer = client.post("/pay/notify/v2", data=body)
    assert answer.status_code == 404
    assert b"FAIL" in answer.data


@pytest.mark.engines
def test_locked_order_is_no_acknowledgement(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    payment = wechat.pay(number)
    with demo.db.write() as session:
        session.scalars(select(Order).where(Order.out_trade_no == number).with_for_update()).one()
        assert notify(payment).status_code == 503
    assert notify(payment).status_code == 204


def test_notice_kept_without_a_decision_is_decided_by_the_sweeper(
    alice: Phone, number: str, wechat: SmallWechat, demo: Context
) -> None:
    from server.services.money.settling.receive_notice import keep_undecided

    body = wechat.side.v3_notice(wechat.pay(number))
    keep_undecided(demo, demo.pay.reread_notice(body), body)
    advance(demo, seconds=10)
    assert decide_kept_notices(demo) == 1
    assert load_order(demo, number).state is OrderState.PAID
    assert decide_kept_notices(demo) == 0


def test_notice_kept_without_a_decision_is_decided_when_it_comes_again(
    number: str, wechat: SmallWechat, side: WechatSide, client: FlaskClient, demo: Context
) -> None:
    """The short way for crowds cannot insert it once more and leaves it to the careful way."""
    from server.services.money.settling.receive_notice import keep_undecided

    body = side.v3_notice(wechat.pay(number))
    keep_undecided(demo, demo.pay.reread_notice(body), body)
    headers = side.sign_headers(body, demo.now())
    assert client.post("/pay/notify/v3", data=body, headers=headers).status_code == 204
    assert load_order(demo, number).state is OrderState.PAID
    assert count(demo, PaymentNotice) == 1
    assert decide_kept_notices(demo) == 0


def test_kind_of_notice_that_does_not_concern_us_is_kept_and_acknowledged(
    notify: Notify, demo: Context
) -> None:
    assert notify({"x": 1}, event_type="COUPON.USE").status_code == 204
    assert count(demo, PaymentNotice, PaymentNotice.outcome == "ignored") == 1


@pytest.mark.engines
def test_verdict_and_callback_at_the_same_moment_lead_to_uploaded(
    alice: Phone, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    """The callback waits for the verdict's lock and must then see the verdict itself."""
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(pay_first=True))
    enrolment_id = alice.bound()
    payment = wechat.pay(open_order(alice, enrolment_id)["out_trade_no"])
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(pay_first=False))
    photo_id = uuid.UUID(alice.upload(enrolment_id).json["data"]["id"])
    answers: list[int] = []
    callback = threading.Thread(target=lambda: answers.append(notify(payment).status_code))
    with demo.db.write() as session:
        enrolment = lock_enrolment(session, uuid.UUID(enrolment_id))
        callback.start()
        time.sleep(0.7)
        photo = session.get_one(Photo, photo_id)
        photo.state, photo.verdict = PhotoState.CHECKED, Verdict.PASS
        assert enrolment is not None
        promote(session, enrolment, photo, actor=SYSTEM, at=demo.now())
    callback.join()
    assert answers == [204]
    assert alice.enrolment(enrolment_id)["status"]["value"] == "uploaded"
