"""One story of two students and their money, of steps that may come in any order.

A state machine over orders, callbacks (repeated, reordered, forged, lying), questions, refunds,
deaths, dead gateways and time that passes. After every step no rule of the books is broken; at the
end of each story all that got lost is repeated, and then every fen must be explained.
"""

from __future__ import annotations

import subprocess
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from benchmarks.rig.wechat_side import make_key
from models import (
    Enrolment,
    Order,
    OrderState,
    Photo,
    PhotoState,
    QuarantinedPayment,
    Refund,
    RefundState,
    Verdict,
    WechatUser,
    new_id,
)
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.collection import SYSTEM, Event, change_status
from server.services.money.orders.open_order import open_order
from server.services.money.orders.query_order import get_order, poll_due_orders
from server.services.money.quarantine.resolve import dismiss_quarantined, refund_quarantined
from server.services.money.refunds.manage import request_refund
from server.services.money.refunds.refund import poll_due_refunds
from server.services.money.settling.receive_notice import decide_kept_notices
from server.services.upkeep.check_integrity import _check_history, _check_money
from server.services.viewer import Viewer
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Reply
from tests.pay.test_crash import deliver_and_die

DEATHS = ("many_orders_paid", "many_committed", "settle_enrolment_moved", "notice_before_commit")
SPANS_S = (2, 25, 700, 4000)
PICK = st.integers(min_value=0, max_value=99)


@dataclass
class World:
    """What all stories of one test share: one installation, one WeChat."""

    ctx: Context
    client: FlaskClient
    wechat: SmallWechat
    finance: Viewer
    nursery: subprocess.Popen[str]
    students: int = 0
    payments: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Notice:
    """A notice that WeChat has reason to send, at any time, any number of times."""

    content: dict[str, Any]
    event_type: str = "TRANSACTION.SUCCESS"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Books(RuleBasedStateMachine):
    """One story: two students, their orders, and what WeChat tells of them."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.ctx, self.wechat = self.world.ctx, self.world.wechat
        self.wechat.fault, self.wechat.loses_answers = None, False
        self.students = [self.add_student() for _ in range(2)]
        self.numbers: list[str] = []
        self.payments: list[dict[str, Any]] = []
        self.notices: list[Notice] = []

    def add_student(self) -> tuple[uuid.UUID, uuid.UUID]:
        """Write a student whose photo has passed; return user and enrolment."""
        self.world.students += 1
        ctx, now = self.ctx, self.ctx.now()
        with ctx.db.write() as session:
            sample = session.scalars(select(Enrolment).limit(1)).one()
            user = WechatUser(id=new_id(), created_at=now)
            user.encrypt_openid(f"openid-{user.id}", ctx.cipher)
            row = Enrolment(
                id=new_id(),
                institution_id=sample.institution_id,
                centre_id=sample.centre_id,
                student_no=f"S{self.world.students:06d}",
                name="书",
                wechat_user_id=user.id,
                feature_code_id=self.code_id(session),
                created_at=now,
                updated_at=now,
            )
            row.encrypt_id_number(f"1101011990{self.world.students:08d}", ctx.cipher)
            session.add(user)
            session.flush()
            session.add(row)
            session.flush()
            change_status(session, row, Event.IMPORTED, actor=SYSTEM, at=now)
            photo = Photo(
                id=new_id(),
                enrolment_id=row.id,
                user_id=user.id,
                sha256=uuid.uuid4().hex * 2,
                size_bytes=1,
                profile="moe-2017",
                state=PhotoState.CHECKED,
                verdict=Verdict.PASS,
                submitted_at=now,
            )
            session.add(photo)
            session.flush()
            row.photo_id = photo.id
            return user.id, row.id

    @staticmethod
    def code_id(session: Any) -> uuid.UUID:
        from models import FeatureCode

        found: uuid.UUID = session.scalars(select(FeatureCode.id)).one()
        return found

    @rule(pick=PICK)
    def student_opens_an_order(self, pick: int) -> None:
        user_id, enrolment_id = self.students[pick % 2]
        try:
            number = open_order(self.ctx, user_id, enrolment_id).order.out_trade_no
        except CaijiError:
            return
        if number not in self.numbers:
            self.numbers.append(number)

    @precondition(lambda self: self.numbers)
    @rule(pick=PICK)
    def student_pays(self, pick: int) -> None:
        number = self.numbers[pick % len(self.numbers)]
        if self.wechat.orders[number]["state"] != "NOTPAY":
            return
        moment = to_local(self.ctx.now()).isoformat(timespec="seconds")
        payment = self.wechat.pay(number, success_time=moment)
        self.payments.append(payment)
        self.world.payments.append(payment)
        self.notices.append(Notice(payment))

    @precondition(lambda self: self.payments)
    @rule(pick=PICK)
    def wechat_takes_the_money_twice(self, pick: int) -> None:
        first = self.payments[pick % len(self.payments)]
        second = first | {"transaction_id": "4200T" + uuid.uuid4().hex[:20]}
        self.payments.append(second)
        self.world.payments.append(second)
        self.notices.append(Notice(second))

    @precondition(lambda self: self.notices)
    @rule(pick=PICK, is_new_id=st.booleans())
    def wechat_delivers(self, pick: int, *, is_new_id: bool) -> None:
        notice = self.notices[pick % len(self.notices)]
        if is_new_id:
            notice = Notice(notice.content, notice.event_type)
        assert self.deliver(notice) == 204

    def deliver(self, notice: Notice, **signing: Any) -> int:
        body = self.make_body(notice)
        headers = self.wechat.side.sign_headers(body, self.ctx.now(), **signing)
        return self.world.client.post("/pay/notify/v3", data=body, headers=headers).status_code

    def make_body(self, notice: Notice) -> bytes:
        return self.wechat.side.v3_notice(
            notice.content, event_type=notice.event_type, notice_id=notice.id
        )

    @precondition(lambda self: self.numbers)
    @rule(pick=PICK)
    def thief_forges_a_notice(self, pick: int) -> None:
        number = self.numbers[pick % len(self.numbers)]
        openid = self.wechat.orders[number]["sent"]["payer"]["openid"]
        forged = Notice(self.wechat.side.v3_payment(number, openid))
        assert self.deliver(forged, key=make_key("thief")) == 401

    @precondition(lambda self: self.payments)
    @rule(pick=PICK)
    def notice_tells_another_amount(self, pick: int) -> None:
        payment = self.payments[pick % len(self.payments)]
        lie = payment | {"amount": {"total": 1, "currency": "CNY"}}
        assert self.deliver(Notice(lie)) == 204

    @precondition(lambda self: self.notices)
    @rule(pick=PICK, death=st.sampled_from(DEATHS))
    def server_dies_in_the_middle(self, pick: int, death: str) -> None:
        body = self.make_body(self.notices[pick % len(self.notices)])
        deliver_and_die(
            self.world.nursery,
            failpoint=death,
            settings=self.ctx.settings.model_dump(mode="json"),
            now=self.ctx.now().isoformat(),
            headers=self.wechat.side.sign_headers(body, self.ctx.now()),
            body=body.decode(),
        )

    @precondition(lambda self: self.numbers)
    @rule(pick=PICK)
    def student_asks(self, pick: int) -> None:
        with self.ctx.db.read() as session:
            number = self.numbers[pick % len(self.numbers)]
            user_id = session.scalars(select(Order.user_id).where(Order.out_trade_no == number))
        get_order(self.ctx, user_id.one(), number)

    @rule(span_s=st.sampled_from(SPANS_S))
    def time_passes_and_sweepers_run(self, span_s: int) -> None:
        self.ctx.clock.advance(seconds=span_s)  # type: ignore[attr-defined]
        self.sweep()

    def sweep(self) -> None:
        decide_kept_notices(self.ctx)
        poll_due_orders(self.ctx)
        poll_due_refunds(self.ctx)

    @rule(how=st.sampled_from(["well", "dead", "deaf"]))
    def gateway_changes(self, how: str) -> None:
        self.wechat.fault = Reply(502, b"<html></html>") if how == "dead" else None
        self.wechat.loses_answers = how == "deaf"

    @precondition(lambda self: self.numbers)
    @rule(pick=PICK)
    def finance_refunds_an_order(self, pick: int) -> None:
        number = self.numbers[pick % len(self.numbers)]
        try:
            request_refund(self.ctx, self.world.finance, out_trade_no=number, reason="退费")
        except CaijiError:
            return

    @rule(pick=PICK, is_refund=st.booleans())
    def finance_resolves_held_money(self, pick: int, *, is_refund: bool) -> None:
        rows = [row for row in self.list_held() if row.resolved_at is None]
        if not rows:
            return
        row = rows[pick % len(rows)]
        try:
            if is_refund and row.amount_fen == 2000:
                refund_quarantined(self.ctx, self.world.finance, row.id, note="退回")
            elif row.amount_fen != 2000:
                dismiss_quarantined(self.ctx, self.world.finance, row.id, note="不实")
        except CaijiError:
            return

    @rule(pick=PICK, status=st.sampled_from(["SUCCESS", "CLOSED"]))
    def wechat_finishes_a_refund(self, pick: int, status: str) -> None:
        self.finish_one_refund(pick, status)

    def finish_one_refund(self, pick: int, status: str) -> bool:
        mine = {payment["transaction_id"] for payment in self.payments}
        running = [
            refund
            for refund in self.wechat.refunds.values()
            if refund["transaction_id"] in mine and refund["status"] == "PROCESSING"
        ]
        if not running:
            return False
        refund = running[pick % len(running)]
        moment = to_local(self.ctx.now()).isoformat(timespec="seconds")
        refund |= {"status": status, "success_time": moment}
        content = refund | {"refund_status": status}
        self.notices.append(Notice(content, f"REFUND.{status}"))
        return True

    def list_orders(self) -> list[Order]:
        with self.ctx.db.read() as session:
            return list(session.scalars(select(Order).where(Order.out_trade_no.in_(self.numbers))))

    def list_held(self) -> list[QuarantinedPayment]:
        column = QuarantinedPayment.out_trade_no
        with self.ctx.db.read() as session:
            return list(session.scalars(select(QuarantinedPayment).where(column.in_(self.numbers))))

    def list_refunds(self) -> list[Refund]:
        with self.ctx.db.read() as session:
            column = Refund.out_trade_no
            return list(session.scalars(select(Refund).where(column.in_(self.numbers))))

    @invariant()
    def no_rule_of_the_books_is_broken(self) -> None:
        with self.ctx.db.read() as session:
            assert list(_check_money(session)) == []
        truth = {each["transaction_id"]: each["out_trade_no"] for each in self.payments}
        for order in self.list_orders():
            if order.transaction_id is not None:
                assert truth[order.transaction_id] == order.out_trade_no, "money from nowhere"
        by_payment: dict[str, int] = {}
        for refund in self.wechat.refunds.values():
            if refund["status"] != "CLOSED":
                number = refund["transaction_id"]
                by_payment[number] = by_payment.get(number, 0) + refund["amount"]["refund"]
        assert all(fen <= 2000 for fen in by_payment.values()), "more went back than came"

    def teardown(self) -> None:
        """All is repeated that got lost; then every payment and every refund is explained."""
        self.wechat.fault, self.wechat.loses_answers = None, False
        while self.finish_one_refund(0, "SUCCESS"):
            pass
        for notice in self.notices:
            assert self.deliver(notice) == 204
        for _ in range(3):
            self.ctx.clock.advance(hours=2)  # type: ignore[attr-defined]
            self.sweep()
        self.no_rule_of_the_books_is_broken()
        with self.ctx.db.read() as session:
            assert list(_check_history(session)) == []
        self.every_payment_is_in_one_place()
        self.refunds_stand_as_at_wechat()

    def every_payment_is_in_one_place(self) -> None:
        settled = {order.transaction_id for order in self.list_orders() if order.transaction_id}
        held = {row.transaction_id for row in self.list_held()}
        for payment in self.payments:
            number = payment["transaction_id"]
            assert number in settled or number in held, f"{number} is lost"
        assert all(order.state is not OrderState.OPEN for order in self.list_orders())

    def refunds_stand_as_at_wechat(self) -> None:
        ours = {refund.out_refund_no: refund.state for refund in self.list_refunds()}
        for number, state in ours.items():
            there = self.wechat.refunds.get(number, {}).get("status")
            if state in {RefundState.SUCCESS, RefundState.CLOSED, RefundState.PROCESSING}:
                assert there == state.value.upper(), number
            else:
                assert there is None, f"{number} is {state} here and {there} there"
