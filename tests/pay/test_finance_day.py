"""Finance's day: what waits stands first, sums are told, files survive Excel, fees are waived."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select

from models import AuditEntry, Enrolment, FeeWaiver
from server.context import Context
from tests.cast import Phone
from tests.desk import Desk, sign_in
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import held
from tests.pay.test_order_life import open_order
from tests.pay.test_reconcile import pay_today

Notify = Callable[..., Any]


@pytest.fixture
def desk(app: Flask) -> Desk:
    return sign_in(app, "finance")


def test_what_waits_stands_first_with_its_sum(
    alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context, desk: Desk
) -> None:
    before = desk.get("/console/payments").text
    assert "没有核对" not in before
    assert "异常款项待处理" not in before
    number = open_order(alice, ready)["out_trade_no"]
    payment = pay_today(wechat, number, demo)
    assert notify(payment).status_code == 204
    again = payment | {"transaction_id": "4200" + "7" * 24}
    assert notify(again).status_code == 204
    page = desk.get("/console/payments").text
    assert "1 笔异常款项待处理" in page
    assert "没有核对" not in page
    demo.clock.advance(days=1)  # type: ignore[attr-defined]
    desk = sign_in(desk.client.application, "finance")
    assert "2026-10-01 的微信账单还没有核对" in desk.get("/console/payments").text
    assert "共 1 笔订单，其中已收款" in page
    assert page.index("待办") < page.index(number)
    assert desk.get("/console/payments?first=2026-10-02&last=2026-10-01").status_code == 422


def test_workbook_keeps_every_digit_and_adds_up(
    alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context, desk: Desk
) -> None:
    with demo.db.write() as session:
        row = session.get_one(Enrolment, uuid.UUID(ready))
        row.name = "=张伟"
        student_no = row.student_no
    number = open_order(alice, ready)["out_trade_no"]
    payment = pay_today(wechat, number, demo) | {"transaction_id": "4" * 27}
    assert notify(payment).status_code == 204
    answer = desk.get("/console/ledger.xlsx?first=2026-10-01&last=2026-10-01")
    assert answer.status_code == 200, answer.text[:300]
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0]
    titles = [cell.value for cell in sheet[1]]
    line = dict(zip(titles, sheet[2], strict=True))
    wanted = {"学号": student_no, "姓名": "=张伟", "商户订单号": number, "微信单号": "4" * 27}
    assert {title: line[title].value for title in wanted} == wanted
    assert all(line[title].data_type in {"s", "inlineStr"} for title in wanted)
    assert line["金额(元)"].data_type == "n"
    assert sum(row[titles.index("金额(元)")].value for row in sheet.iter_rows(min_row=2)) == 20


def test_money_of_nobody_stands_in_the_accountants_file_too(
    wechat: SmallWechat, notify: Notify, demo: Context, desk: Desk
) -> None:
    number = "CJ20261001000000BYHAND"
    assert notify(wechat.side.v3_payment(number, "openid-alice")).status_code == 204
    lines = read_ledger(desk)
    assert [(row[4], row[6], row[7]) for row in lines] == [(number, "20.00", "待处理")]
    wechat.refund_status = "SUCCESS"
    desk.submit(f"/console/quarantine/{held(demo)[0].id}/refund", note="不是本校的学生")
    assert sorted(row[6] for row in read_ledger(desk)) == ["-20.00", "20.00"]


def read_ledger(desk: Desk) -> list[list[str]]:
    text = desk.get("/console/ledger.csv?first=2026-10-01&last=2026-10-02").text
    return list(csv.reader(io.StringIO(text)))[1:]


def test_waiver_needs_a_reason_and_moves_the_student_on(
    alice: Phone, ready: str, wechat: SmallWechat, demo: Context, app: Flask, desk: Desk
) -> None:
    path = f"/console/students/{ready}"
    assert "减免费用" in desk.get(path).text
    assert sign_in(app, "reviewer").post(f"{path}/waive", reason="x").status_code in {403, 404}
    desk.submit(f"{path}/waive", reason="  ")
    assert "请填写减免原因" in desk.get(path).text
    assert alice.enrolment(ready)["status"]["value"] == "not_uploaded"
    for _ in range(2):
        desk.submit(f"{path}/waive", reason="建档立卡")
    page = desk.get(path).text
    assert f'action="{path}/waive"' not in page
    assert alice.enrolment(ready)["status"]["value"] == "uploaded"
    with demo.db.read() as session:
        waiver = session.scalars(select(FeeWaiver)).one()
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "payment.waive")
        ).all()
    assert waiver.decrypt_reason(demo.cipher) == "建档立卡"
    assert [entry.detail["amount_fen"] for entry in entries] == [2000]
    assert wechat.orders == {}
