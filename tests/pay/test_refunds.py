"""Refunds, quarantine resolved by finance, and the messages that follow."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from models import AuditEntry, OrderState, OutboxMessage, Refund, RefundState
from server.context import Context
from server.services.messages.outbox import send_due_messages
from server.services.money.orders.query_order import poll_due_orders
from server.services.money.quarantine.resolve import (
    QuarantineNotAcceptable,
    QuarantineResolved,
    accept_quarantined,
    refund_quarantined,
)
from server.services.money.refunds.manage import request_refund, retry_refund
from server.services.money.refunds.refund import (
    RefundReasonMissing,
    RefundRefused,
    poll_due_refunds,
)
from server.services.viewer import Viewer
from tests.cast import Phone
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Reply, Request
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance, open_order

Notify = Callable[..., Any]


@pytest.fixture
def paid(alice: Phone, ready: str, wechat: SmallWechat, notify: Notify) -> str:
    """The number of Alice's paid order."""
    number: str = open_order(alice, ready)["out_trade_no"]
    assert notify(wechat.pay(number)).status_code == 204
    return number


def refund(ctx: Context, number: str, finance: Viewer) -> Refund:
    return request_refund(ctx, finance, out_trade_no=number, reason="退学 退费")


def refund_notice(wechat: SmallWechat, out_refund_no: str, status: str) -> dict[str, Any]:
    known = wechat.refunds[out_refund_no] | {"status": status}
    return known | {"refund_status": status, "success_time": "2026-10-01T12:00:00+08:00"}


def test_refund_runs_and_ends_by_callback(
    alice: Phone,
    ready: str,
    paid: str,
    finance: Viewer,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    started = refund(demo, paid, finance)
    assert started.state is RefundState.PROCESSING
    assert load_order(demo, paid).state is OrderState.REFUNDING
    content = refund_notice(wechat, started.out_refund_no, "SUCCESS")
    for _ in range(2):
        assert notify(content, event_type="REFUND.SUCCESS").status_code == 204
    assert load_order(demo, paid).state is OrderState.REFUNDED
    data = alice.enrolment(ready)
    assert (data["status"]["value"], data["next_step"]) == ("not_uploaded", "pay")
    assert data["order"]["state"] == "refunded"
    with demo.db.read() as session:
        message = session.scalars(select(OutboxMessage)).one()
        audit = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "payment.refund")
        ).one()
    assert message.fields["amount1"] == "20.00"
    assert audit.staff_id == finance.staff_id
    assert open_order(alice, ready)["out_trade_no"] != paid


def test_refund_ends_by_asking_when_the_callback_is_lost(
    paid: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    number = refund(demo, paid, finance).out_refund_no
    wechat.refunds[number]["status"] = "SUCCESS"
    advance(demo, minutes=2)
    assert poll_due_refunds(demo) == 1
    assert load_order(demo, paid).state is OrderState.REFUNDED
    advance(demo, hours=5)
    assert poll_due_refunds(demo) == 0


@pytest.mark.engines
def test_refund_asked_for_twice_is_one_refund(
    paid: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    first, second = refund(demo, paid, finance), refund(demo, paid, finance)
    assert first.id == second.id
    assert len(wechat.refunds) == 1


def test_refund_that_met_a_dead_gateway_is_retried_under_its_number(
    paid: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    wechat.loses_answers = True
    assert refund(demo, paid, finance).state is RefundState.REQUESTED
    wechat.loses_answers = False
    advance(demo, minutes=2)
    poll_due_refunds(demo)
    assert len(wechat.refunds) == 1
    with demo.db.read() as session:
        assert session.scalars(select(Refund)).one().state is RefundState.PROCESSING


def test_refund_closed_by_wechat_gives_the_money_back_to_the_order(
    paid: str, finance: Viewer, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    first = refund(demo, paid, finance)
    content = refund_notice(wechat, first.out_refund_no, "CLOSED")
    assert notify(content, event_type="REFUND.CLOSED").status_code == 204
    assert load_order(demo, paid).state is OrderState.PAID
    assert refund(demo, paid, finance).out_refund_no != first.out_refund_no


def test_refund_that_wechat_refuses_waits_for_finance(
    paid: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    usual = wechat.refund
    wechat.refund = lambda _sent: (403, {"code": "NO_AUTH"})  # type: ignore[method-assign]
    refused = refund(demo, paid, finance)
    assert (refused.state, refused.last_error) == (RefundState.ABNORMAL, "NO_AUTH")
    wechat.refund = usual  # type: ignore[method-assign]
    assert retry_refund(demo, finance, refused.id).state is RefundState.PROCESSING


def test_refund_of_what_is_not_paid_or_without_reason_is_refused(
    alice: Phone, ready: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    with pytest.raises(RefundRefused):
        refund(demo, number, finance)
    with pytest.raises(RefundReasonMissing):
        request_refund(demo, finance, out_trade_no=number, reason=" \n ")
    assert wechat.refunds == {}


def test_refund_notice_that_nobody_asked_for_is_kept(
    paid: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    content = {
        "mchid": "1900000109",
        "out_trade_no": paid,
        "transaction_id": "4200",
        "out_refund_no": "STRANGE",
        "refund_id": "50",
        "refund_status": "SUCCESS",
        "amount": {"refund": 2000, "total": 2000},
    }
    assert notify(content, event_type="REFUND.SUCCESS").status_code == 204
    assert [each.reason for each in held(demo)] == ["unknown_refund"]
    assert load_order(demo, paid).state is OrderState.PAID


def test_repeated_payment_callback_after_the_refund_changes_nothing(
    paid: str, finance: Viewer, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    wechat.refund_status = "SUCCESS"
    refund(demo, paid, finance)
    assert notify(wechat.orders[paid]["payment"]).status_code == 204
    assert load_order(demo, paid).state is OrderState.REFUNDED
    assert held(demo) == []


@pytest.fixture
def late(alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context) -> str:
    """The number of an order that was paid after it was closed."""
    number: str = open_order(alice, ready)["out_trade_no"]
    advance(demo, hours=2)
    poll_due_orders(demo)
    assert notify(wechat.pay(number)).status_code == 204
    assert [each.reason for each in held(demo)] == ["paid_after_close"]
    return number


def test_finance_gives_quarantined_money_back(
    alice: Phone, ready: str, late: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    wechat.refund_status = "SUCCESS"
    given = refund_quarantined(demo, finance, held(demo)[0].id, note="关闭后付款")
    assert (given.state, given.amount_fen) == (RefundState.SUCCESS, 2000)
    assert load_order(demo, late).state is OrderState.REFUNDED
    assert held(demo)[0].resolution == "refund"
    with pytest.raises(QuarantineResolved):
        refund_quarantined(demo, finance, held(demo)[0].id, note="again")
    assert open_order(alice, ready)["out_trade_no"] != late


def test_finance_accepts_quarantined_money(
    alice: Phone, ready: str, late: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    accept_quarantined(demo, finance, held(demo)[0].id, note="确认收款")
    order = load_order(demo, late)
    assert (order.state, order.settled_by) == (OrderState.PAID, "finance")
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"
    assert held(demo)[0].resolved_by == finance.staff_id


def test_finance_links_unknown_money_to_an_order(
    alice: Phone,
    ready: str,
    finance: Viewer,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert (
        notify(wechat.side.v3_payment("CJ20261001000000TYPED", "openid-alice")).status_code == 204
    )
    with pytest.raises(QuarantineNotAcceptable):
        accept_quarantined(demo, finance, held(demo)[0].id, note="x")
    accept_quarantined(demo, finance, held(demo)[0].id, note="x", out_trade_no=number)
    assert load_order(demo, number).state is OrderState.PAID
    assert held(demo)[0].resolution == "link"


def message_answers(wechat: SmallWechat, errcodes: list[int]) -> list[dict[str, Any]]:
    """Let WeChat answer messages with these errcodes in turn; return what it was sent."""
    left = list(errcodes)
    sent: list[dict[str, Any]] = []

    def answer(request: Request) -> Reply:
        if request.path == "/cgi-bin/stable_token":
            token = {"access_token": f"T{len(sent)}", "expires_in": 7200}
            return Reply(200, json.dumps(token).encode())
        sent.append(json.loads(request.body))
        return Reply(200, json.dumps({"errcode": left.pop(0)}).encode())

    wechat.stub.answer = answer
    return sent


@pytest.mark.parametrize(
    ("errcodes", "state", "attempts"),
    [
        ([0], "sent", 1),
        ([43101], "refused", 1),
        ([47003], "refused", 1),
        ([40001, 0], "sent", 2),
        ([-1, 45009, 0], "sent", 3),
    ],
    ids=str,
)
def test_message_is_retried_only_where_that_helps(
    paid: str,
    finance: Viewer,
    wechat: SmallWechat,
    demo: Context,
    errcodes: list[int],
    state: str,
    attempts: int,
) -> None:
    wechat.refund_status = "SUCCESS"
    request_refund(demo, finance, out_trade_no=paid, reason="很长的原因" * 10)
    sent = message_answers(wechat, errcodes)
    for _ in range(8):
        send_due_messages(demo)
        advance(demo, minutes=31)
    with demo.db.read() as session:
        message = session.scalars(select(OutboxMessage)).one()
    assert (message.state, len(sent)) == (state, attempts)
    assert len(sent[-1]["data"]["thing2"]["value"]) == 20
    assert sent[-1]["touser"] == "openid-alice"


def test_message_is_given_up_after_a_day(
    paid: str, finance: Viewer, wechat: SmallWechat, demo: Context
) -> None:
    wechat.refund_status = "SUCCESS"
    refund(demo, paid, finance)
    sent = message_answers(wechat, [-1] * 50)
    start = demo.now()
    while demo.now() - start < dt.timedelta(days=2):
        send_due_messages(demo)
        advance(demo, minutes=15)
    with demo.db.read() as session:
        assert session.scalars(select(OutboxMessage)).one().state == "failed"
    assert len(sent) == 6
