"""Days compared with WeChat's bill at the console, and the accountants' file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from models import ReconciliationDifference
from server.context import Context
from server.gateways.clock import to_local
from tests.cast import Phone
from tests.page import read_page
from tests.pay.finance_desk import FinanceDesk, audited, wechat_is_silent, yesterday
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import load_order
from tests.pay.test_order_life import advance, open_order
from tests.pay.test_reconcile import pay_today, payment_line, serve_bill
from tests.pay.test_refunds import paid  # noqa: F401

Notify = Callable[..., Any]


def test_day_is_compared_and_each_difference_explained(
    desk: FinanceDesk,
    alice: Phone,
    ready: str,
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    payment = pay_today(wechat, number, demo)
    assert notify(payment).status_code == 204
    serve_bill(wechat, payment_line(payment, "19.00"))
    advance(demo, hours=30)
    desk.sign_in()
    page = desk.act("/reconciliation", day=yesterday(demo))
    for text in ("金额不一致", number, "20.00 元", "19.00 元"):
        assert text in page.text
    assert "1 条差异待处理" in desk.get("/reconciliation").text
    with demo.db.read() as session:
        row_id = session.scalars(select(ReconciliationDifference.id)).one()
    path = f"/reconciliation/differences/{row_id}"
    answer = desk.post(path, note=" ", day=yesterday(demo))
    assert answer.status_code == 422
    assert "请填写说明" in read_page(answer).error
    page = desk.act(path, note="手续费", day=yesterday(demo))
    assert "手续费" in page.text
    assert "finance" in page.text
    assert desk.post(path, note="again", day=yesterday(demo)).status_code == 409
    assert "一致" in desk.get("/reconciliation").text
    assert len(audited(demo, "payment.difference_resolve")) == 1


def test_days_that_cannot_be_compared_are_refused_in_words(
    desk: FinanceDesk, wechat: SmallWechat, demo: Context
) -> None:
    today = to_local(demo.now()).date().isoformat()
    for day, status, text in (
        ("", 422, "日期应写成"),
        ("32.13.2026", 422, "日期应写成"),
        (today, 422, "昨天或更早"),
    ):
        answer = desk.post("/reconciliation", day=day)
        assert answer.status_code == status
        assert text in read_page(answer).error
    wechat.fault = wechat_is_silent()
    answer = desk.post("/reconciliation", day=yesterday(demo))
    assert answer.status_code == 503
    assert "账单暂时无法下载" in read_page(answer).error
    assert "未完成" in desk.get("/reconciliation").text
    desk.get("/reconciliation/tomorrow", 404)


def test_accountants_file_adds_up_and_is_logged(
    desk: FinanceDesk,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    demo: Context,
) -> None:
    wechat.refund_status = "SUCCESS"
    desk.act(f"/payments/{paid}/refund", reason="学生退学")
    first, last = "2026-10-01", to_local(load_order(demo, paid).paid_at or demo.now()).date()
    answer = desk.client.get(f"/console/ledger.csv?first={first}&last={last}")
    assert answer.status_code == 200
    assert answer.mimetype == "text/csv"
    assert answer.text.startswith("\ufeff时间,类型,学号")
    amounts = [line.split(",")[6] for line in answer.text.splitlines()[1:]]
    assert sorted(amounts) == ["-20.00", "20.00"]
    assert audited(demo, "payment.ledger") == [{"first": first, "last": str(last)}]
    for query in ("", "?first=2026-10-02&last=2026-10-01", "?first=x&last=2026-10-01"):
        answer = desk.client.get(f"/console/ledger.csv{query}")
        assert answer.status_code == 422
        assert "起止日期" in read_page(answer).error
