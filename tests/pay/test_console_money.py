"""The rooms of finance: payments, refunds, money in quarantine, reconciliation."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from models import (
    AuditEntry,
    Enrolment,
    Institution,
    Order,
    OrderState,
    QuarantinedPayment,
    ReconciliationDifference,
    Refund,
    RefundState,
    Staff,
    new_id,
)
from server.context import Context
from server.gateways.clock import to_local
from server.services.list_orders import PAGE_SIZE
from server.services.query_order import poll_due_orders
from tests.cast import Phone
from tests.conftest import DEMO_PASSWORD
from tests.page import Page, csrf_of, read_page
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance, open_order
from tests.pay.test_reconcile import pay_today, payment_line, serve_bill
from tests.pay.test_refunds import late, paid  # noqa: F401

Notify = Callable[..., Any]
ROOMS = ("/payments", "/refunds", "/quarantine", "/reconciliation")


@dataclass
class Desk:
    """A staff member at the console: every page that is read is checked as a whole."""

    client: FlaskClient
    username: str

    def sign_in(self) -> Desk:
        form = csrf_of(self.client.get("/console/sign-in").text)
        answer = self.client.post(
            "/console/sign-in",
            data={"csrf_token": form, "username": self.username, "password": DEMO_PASSWORD},
        )
        assert answer.status_code == 302, answer.text
        return self

    def get(self, path: str, status: int = 200) -> Page:
        answer = self.client.get(f"/console{path}")
        assert answer.status_code == status, answer.text
        return read_page(answer)

    def post(self, path: str, **fields: str) -> TestResponse:
        token = csrf_of(self.client.get("/console/account").text)
        return self.client.post(f"/console{path}", data={"csrf_token": token, **fields})

    def act(self, path: str, **fields: str) -> Page:
        """Post a form that is expected to work and return the page that it leads to."""
        answer = self.post(path, **fields)
        assert answer.status_code == 303, answer.text
        return self.get(answer.location.removeprefix("/console"))


@pytest.fixture
def desk(app: Any) -> Desk:
    return Desk(app.test_client(), "finance").sign_in()


def audited(ctx: Context, action: str) -> list[dict[str, Any]]:
    with ctx.db.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == action)).all()
    return [entry.detail for entry in entries]


def yesterday(ctx: Context) -> str:
    return (to_local(ctx.now()).date() - dt.timedelta(days=1)).isoformat()


def test_rooms_are_for_finance_and_administrators_only(app: Any, demo: Context) -> None:
    for username, is_allowed in (
        ("finance", True),
        ("admin", True),
        ("reviewer", False),
        ("centre1", False),
    ):
        desk = Desk(app.test_client(), username).sign_in()
        links = desk.get(ROOMS[0] if is_allowed else "/account").html
        for room in ROOMS:
            desk.get(room, 200 if is_allowed else 403)
            assert (f'href="/console{room}"' in links) is is_allowed
    for room in ROOMS:
        assert "/sign-in" in app.test_client().get(f"/console{room}").location


def test_empty_rooms_say_so(desk: Desk) -> None:
    assert "还没有订单" in desk.get("/payments").text
    assert "还没有退款" in desk.get("/refunds").text
    assert "没有待处理的款项" in desk.get("/quarantine").text
    assert "还没有核对过账单" in desk.get("/reconciliation").text
    assert "这一天还没有核对过" in desk.get("/reconciliation/2026-09-30").text
    assert "没有符合条件的订单" in desk.get("/payments?state=paid").text


def test_orders_are_found_by_state_day_number_and_student(
    desk: Desk,
    paid: str,  # noqa: F811
    demo: Context,
) -> None:
    today = to_local(demo.now()).date().isoformat()
    for query in (
        "",
        "?state=paid",
        f"?number={paid[:12]}",
        f"?number={load_order(demo, paid).transaction_id}",
        "?student_no=20200001",
        f"?first={today}&last={today}",
        "?state=nonsense",
    ):
        page = desk.get(f"/payments{query}")
        assert paid in page.text, query
        assert "20.00 元" in page.text
        assert "110101199003070011" not in page.html
    for query in ("?state=open", "?number=CJ9", "?student_no=2021", f"?last={yesterday(demo)}"):
        assert paid not in desk.get(f"/payments{query}").text, query
    assert "日期应写成" in desk.get("/payments?first=yesterday", 422).error


def test_pages_of_orders_follow_each_other(desk: Desk, demo: Context) -> None:
    numbers = [f"CJ-PAGE-{place:03d}" for place in range(2 * PAGE_SIZE + 1)]
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).limit(1)).one()
        user = add_user(session)
        for number in numbers:
            session.add(make_order(demo, row.institution_id, row.id, user, number))
            session.flush()

    def read(page: Page) -> list[str]:
        return re.findall(r"CJ-PAGE-\d{3}", page.text)

    def follow(page: Page, rel: str) -> Page:
        (link,) = [each for each in page.all("a") if each.get("rel") == rel]
        return desk.get((link.get("href") or "").removeprefix("/console"))

    first = desk.get("/payments?number=CJ-PAGE")
    second = follow(first, "next")
    third = follow(second, "next")
    assert read(first) + read(second) + read(third) == numbers[::-1]
    assert read(follow(third, "prev")) == read(second)
    assert 'rel="next"' not in third.html
    assert 'rel="prev"' not in first.html


def add_user(session: Any) -> Any:
    from models import WechatUser

    user = WechatUser(
        id=new_id(),
        created_at=dt.datetime.now(dt.UTC),
        openid_encrypted=b"x",
        openid_index=b"i" * 32,
    )
    session.add(user)
    session.flush()
    return user.id


def make_order(ctx: Context, institution: Any, enrolment: Any, user: Any, number: str) -> Order:
    return Order(
        institution_id=institution,
        enrolment_id=enrolment,
        user_id=user,
        out_trade_no=number,
        description="x",
        amount_fen=2000,
        state=OrderState.CLOSED,
        pay_version="v3",
        expires_at=ctx.now(),
        created_at=ctx.now(),
    )


def test_order_page_tells_the_whole_story(
    desk: Desk,
    paid: str,  # noqa: F811
    demo: Context,
) -> None:
    page = desk.get(f"/payments/{paid}")
    for text in ("20200001", "张伟", "20.00 元", "已支付", "微信通知", "已入账", "退款 20.00 元"):
        assert text in page.text
    assert "openid" not in page.html
    desk.get("/payments/CJ20260101000000AAAAAA", 404)


def test_question_to_wechat_finds_a_payment_nobody_told_us_of(
    desk: Desk, alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert "未支付。订单状态不变" in desk.act(f"/payments/{number}/sync").text
    wechat.pay(number)
    page = desk.act(f"/payments/{number}/sync")
    assert "支付成功。订单状态已由待支付变为已支付" in page.text
    assert [each["said"] for each in audited(demo, "payment.sync")] == ["NOTPAY", "SUCCESS"]
    wechat.fault = wechat_is_silent()
    assert desk.post(f"/payments/{number}/sync").status_code == 503


def wechat_is_silent() -> Any:
    from tests.pay.stub_gateway import Reply

    return Reply(502, b"<html>Bad Gateway</html>")


def test_refund_needs_a_reason_and_runs_to_its_end(
    desk: Desk,
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
    desk: Desk,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    demo: Context,
) -> None:
    advance(demo, minutes=11)
    answer = desk.post(f"/payments/{paid}/refund", reason="学生退学")
    assert answer.location.endswith("/console/confirm")
    assert wechat.refunds == {}
    back = desk.post("/confirm", password=DEMO_PASSWORD)
    assert back.location.endswith(f"/payments/{paid}")
    page = desk.get(f"/payments/{paid}")
    assert 'value="学生退学"' in page.html
    assert "微信已受理退款" in desk.act(f"/payments/{paid}/refund", reason="学生退学").text


def test_refund_that_wechat_refuses_is_retried_or_given_up(
    desk: Desk,
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
    desk: Desk,
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


def test_late_payment_is_accepted_and_keeps_its_time(
    late: str,  # noqa: F811
    desk: Desk,
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
    answer = desk.post(f"{address}/accept", note="")
    assert answer.status_code == 422
    assert "请填写说明" in read_page(answer).error
    assert "已处理:入账" in desk.act(f"{address}/accept", note="确认收款").text
    order = load_order(demo, late)
    assert (order.state, order.paid_at) == (OrderState.PAID, row.paid_at)
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"
    assert desk.post(f"{address}/accept", note="again").status_code == 409
    assert "没有待处理的款项" in desk.get("/quarantine").text
    assert "确认收款" in desk.get(address).text
    assert len(audited(demo, "payment.quarantine_accept")) == 1


def headings(page: Page) -> list[str]:
    return ["".join(each.itertext()).strip() for each in page.all("h2")]


def test_quarantined_money_goes_back(
    late: str,  # noqa: F811
    desk: Desk,
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
    desk: Desk,
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
    desk: Desk, alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert notify(wechat.side.v3_payment("CJ-BY-HAND", "openid-alice")).status_code == 204
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
        ({"trade_state": "REFUND"}, {"说明后结案"}),
    ],
)
def test_only_what_makes_sense_is_offered_and_obeyed(
    desk: Desk,
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


def test_day_is_compared_and_each_difference_explained(
    desk: Desk,
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
    desk: Desk, wechat: SmallWechat, demo: Context
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
    desk: Desk,
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
    amounts = [line.split(",")[5] for line in answer.text.splitlines()[1:]]
    assert sorted(amounts) == ["-20.00", "20.00"]
    assert audited(demo, "payment.ledger") == [{"first": first, "last": str(last)}]
    for query in ("", "?first=2026-10-02&last=2026-10-01", "?first=x&last=2026-10-01"):
        answer = desk.client.get(f"/console/ledger.csv{query}")
        assert answer.status_code == 422
        assert "起止日期" in read_page(answer).error


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
    desk = Desk(app.test_client(), "finance").sign_in()
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
    desk: Desk, alice: Phone, ready: str, wechat: SmallWechat, demo: Context
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
