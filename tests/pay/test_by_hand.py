"""Refunds that somebody makes on the merchant platform are booked, by whatever way we learn."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from models import OrderState, OutboxMessage, Refund, RefundState
from server.context import Context
from server.gateways.clock import to_local
from server.services.money.books.ledger import write_ledger_csv
from server.services.money.books.reconcile import reconcile
from server.services.money.orders.sync_order import sync_order
from server.services.money.refunds.refund import poll_due_refunds
from server.services.upkeep.check_integrity import check_integrity
from server.services.viewer import Viewer
from tests.cast import Phone
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Reply
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance, open_order
from tests.pay.test_reconcile import differences, payment_line, refund_line, serve_bill, today
from tests.pay.test_refunds import paid, refund, refund_notice  # noqa: F401

Notify = Callable[..., Any]


def by_hand(wechat: SmallWechat, number: str, fen: int = 2000, name: str = "HAND1") -> Any:
    """The content of a REFUND.SUCCESS notice that we never asked for."""
    return {
        "mchid": wechat.orders[number]["payment"]["mchid"],
        "out_trade_no": number,
        "transaction_id": wechat.orders[number]["payment"]["transaction_id"],
        "out_refund_no": name,
        "refund_id": f"50{name}",
        "refund_status": "SUCCESS",
        "success_time": "2026-10-01T12:30:00+08:00",
        "amount": {"total": 2000, "refund": fen, "payer_total": 2000, "payer_refund": fen},
    }


def load_refunds(ctx: Context) -> list[Refund]:
    with ctx.db.read() as session:
        return list(session.scalars(select(Refund).order_by(Refund.id)))


def sum_ledger(ctx: Context) -> float:
    lines = "".join(write_ledger_csv(ctx, None, dt.date(2026, 1, 1), dt.date(2027, 1, 1)))
    place = lines.splitlines()[0].split(",").index("金额(元)")
    return sum(float(line.split(",")[place] or 0) for line in lines.splitlines()[1:])


def test_whole_refund_by_hand_makes_the_student_unpaid(
    alice: Phone,
    ready: str,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    for _ in range(2):
        answer = notify(by_hand(wechat, paid), event_type="REFUND.SUCCESS")
        assert answer.status_code == 204
    assert load_order(demo, paid).state is OrderState.REFUNDED
    data = alice.enrolment(ready)
    assert (data["status"]["value"], data["next_step"]) == ("not_uploaded", "pay")
    assert held(demo) == []
    assert sum_ledger(demo) == 0
    with demo.db.read() as session:
        assert session.scalars(select(OutboxMessage)).one().fields["amount1"] == "20.00"
    assert open_order(alice, ready)["out_trade_no"] != paid


def test_refund_in_part_leaves_the_fee_settled_and_the_rest_refundable(
    alice: Phone,
    ready: str,
    paid: str,  # noqa: F811
    finance: Viewer,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    assert notify(by_hand(wechat, paid, 500), event_type="REFUND.SUCCESS").status_code == 204
    assert load_order(demo, paid).state is OrderState.PARTLY_REFUNDED
    data = alice.enrolment(ready)
    assert (data["status"]["value"], data["order"]["state"]) == ("uploaded", "partly_refunded")
    asked = alice.call("GET", f"/orders/{paid}")
    assert asked.get_json()["data"]["state"] == "partly_refunded"
    assert sum_ledger(demo) == 15
    assert refund(demo, paid, finance).amount_fen == 1500
    second = by_hand(wechat, paid, 1500, "HAND2")
    assert notify(second, event_type="REFUND.SUCCESS").status_code == 204
    assert load_order(demo, paid).state is OrderState.REFUNDED
    assert sum_ledger(demo) == 0


def test_more_than_was_paid_never_goes_back_in_our_books(
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    assert notify(by_hand(wechat, paid, 1500), event_type="REFUND.SUCCESS").status_code == 204
    second = by_hand(wechat, paid, 600, "HAND2")
    assert notify(second, event_type="REFUND.SUCCESS").status_code == 204
    assert [row.reason for row in held(demo)] == ["wrong_refund_amount"]
    assert load_order(demo, paid).state is OrderState.PARTLY_REFUNDED


def test_question_that_tells_of_a_refund_books_it_until_the_bill_names_the_amount(
    alice: Phone,
    ready: str,
    paid: str,  # noqa: F811
    finance: Viewer,
    wechat: SmallWechat,
    demo: Context,
) -> None:
    payment = wechat.orders[paid]["payment"]
    payment["trade_state"] = "REFUND"
    sync_order(demo, finance, paid)
    assert load_order(demo, paid).state is OrderState.REFUNDED
    assert alice.enrolment(ready)["next_step"] == "pay"
    payment["success_time"] = to_local(demo.now()).isoformat(timespec="seconds")
    serve_bill(wechat, refund_line(payment, "HAND1", "5.00"))
    reconcile(demo, today(demo))
    assert load_order(demo, paid).state is OrderState.PARTLY_REFUNDED
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"
    assert ("refund_booked", True) in differences(demo)


def test_our_own_refund_ends_when_others_were_faster(
    paid: str,  # noqa: F811
    finance: Viewer,
    wechat: SmallWechat,
    demo: Context,
) -> None:
    wechat.fault = Reply(502, b"")
    assert refund(demo, paid, finance).state is RefundState.REQUESTED
    wechat.fault = None
    wechat.orders[paid]["payment"]["trade_state"] = "REFUND"
    wechat.refunds["HAND1"] = {
        "out_refund_no": "HAND1",
        "transaction_id": wechat.orders[paid]["payment"]["transaction_id"],
        "status": "SUCCESS",
    }
    advance(demo, minutes=2)
    poll_due_refunds(demo)
    states = {row.out_refund_no[0]: row.state for row in load_refunds(demo)}
    assert states == {"R": RefundState.CLOSED, "W": RefundState.SUCCESS}
    assert load_order(demo, paid).state is OrderState.REFUNDED
    assert [each.kind for each in check_integrity(demo) if each.kind == "order_stuck"] == []


def test_success_of_a_refund_that_was_closed_here_is_booked(
    paid: str,  # noqa: F811
    finance: Viewer,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    number = refund(demo, paid, finance).out_refund_no
    assert notify(refund_notice(wechat, number, "CLOSED"), event_type="REFUND.CLOSED")
    assert load_order(demo, paid).state is OrderState.PAID
    answer = notify(refund_notice(wechat, number, "SUCCESS"), event_type="REFUND.SUCCESS")
    assert answer.status_code == 204
    assert load_order(demo, paid).state is OrderState.REFUNDED


def test_refund_news_before_the_payment_news_waits_for_the_bill(
    alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    now = to_local(demo.now()).isoformat(timespec="seconds")
    payment = wechat.pay(number, success_time=now)
    early = by_hand(wechat, number) | {"refund_id": "50"}
    assert notify(early, event_type="REFUND.SUCCESS").status_code == 204
    assert [row.reason for row in held(demo)] == ["unknown_refund"]
    assert notify(payment).status_code == 204
    serve_bill(wechat, payment_line(payment), refund_line(payment, "HAND1"))
    reconcile(demo, today(demo))
    assert load_order(demo, number).state is OrderState.REFUNDED
    assert [row.resolution for row in held(demo)] == ["dismiss"]
    assert sum_ledger(demo) == 0


def test_refund_over_midnight_belongs_to_the_day_of_wechat(
    paid: str,  # noqa: F811
    finance: Viewer,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    demo.clock.at = dt.datetime(2026, 10, 1, 15, 50, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    number = refund(demo, paid, finance).out_refund_no
    done = refund_notice(wechat, number, "SUCCESS")
    done["success_time"] = "2026-10-02T00:10:00+08:00"
    assert notify(done, event_type="REFUND.SUCCESS").status_code == 204
    first = "".join(write_ledger_csv(demo, None, dt.date(2026, 10, 1), dt.date(2026, 10, 1)))
    second = "".join(write_ledger_csv(demo, None, dt.date(2026, 10, 2), dt.date(2026, 10, 2)))
    assert ("-20.00" in first, "-20.00" in second) == (False, True)
    payment = wechat.orders[paid]["payment"]
    serve_bill(wechat, refund_line(payment | {"success_time": "2026-10-01T23:50:00"}, number))
    reconcile(demo, dt.date(2026, 10, 1))
    serve_bill(wechat)
    reconcile(demo, dt.date(2026, 10, 2))
    assert [kind for kind, _ in differences(demo) if kind.startswith("refund")] == []


@pytest.mark.parametrize("state", ["FAIL", "CHANGE"])
def test_refund_that_the_bill_calls_failed_is_a_difference(
    state: str,
    paid: str,  # noqa: F811
    finance: Viewer,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    number = refund(demo, paid, finance).out_refund_no
    done = refund_notice(wechat, number, "SUCCESS")
    assert notify(done, event_type="REFUND.SUCCESS").status_code == 204
    line = refund_line(wechat.orders[paid]["payment"], number).replace("`SUCCESS", f"`{state}")
    serve_bill(wechat, line)
    reconcile(demo, today(demo))
    assert ("refund_state_differs", False) in differences(demo)
