"""The edges of the money: other systems, held money, missed days, codes, waivers, odd input."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from models import (
    Enrolment,
    FeatureCode,
    FeeWaiver,
    Order,
    OrderState,
    PaymentNotice,
    Reconciliation,
)
from server.context import Context
from server.gateways.pay_bill import read_bill
from server.gateways.transport import GatewayUnavailable
from server.services.collection import SYSTEM, lock_enrolment
from server.services.money.books.due_days import reconcile_due_days
from server.services.money.books.ledger import write_ledger_csv
from server.services.money.books.reconcile import BillNotReady, reconcile
from server.services.money.fee import settle_free_fees
from server.services.money.orders.query_order import poll_due_orders
from server.services.money.quarantine.resolve import (
    Resolution,
    accept_quarantined,
    dismiss_quarantined,
    list_resolutions,
)
from server.services.money.waivers import NothingToWaive, waive_fee, waive_for_student
from server.services.upkeep.check_integrity import check_integrity
from server.services.viewer import Viewer
from tests.cast import Phone, assert_refused
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance, load_orders, open_order
from tests.pay.test_reconcile import HEADER, SUMMARY, differences, payment_line, serve_bill, today

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


def test_bill_is_split_at_its_backticks() -> None:
    names = HEADER.strip().split(",")
    header = ",".join([*names, "商品名称", "费率"]) + "\n"
    line = payment_line(
        {
            "success_time": "2026-10-01T10:00:00+08:00",
            "appid": "a",
            "mchid": "m",
            "transaction_id": "4200",
            "out_trade_no": "CJ20261001100000AB12",
            "payer": {"openid": "o"},
        }
    ).strip()
    odd = [line + f",`{name},`0.60%\n" for name in ("茶,米", "茶\n米", "茶\n,`米", '茶"米')]
    rows = list(read_bill((header + "".join(odd) + SUMMARY).splitlines(keepends=True)))
    assert [(row.out_trade_no, row.amount_fen) for row in rows] == [
        ("CJ20261001100000AB12", 2000)
    ] * 4
    cut = header + line.rsplit(",`", 3)[0] + "\n" + odd[0] + SUMMARY
    with pytest.raises(GatewayUnavailable):
        list(read_bill(cut.splitlines(keepends=True)))


@pytest.mark.parametrize(
    ("good", "odd"),
    [
        ("`20.00,", "`20.005,"),
        ("`20.00,", "`free,"),
        ("`20.00,", "`-20.00,"),
        ("`20.00,", "`2E+99,"),
        ("`2026", "`0000"),
    ],
)
def test_odd_line_of_the_canteen_does_not_lose_the_day(
    good: str,
    odd: str,
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    payment = wechat.pay(open_order(alice, ready)["out_trade_no"])
    payment |= {"success_time": demo.now().isoformat()}
    assert notify(payment).status_code == 204
    ours = payment_line(payment)
    theirs = payment_line(payment | {"out_trade_no": CANTEEN, "transaction_id": "4200C"})
    serve_bill(wechat, theirs.replace(good, odd), ours)
    run = reconcile(demo, today(demo))
    assert (run.bill_rows, run.foreign_rows, run.paid_fen) == (2, 1, 2000)
    assert differences(demo) == []
    serve_bill(wechat, theirs, ours.replace(good, odd))
    with pytest.raises(BillNotReady):
        reconcile(demo, today(demo))


@pytest.mark.engines
@pytest.mark.parametrize("number", ["TEA\x00", b"\xb2\xe8".decode(errors="surrogateescape")])
def test_bytes_that_no_database_keeps_do_not_lose_the_day(
    number: str, wechat: SmallWechat, demo: Context
) -> None:
    theirs = wechat.side.v3_payment(CANTEEN, "o", success_time="2026-10-01T10:00:00+08:00")
    serve_bill(wechat, payment_line(theirs).replace(CANTEEN, number))
    run = reconcile(demo, today(demo))
    assert (run.bill_rows, run.foreign_rows, run.error) == (1, 1, "")


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


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"total": 9999999999, "currency": "CNY"}},
        {"amount": {"total": 10**40, "currency": "CNY"}},
        {"amount": {"total": 2000, "currency": "C\x00NY" * 20}},
        {"transaction_id": "4200\x00" + "9" * 40},
        {"transaction_id": "9" * 128},
        {"payer": {"openid": "\x00"}},
        {"payer": {"openid": "\ud800"}},
        {"success_time": "9999-12-31T23:59:59+00:00"},
        {"success_time": "1970-01-01T00:00:00+08:00"},
        {"success_time": "yesterday"},
        {"success_time": "0001-01-01T00:00:00+08:00"},
        {"amount": {"total": -2000, "currency": "CNY"}},
        {"amount": {"total": 20.5, "currency": "CNY"}},
        {"amount": {"total": "2000", "currency": "CNY"}},
        {"amount": None},
        {"payer": "openid"},
        {"transaction_id": ""},
        {"transaction_id": 4200},
        {"trade_state": "WON"},
    ],
)
def test_genuine_news_that_cannot_be_is_kept_for_finance(
    changes: dict[str, Any],
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    payment = wechat.pay(number)
    assert notify(payment | changes).status_code == 204
    assert [row.resolved_at for row in held(demo)] == [None]
    assert load_order(demo, number).state is OrderState.QUARANTINED


def test_what_was_unreadable_settles_once_it_can_be_read(
    alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    payment = wechat.pay(number)
    odd = payment | {"amount": {"total": -1}}
    assert [notify(odd, notice_id="EV-1").status_code for _ in range(2)] == [204, 204]
    assert alice.enrolment(ready)["next_step"] == "wait_money"
    (row,) = held(demo)
    assert (row.reason, row.amount_fen, row.out_trade_no) == ("implausible", 0, number)
    assert row.detail == "total is no amount"
    assert notify(payment, notice_id="EV-2").status_code == 204
    assert load_order(demo, number).state is OrderState.PAID
    assert [row.resolution for row in held(demo)] == ["accept"]


def test_nobody_is_offered_to_refund_an_amount_that_nobody_knows(
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
    finance: Viewer,
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert notify(wechat.pay(number) | {"amount": {"total": 0.5}}).status_code == 204
    (row,) = held(demo)
    with demo.db.read() as session:
        order = session.scalars(select(Order).where(Order.out_trade_no == number)).one()
        assert list_resolutions(session, finance, order, row) == [Resolution.DISMISS]
    dismiss_quarantined(demo, finance, row.id, note="微信未收到款")
    assert load_order(demo, number).state is OrderState.CLOSED


@pytest.mark.parametrize("amount", [{"refund": -5}, {"refund": "all"}, None])
def test_refund_that_cannot_be_read_is_kept_for_finance(
    amount: object, alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    payment = wechat.pay(number)
    assert notify(payment).status_code == 204
    refund = {
        "mchid": payment["mchid"],
        "out_trade_no": number,
        "transaction_id": payment["transaction_id"],
        "out_refund_no": "BY-HAND",
        "refund_id": "501",
        "refund_status": "SUCCESS",
        "amount": amount,
    }
    assert notify(refund, event_type="REFUND.SUCCESS").status_code == 204
    assert [(row.source, row.reason) for row in held(demo)] == [("refund", "implausible")]
    assert load_order(demo, number).state is OrderState.PAID


@pytest.mark.parametrize("number", [CANTEEN, "x" * 500])
def test_unreadable_news_of_other_systems_is_counted_only(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    theirs = wechat.side.v3_payment(number, "o", amount={"total": -1})
    assert notify(theirs).status_code == 204
    assert held(demo) == []


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, json.dumps({"id": "\x00"}).encode(), b"\xff\x00"]
)
def test_what_cannot_be_parsed_is_refused(
    body: bytes, client: FlaskClient, wechat: SmallWechat, demo: Context
) -> None:
    headers = wechat.side.sign_headers(body, demo.now())
    answer = client.post("/pay/notify/v3", data=body, headers=headers)
    assert 400 <= answer.status_code < 500


@pytest.mark.usefixtures("fresh_budget")
def test_forged_notices_fill_no_disk(client: FlaskClient, demo: Context) -> None:
    for place in range(30):
        forged = f"{place}".encode() + b"x" * 60_000
        assert client.post("/pay/notify/v3", data=forged).status_code == 401
    with demo.db.read() as session:
        size = session.scalar(select(func.sum(func.length(PaymentNotice.body_encrypted))))
        count = session.scalar(select(func.count()).select_from(PaymentNotice))
    assert 0 < (count or 0) <= 20
    assert (size or 0) < 20 * 1024
