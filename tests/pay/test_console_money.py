"""The rooms of finance: who may enter, and the payments."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from sqlalchemy import select

from models import Enrolment, Order, OrderState, new_id
from server.context import Context
from server.gateways.clock import to_local
from server.services.money.orders.list_orders import PAGE_SIZE
from tests.cast import Phone
from tests.page import Page
from tests.pay.finance_desk import FinanceDesk, audited, wechat_is_silent, yesterday
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import load_order
from tests.pay.test_order_life import open_order
from tests.pay.test_refunds import paid  # noqa: F401

ROOMS = ("/payments", "/refunds", "/quarantine", "/reconciliation")


def test_rooms_are_for_finance_and_administrators_only(app: Any, demo: Context) -> None:
    for username, is_allowed in (
        ("finance", True),
        ("admin", True),
        ("reviewer", False),
        ("centre1", False),
    ):
        desk = FinanceDesk(app.test_client(), username).sign_in()
        links = desk.get(ROOMS[0] if is_allowed else "/account").html
        for room in ROOMS:
            desk.get(room, 200 if is_allowed else 403)
            assert (f'href="/console{room}"' in links) is is_allowed
    for room in ROOMS:
        assert "/sign-in" in app.test_client().get(f"/console{room}").location


def test_empty_rooms_say_so(desk: FinanceDesk) -> None:
    assert "还没有订单" in desk.get("/payments").text
    assert "还没有退款" in desk.get("/refunds").text
    assert "没有待处理的款项" in desk.get("/quarantine").text
    assert "还没有核对过账单" in desk.get("/reconciliation").text
    assert "这一天还没有核对过" in desk.get("/reconciliation/2026-09-30").text
    assert "没有符合条件的订单" in desk.get("/payments?state=paid").text


def test_orders_are_found_by_state_day_number_and_student(
    desk: FinanceDesk,
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


def test_pages_of_orders_follow_each_other(desk: FinanceDesk, demo: Context) -> None:
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
    desk: FinanceDesk,
    paid: str,  # noqa: F811
    demo: Context,
) -> None:
    page = desk.get(f"/payments/{paid}")
    for text in ("20200001", "张伟", "20.00 元", "已支付", "微信通知", "已入账", "退款 20.00 元"):
        assert text in page.text
    assert "openid" not in page.html
    desk.get("/payments/CJ20260101000000AAAAAA", 404)


def test_question_to_wechat_finds_a_payment_nobody_told_us_of(
    desk: FinanceDesk, alice: Phone, ready: str, wechat: SmallWechat, demo: Context
) -> None:
    number = open_order(alice, ready)["out_trade_no"]
    assert "未支付。订单状态不变" in desk.act(f"/payments/{number}/sync").text
    wechat.pay(number)
    page = desk.act(f"/payments/{number}/sync")
    assert "支付成功。订单状态已由待支付变为已支付" in page.text
    assert [each["said"] for each in audited(demo, "payment.sync")] == ["NOTPAY", "SUCCESS"]
    wechat.fault = wechat_is_silent()
    assert desk.post(f"/payments/{number}/sync").status_code == 503
