"""The edges of the money: other systems, held money, missed days, codes, waivers."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from models import (
    Enrolment,
    FeatureCode,
    FeeWaiver,
    OrderState,
    PaymentNotice,
    Reconciliation,
)
from server.context import Context
from server.gateways.pay import BillRow, PayGateway
from server.services.collection import SYSTEM, lock_enrolment
from server.services.money.books.due_days import reconcile_due_days
from server.services.money.books.ledger import write_ledger_csv
from server.services.money.books.reconcile import reconcile
from server.services.money.fee import settle_free_fees
from server.services.money.orders.query_order import poll_due_orders
from server.services.money.quarantine.resolve import (
    accept_quarantined,
    dismiss_quarantined,
)
from server.services.money.waivers import NothingToWaive, waive_fee, waive_for_student
from server.services.upkeep.check_integrity import check_integrity
from server.services.viewer import Viewer
from tests.cast import Phone, assert_refused
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance, load_orders, open_order
from tests.pay.test_reconcile import differences, payment_line, serve_bill, today

Notify = Callable[..., Any]
CANTEEN = "CANTEEN-000123"


def test_money_of_the_canteen_is_counted_and_never_ours_to_refund(
    wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    theirs = wechat.side.v3_payment(CANTEEN, "o", success_time="2026-10-01T10:00:00+08:00")
    assert notify(theirs).status_code == 204
    refund = {
        "mchid": theirs["mchid"],
        "out_trade_no": CANTEEN,
        "transaction_id": theirs["transaction_id"],
        "out_refund_no": "C-R1",
        "refund_id": "501",
        "refund_status": "SUCCESS",
        "amount": {"refund": 2000, "total": 2000},
    }
    assert notify(refund, event_type="REFUND.SUCCESS").status_code == 204
    serve_bill(wechat, payment_line(theirs))
    run = reconcile(demo, today(demo))
    assert (run.bill_rows, run.foreign_rows, run.paid_fen) == (1, 1, 0)
    assert (held(demo), differences(demo)) == ([], [])
    with demo.db.read() as session:
        outcomes = set(session.scalars(select(PaymentNotice.outcome)))
    assert outcomes == {"foreign"}


def test_linking_held_money_releases_the_order_that_it_was_held_for(
    alice: Phone,
    bob: Phone,
    ready: str,
    pass_photo: Callable[[Phone, str], None],
    wechat: SmallWechat,
    notify: Notify,
    finance: Viewer,
    demo: Context,
) -> None:
    own = open_order(alice, ready)["out_trade_no"]
    other_id = bob.bound(1)
    pass_photo(bob, other_id)
    other = open_order(bob, other_id)["out_trade_no"]
    wechat.pay(own)
    # Bob paid Alice's order: it is held, and Alice is told to wait
    assert notify(wechat.side.v3_payment(own, "openid-bob")).status_code == 204
    assert alice.enrolment(ready)["next_step"] == "wait_money"
    refused = alice.call("POST", f"/enrolments/{ready}/order")
    assert_refused(refused, 409, "payment_under_review")
    accept_quarantined(demo, finance, held(demo)[0].id, note="x", out_trade_no=other)
    assert load_order(demo, other).state is OrderState.PAID
    assert load_order(demo, own).state is OrderState.CLOSED
    assert alice.enrolment(ready)["next_step"] == "pay"
    assert open_order(alice, ready)["out_trade_no"] != own


def test_order_that_nothing_can_move_is_a_problem(
    alice: Phone, ready: str, notify: Notify, wechat: SmallWechat, finance: Viewer, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert notify(wechat.side.v3_payment(number, "openid-bob")).status_code == 204
    assert not [each for each in check_integrity(demo) if each.kind == "order_stuck"]
    order = load_order(demo, number)
    dismiss_quarantined(demo, finance, held(demo)[0].id, note="x")
    with demo.db.write() as session:
        stuck = {"state": OrderState.QUARANTINED, "next_query_at": None}
        session.execute(update(type(order)).values(**stuck))
    assert [each.kind for each in check_integrity(demo)].count("order_stuck") == 1


def test_every_missed_day_is_reconciled_oldest_first(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    open_order(alice, ready)
    serve_bill(wechat)
    demo.clock.at = dt.datetime(2026, 10, 5, 3, 0, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    problems = [each.kind for each in check_integrity(demo)]
    assert problems.count("day_not_reconciled") == 4
    assert reconcile_due_days(demo) == 4
    with demo.db.read() as session:
        days = session.scalars(select(Reconciliation.bill_date).order_by(Reconciliation.id)).all()
    assert [day.day for day in days] == [1, 2, 3, 4]
    assert reconcile_due_days(demo) == 0
    assert "day_not_reconciled" not in [each.kind for each in check_integrity(demo)]


class OddDay:
    """WeChat Pay, whose bill of the second of the month nobody has foreseen."""

    def __init__(self, pay: PayGateway) -> None:
        self._pay = pay

    def download_bill(self, day: dt.date) -> Iterator[BillRow]:
        if day.day == 2:
            raise ArithmeticError
        return self._pay.download_bill(day)


def test_a_day_that_nobody_has_foreseen_keeps_no_other_waiting(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    open_order(alice, ready)
    serve_bill(wechat)
    demo.clock.at = dt.datetime(2026, 10, 5, 3, 0, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    odd = dataclasses.replace(demo, pay=cast("PayGateway", OddDay(demo.pay)))
    assert reconcile_due_days(odd) == 4
    with demo.db.read() as session:
        ended = Reconciliation.finished_at.is_not(None)
        days = session.scalars(select(Reconciliation.bill_date).where(ended)).all()
    assert sorted(day.day for day in days) == [1, 3, 4]


def add_code(ctx: Context, code: str, fee_fen: int) -> None:
    with ctx.db.write() as session:
        first = session.scalars(select(FeatureCode)).first()
        assert first is not None
        values = {"institution_id": first.institution_id, "created_at": ctx.now()}
        session.add(FeatureCode(code=code, fee_fen=fee_fen, **values))


def test_second_code_changes_nothing_while_the_first_is_usable(alice: Phone, demo: Context) -> None:
    add_code(demo, "cheap1", 1)
    alice.bound()
    alice.bind(feature_code="cheap1")
    enrolment_id = alice.bound()
    assert alice.enrolment(enrolment_id)["fee_fen"] == 2000
    with demo.db.write() as session:
        session.execute(
            update(FeatureCode).where(FeatureCode.code != "cheap1").values(is_enabled=False)
        )
    assert alice.bind(feature_code="cheap1").json["data"]["fee_fen"] == 1


def test_disabled_code_opens_no_order(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(is_enabled=False))
    refused = alice.call("POST", f"/enrolments/{ready}/order")
    assert_refused(refused, 409, "feature_code_disabled")
    assert wechat.orders == {}


def test_order_follows_the_fee_that_is_shown(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    first = open_order(alice, ready)["out_trade_no"]
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(fee_fen=2500))
    second = open_order(alice, ready)
    assert (second["amount_fen"], second["out_trade_no"] != first) == (2500, True)
    assert wechat.orders[first]["state"] == "CLOSED"
    assert load_order(demo, first).state is OrderState.CLOSED


def test_fee_of_zero_needs_no_order(
    alice: Phone, pass_photo: Callable[[Phone, str], None], demo: Context
) -> None:
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(fee_fen=0, pay_first=True))
    enrolment_id = alice.bound()
    assert alice.enrolment(enrolment_id)["next_step"] == "capture"
    refused = alice.call("POST", f"/enrolments/{enrolment_id}/order")
    assert_refused(refused, 409, "nothing_to_pay")
    pass_photo(alice, enrolment_id)
    data = alice.enrolment(enrolment_id)
    assert (data["status"]["value"], data["next_step"]) == ("uploaded", "wait_review")
    assert load_orders(demo) == []


def test_who_waited_to_pay_moves_on_when_the_fee_becomes_zero(
    alice: Phone, ready: str, demo: Context
) -> None:
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(fee_fen=0))
    assert alice.enrolment(ready)["next_step"] == "wait_review"
    assert settle_free_fees(demo) == 1
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"


def test_waived_student_moves_on_and_stands_in_the_ledger(
    alice: Phone, ready: str, wechat: SmallWechat, finance: Viewer, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    enrolment_id = load_order(demo, number).enrolment_id
    waive_for_student(demo, finance, enrolment_id, reason="=低保家庭")
    data = alice.enrolment(ready)
    assert (data["status"]["value"], data["next_step"]) == ("uploaded", "wait_review")
    with pytest.raises(NothingToWaive):
        waive_for_student(demo, finance, enrolment_id, reason="again")
    line = "".join(write_ledger_csv(demo, None, today(demo), today(demo)))
    assert "减免,20200001" in line
    assert "应收 20.00：=低保家庭" in line
    with demo.db.read() as session:
        stored = session.scalars(select(FeeWaiver)).one().reason_encrypted
    assert "低保".encode() not in stored
    advance(demo, seconds=30)
    poll_due_orders(demo)
    assert load_order(demo, number).state is OrderState.CLOSED, "nobody is to pay it any more"


def test_roster_may_waive_before_the_student_comes(alice: Phone, demo: Context) -> None:
    enrolment_id = None
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.student_no == "20200001")).one()
        enrolment_id = row.id
        locked = lock_enrolment(session, enrolment_id)
        assert locked is not None
        options = {"actor": SYSTEM, "at": demo.now(), "cipher": demo.cipher}
        assert waive_fee(session, locked, reason="烈士子女", **options)
        assert not waive_fee(session, locked, reason="烈士子女", **options)
    data = alice.enrolment(alice.bound())
    assert (data["fee_settled"], data["next_step"]) == (True, "capture")
