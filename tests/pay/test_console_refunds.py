"""Refunds at the console: asked for, repeated, given up."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from models import OrderState, Refund, RefundState
from server.context import Context
from tests.conftest import DEMO_PASSWORD
from tests.page import read_page
from tests.pay.finance_desk import FinanceDesk, audited, wechat_is_silent
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import load_order
from tests.pay.test_order_life import advance
from tests.pay.test_refunds import paid  # noqa: F401


def test_refund_needs_a_reason_and_runs_to_its_end(
    desk: FinanceDesk,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    demo: Context,
) -> None:
    answer = desk.post(f"/payments/{paid}/refund", reason="  ")
    assert answer.status_code == 422
    assert "请填写退款原因" in read_page(answer).error
    page = desk.act(f"/payments/{paid}/refund", reason="学生退学")
    assert "微信已受理退款" in page.text
    assert "退款中" in page.text
    second = desk.act(f"/payments/{paid}/refund", reason="again")
    assert len(wechat.refunds) == 1, "a second click is the same refund"
    assert "退款 20.00 元" not in second.text
    assert "学生退学" in desk.get("/refunds?state=processing").text
    assert paid not in desk.get("/refunds?state=success").text
    (refund_no,) = wechat.refunds
    wechat.refunds[refund_no]["status"] = "SUCCESS"
    with demo.db.read() as session:
        refund_id = session.scalars(select(Refund.id)).one()
    assert "款项已退回" in desk.act(f"/refunds/{refund_id}/retry").text
    assert load_order(demo, paid).state is OrderState.REFUNDED
    assert len(audited(demo, "payment.refund")) == 1


def test_refund_asks_for_the_password_again_and_keeps_the_reason(
    desk: FinanceDesk,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    demo: Context,
) -> None:
    advance(demo, minutes=11)
    answer = desk.post(f"/payments/{paid}/refund", reason="学生退学")
    assert 'value="学生退学"' in answer.text
    assert "直接提交" in answer.text
    assert wechat.refunds == {}
    again = {"reason": "学生退学", "password": DEMO_PASSWORD}
    assert "微信已受理退款" in desk.act(f"/payments/{paid}/refund", **again).text


def test_refund_that_wechat_refuses_is_retried_or_given_up(
    desk: FinanceDesk,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    demo: Context,
) -> None:
    wechat.refund = lambda _sent: (403, {"code": "NO_AUTH"})  # type: ignore[method-assign]
    desk.act(f"/payments/{paid}/refund", reason="学生退学")
    page = desk.get("/refunds")
    assert "NO_AUTH" in page.text
    with demo.db.read() as session:
        refund_id = session.scalars(select(Refund.id)).one()
    assert "微信没有办成" in desk.act(f"/refunds/{refund_id}/retry").text
    answer = desk.post(f"/refunds/{refund_id}/cancel", reason=" ")
    assert answer.status_code == 422
    assert "请填写放弃退款的原因" in read_page(answer).error
    assert "已放弃" in desk.act(f"/refunds/{refund_id}/cancel", reason="改为线下").text
    assert load_order(demo, paid).state is OrderState.PAID
    assert desk.post(f"/refunds/{refund_id}/cancel", reason="x").status_code == 409
    assert desk.post(f"/refunds/{refund_id}/retry").status_code == 409


def test_refund_that_wechat_has_after_all_cannot_be_given_up(
    desk: FinanceDesk,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    demo: Context,
) -> None:
    usual = wechat.refund

    def accept_and_refuse(sent: dict[str, Any]) -> tuple[int, Any]:
        usual(sent)
        return 403, {"code": "NO_AUTH"}

    wechat.refund = accept_and_refuse  # type: ignore[method-assign]
    desk.act(f"/payments/{paid}/refund", reason="学生退学")
    with demo.db.read() as session:
        refund = session.scalars(select(Refund)).one()
    assert refund.state is RefundState.ABNORMAL
    assert desk.post(f"/refunds/{refund.id}/cancel", reason="x").status_code == 409
    wechat.fault = wechat_is_silent()
    assert desk.post(f"/refunds/{refund.id}/cancel", reason="x").status_code == 409
    assert load_order(demo, paid).state is OrderState.REFUNDING
