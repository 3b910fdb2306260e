"""The daily comparison with WeChat's bill."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from models import OrderState, Reconciliation, ReconciliationDifference
from server.context import Context
from server.gateways.clock import to_local
from server.services.csv_lines import write_line
from server.services.money.books.due_days import reconcile_due_days
from server.services.money.books.explain_differences import DifferenceResolved, resolve_difference
from server.services.money.books.ledger import write_ledger_csv
from server.services.money.books.reconcile import BillNotReady, reconcile
from server.services.viewer import Viewer
from tests.cast import Phone
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Reply, Request
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance, open_order
from tests.pay.test_refunds import paid, refund  # noqa: F401

Notify = Callable[..., Any]
HEADER = (
    "交易时间,公众账号ID,商户号,微信订单号,商户订单号,用户标识,交易状态,货币种类,应结订单金额,"
    "微信退款单号,商户退款单号,退款金额,退款状态,订单金额,申请退款金额\n"
)
SUMMARY = "总交易单数,应结订单总金额\n`1.0,`20.00\n"


def payment_line(payment: dict[str, Any], yuan: str = "20.00") -> str:
    when = dt.datetime.fromisoformat(payment["success_time"]).strftime("%Y-%m-%d %H:%M:%S")
    values = (
        when,
        payment["appid"],
        payment["mchid"],
        payment["transaction_id"],
        payment["out_trade_no"],
        payment["payer"]["openid"],
        "SUCCESS",
        "CNY",
        yuan,
        "0",
        "0",
        "0.00",
        "",
        yuan,
        "0.00",
    )
    return ",".join(f"`{value}" for value in values) + "\n"


def refund_line(payment: dict[str, Any], out_refund_no: str, yuan: str = "20.00") -> str:
    values = payment_line(payment, "0.00").strip().split(",")
    values[6], values[9], values[10] = "`REFUND", "`50", f"`{out_refund_no}"
    values[11], values[12], values[14] = f"`{yuan}", "`SUCCESS", f"`{yuan}"
    return ",".join(values) + "\n"


def serve_bill(wechat: SmallWechat, *lines: str) -> None:
    data = (HEADER + "".join(lines) + SUMMARY).encode(errors="surrogateescape")
    digest = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    usual = wechat.route

    def route(request: Request) -> tuple[int, Any]:
        if request.path.startswith("/v3/bill/tradebill"):
            url = f"{wechat.stub.url}/file?token=t"
            return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": url}
        return usual(request)

    wechat.route = route  # type: ignore[method-assign]
    wechat.stub.answer = lambda request: (
        Reply(200, data) if request.path.startswith("/file") else wechat.answer(request)
    )


def today(ctx: Context) -> dt.date:
    return to_local(ctx.now()).date()


def pay_today(wechat: SmallWechat, number: str, ctx: Context) -> dict[str, Any]:
    return wechat.pay(number, success_time=to_local(ctx.now()).isoformat(timespec="seconds"))


def differences(ctx: Context) -> list[tuple[str, bool]]:
    with ctx.db.read() as session:
        rows = session.scalars(
            select(ReconciliationDifference).order_by(ReconciliationDifference.kind)
        ).all()
    return [(row.kind, row.resolved_at is not None) for row in rows]


@pytest.fixture
def number(alice: Phone, ready: str, wechat: SmallWechat) -> str:
    out_trade_no: str = open_order(alice, ready)["out_trade_no"]
    return out_trade_no


def test_books_that_agree_leave_no_difference(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    payment = pay_today(wechat, number, demo)
    assert notify(payment).status_code == 204
    serve_bill(wechat, payment_line(payment))
    run = reconcile(demo, today(demo))
    assert (run.bill_rows, run.paid_fen, run.error) == (1, 2000, "")
    assert differences(demo) == []


def test_payment_that_only_the_bill_knows_is_settled(
    alice: Phone, ready: str, number: str, wechat: SmallWechat, demo: Context
) -> None:
    serve_bill(wechat, payment_line(pay_today(wechat, number, demo)))
    reconcile(demo, today(demo))
    order = load_order(demo, number)
    assert (order.state, order.settled_by) == (OrderState.PAID, "bill")
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"
    assert differences(demo) == [("settled_late", True)]
    reconcile(demo, today(demo))
    assert differences(demo) == [("settled_late", True)]


def test_every_difference_is_a_row_and_is_not_written_twice(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    payment = pay_today(wechat, number, demo)
    assert notify(payment).status_code == 204
    stranger = payment | {"out_trade_no": "CJ20261001000000ELSE", "transaction_id": "4200X"}
    serve_bill(wechat, payment_line(stranger), refund_line(payment, "R-STRANGE"))
    for _ in range(2):
        reconcile(demo, today(demo))
    assert differences(demo) == [
        ("missing_here", False),
        ("missing_there", False),
        ("refund_booked", True),
    ]
    assert [each.reason for each in held(demo)] == ["unknown_order"]


def test_other_amount_is_a_difference_and_goes_away_when_the_next_bill_agrees(
    number: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    payment = pay_today(wechat, number, demo)
    assert notify(payment).status_code == 204
    serve_bill(wechat, payment_line(payment, "19.00"))
    reconcile(demo, today(demo))
    assert differences(demo) == [("amount_differs", False)]
    serve_bill(wechat, payment_line(payment))
    reconcile(demo, today(demo))
    assert differences(demo) == [("amount_differs", True)]


def test_finance_explains_a_difference_once(
    number: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
    finance: Viewer,
) -> None:
    assert notify(pay_today(wechat, number, demo)).status_code == 204
    serve_bill(wechat)
    reconcile(demo, today(demo))
    with demo.db.read() as session:
        row_id = session.scalars(select(ReconciliationDifference.id)).one()
    resolve_difference(demo, finance, row_id, "账单延迟")
    with pytest.raises(DifferenceResolved):
        resolve_difference(demo, finance, row_id, "again")
    assert differences(demo) == [("missing_there", True)]


def test_bill_that_is_not_there_is_noted_and_asked_for_again(
    wechat: SmallWechat, demo: Context
) -> None:
    wechat.fault = Reply(502, b"")
    with pytest.raises(BillNotReady):
        reconcile(demo, today(demo))
    with demo.db.read() as session:
        assert "502" in session.scalars(select(Reconciliation)).one().error
    demo.clock.at = dt.datetime(2026, 10, 2, 1, 59, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    assert not reconcile_due_days(demo), "not before ten in the morning"
    advance(demo, minutes=1)
    assert reconcile_due_days(demo), "at ten"
    assert not reconcile_due_days(demo), "not again within the hour"
    wechat.fault = None
    serve_bill(wechat)
    advance(demo, hours=1)
    assert reconcile_due_days(demo)
    advance(demo, hours=2)
    assert not reconcile_due_days(demo), "done"


def test_accountants_file_has_every_kind_of_line(
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
    finance: Viewer,
) -> None:
    refund(demo, paid, finance)
    assert (
        notify(
            wechat.side.v3_payment("CJ20261001000000CMD1", "o", transaction_id="=CMD()")
        ).status_code
        == 204
    )
    day = to_local(load_order(demo, paid).paid_at or demo.now()).date()
    text = "".join(write_ledger_csv(demo, None, today(demo), day))
    assert text.startswith("\ufeff时间,类型")
    assert "付款,20200001" in text
    assert "20.00" in text
    assert "退款" in text
    assert "'=CMD()" in text


def test_no_cell_starts_a_formula() -> None:
    line = write_line(("=1", "+1", "-1", "@x", "-20.00"))
    assert line == "'=1,'+1,'-1,'@x,-20.00\r\n"
