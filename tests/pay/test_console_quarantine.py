"""Money in quarantine at the console: accepted, sent back, linked, dismissed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from models import Institution, OrderState, QuarantinedPayment, Staff, new_id
from server.context import Context
from server.services.money.orders.query_order import poll_due_orders
from tests.cast import STUDENTS, Phone
from tests.page import read_page
from tests.pay.finance_desk import FinanceDesk, audited, headings
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance, open_order
from tests.pay.test_refunds import late, paid  # noqa: F401

Notify = Callable[..., Any]


def test_late_payment_is_accepted_and_keeps_its_time(
    late: str,  # noqa: F811
    desk: FinanceDesk,
    alice: Phone,
    ready: str,
    demo: Context,
) -> None:
    row = held(demo)[0]
    listing = desk.get("/quarantine")
    assert "1 笔待处理" in listing.text
    assert "订单关闭后付款" in listing.text
    address = f"/quarantine/{row.id}"
    page = desk.get(address)
    assert {"退款", "入账", "关联到其他订单", "说明后结案"} <= set(headings(page))
    assert STUDENTS[0].student_no in page.text, "whom finance may ask"
    assert STUDENTS[0].name in page.text
    answer = desk.post(f"{address}/accept", note="")
    assert answer.status_code == 422
    assert "请填写说明" in read_page(answer).error
    assert "已处理：入账" in desk.act(f"{address}/accept", note="确认收款").text
    order = load_order(demo, late)
    assert (order.state, order.paid_at) == (OrderState.PAID, row.paid_at)
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"
    assert desk.post(f"{address}/accept", note="again").status_code == 409
    assert "没有待处理的款项" in desk.get("/quarantine").text
    assert "确认收款" in desk.get(address).text
    assert len(audited(demo, "payment.quarantine_accept")) == 1


def test_an_amount_that_nobody_knows_is_shown_as_such_and_not_refunded(
    desk: FinanceDesk,
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert notify(wechat.pay(number) | {"amount": {"total": 0.5}}).status_code == 204
    row = held(demo)[0]
    assert "不详" in desk.get("/quarantine").text
    address = f"/quarantine/{row.id}"
    page = desk.get(address)
    assert {"退款", "入账", "关联到其他订单", "说明后结案"} & set(headings(page)) == {"说明后结案"}
    assert "通知内容无法识别" in page.text
    assert desk.post(f"{address}/refund", note="退回").status_code == 409
    assert "已处理：说明后结案" in desk.act(f"{address}/dismiss", note="微信未收到款").text
    assert load_order(demo, number).state is OrderState.CLOSED


def test_quarantined_money_goes_back(
    late: str,  # noqa: F811
    desk: FinanceDesk,
    wechat: SmallWechat,
    demo: Context,
) -> None:
    wechat.refund_status = "SUCCESS"
    page = desk.act(f"/quarantine/{held(demo)[0].id}/refund", note="关闭后付款,退回")
    assert "款项已退回" in page.text
    assert load_order(demo, late).state is OrderState.REFUNDED
    assert list(wechat.refunds) == [f"Q{held(demo)[0].id.hex}"]


def test_dismissed_payment_blocks_the_student_no_longer(
    late: str,  # noqa: F811
    desk: FinanceDesk,
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    refused = alice.call("POST", f"/enrolments/{ready}/order")
    assert refused.json["code"] == "payment_under_review"
    desk.act(f"/quarantine/{held(demo)[0].id}/dismiss", note="已在商户平台退款")
    assert load_order(demo, late).state is OrderState.CLOSED
    assert notify(wechat.orders[late]["payment"], notice_id="again").status_code == 204
    assert load_order(demo, late).state is OrderState.CLOSED, "a repetition is no new case"
    assert open_order(alice, ready)["out_trade_no"] != late


def test_unknown_money_is_linked_to_the_order_that_was_meant(
    desk: FinanceDesk, alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert (
        notify(wechat.side.v3_payment("CJ20261001000000BYHAND", "openid-alice")).status_code == 204
    )
    address = f"/quarantine/{held(demo)[0].id}"
    page = desk.get(address)
    assert "系统中没有这个订单" in page.text
    assert "入账" not in headings(page)
    for wrong in ("", "CJ-NOBODY"):
        answer = desk.post(f"{address}/link", note="电话核实", out_trade_no=wrong)
        assert answer.status_code in {409, 422}
        shown = read_page(answer)
        assert shown.error
        assert 'value="电话核实"' in shown.html, "what was typed stays"
    assert "关联到其他订单" in desk.act(f"{address}/link", note="核实", out_trade_no=number).text
    assert load_order(demo, number).state is OrderState.PAID


@pytest.mark.parametrize(
    ("changes", "possible"),
    [
        ({"amount": {"total": 1, "currency": "CNY"}}, {"退款", "关联到其他订单", "说明后结案"}),
        ({"amount": {"total": 2000, "currency": "USD"}}, {"退款", "关联到其他订单", "说明后结案"}),
        ({"mchid": "1900000000"}, {"说明后结案"}),
    ],
)
def test_only_what_makes_sense_is_offered_and_obeyed(
    desk: FinanceDesk,
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
    changes: dict[str, Any],
    possible: set[str],
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert notify(wechat.pay(number, **changes)).status_code == 204
    address = f"/quarantine/{held(demo)[0].id}"
    offered = set(headings(desk.get(address))) - {"这笔款项", "对应的订单"}
    assert offered == possible
    assert desk.post(f"{address}/accept", note="x").status_code == 409
    assert load_order(demo, number).state is not OrderState.PAID
    if "退款" not in possible:
        assert desk.post(f"{address}/refund", note="x").status_code == 409
        assert wechat.refunds == {}
    assert desk.post(f"{address}/burn", note="x").status_code == 404


def test_finance_of_another_college_sees_and_moves_nothing(
    app: Any,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    stranger = paid_twice(wechat, notify, paid)
    with demo.db.write() as session:
        other = Institution(id=new_id(), name="另一所院校", created_at=demo.now())
        session.add(other)
        session.flush()
        session.execute(
            update(Staff).where(Staff.username == "finance").values(institution_id=other.id)
        )
    desk = FinanceDesk(app.test_client(), "finance").sign_in()
    assert paid not in desk.get("/payments").text
    desk.get(f"/payments/{paid}", 404)
    for path in (f"/payments/{paid}/sync", f"/payments/{paid}/refund"):
        assert desk.post(path, reason="x").status_code == 404
    with demo.db.read() as session:
        held_id = session.scalars(
            select(QuarantinedPayment.id).where(QuarantinedPayment.transaction_id == stranger)
        ).one()
    desk.get(f"/quarantine/{held_id}", 404)
    for way in ("refund", "accept", "link", "dismiss"):
        answer = desk.post(f"/quarantine/{held_id}/{way}", note="x", out_trade_no=paid)
        assert answer.status_code == 404
    assert wechat.refunds == {}
    assert load_order(demo, paid).state is OrderState.PAID


def paid_twice(wechat: SmallWechat, notify: Notify, number: str) -> str:
    """Let WeChat report a second transaction of a paid order; return its number."""
    payment = wechat.orders[number]["payment"] | {"transaction_id": "4200SECOND"}
    assert notify(payment).status_code == 204
    return "4200SECOND"


def test_question_about_a_closed_order_finds_money_that_came_too_late(
    desk: FinanceDesk, alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    advance(demo, hours=2)
    poll_due_orders(demo)
    desk.sign_in()
    wechat.orders[number]["state"] = "NOTPAY"
    wechat.pay(number)
    page = desk.act(f"/payments/{number}/sync")
    assert "已关闭变为待财务处理" in page.text
    assert "订单关闭后付款" in page.text
