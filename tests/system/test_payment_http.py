"""A gateway that hangs and callbacks that get lost, over plain HTTP against real processes."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

import httpx

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, Student, wait_until

PLACE = 40
ANSWER_WITHIN_S = 10
SETTLES_WITHIN_S = 45


def ledger_orders(stack: Stack) -> dict[str, Any]:
    orders = httpx.get(f"{stack.sandbox_url}/control/ledger").json()["orders"]
    return {order["out_trade_no"]: order for order in orders}


def test_student_of_a_hanging_gateway_pays_once_and_is_told_in_time(stack: Stack) -> None:
    student = Student(stack, stack.students()[PLACE]).sign_in().bind()
    student.wait_for_verdict(student.upload(phone_photo_bytes()).json()["data"]["id"])
    known = set(ledger_orders(stack))

    student.control("faults", name="timeout_after_effect", call="prepay", count=1)
    started = time.monotonic()
    answer = student.http.post(f"/enrolments/{student.enrolment_id}/order")
    assert time.monotonic() - started < ANSWER_WITHIN_S
    assert (answer.status_code, answer.json()["code"]) == (503, "payment_unavailable")
    (number,) = set(ledger_orders(stack)) - known
    wanted = ledger_orders(stack)[number]["wanted"]

    order = student.open_order()
    assert order["out_trade_no"] == number, "the next try asks for the same order"
    assert ledger_orders(stack)[number]["wanted"] == wanted, "with equal parameters"
    assert set(ledger_orders(stack)) - known == {number}

    time.sleep(4)  # so that the next question reaches WeChat
    student.control("faults", name="hang", call="query", count=1)
    started = time.monotonic()
    answer = student.http.get(f"/orders/{number}")
    assert time.monotonic() - started < ANSWER_WITHIN_S
    assert (answer.status_code, answer.json()["data"]["state"]) == (200, "open")

    httpx.delete(f"{stack.sandbox_url}/control/faults")
    student.pay(order, "drop")
    started = time.monotonic()

    def is_paid() -> bool:
        time.sleep(1)
        state: str = student.http.get(f"/orders/{number}").json()["data"]["state"]
        return state == "paid"

    wait_until(is_paid, SETTLES_WITHIN_S, "a lost callback is found by asking")
    student.wait_for_status("uploaded")


def test_refund_by_hand_and_sales_of_others_reach_a_running_college(stack: Stack) -> None:
    student = Student(stack, stack.students()[PLACE + 1]).sign_in().bind()
    student.wait_for_verdict(student.upload(phone_photo_bytes()).json()["data"]["id"])
    order = student.open_order()
    student.pay(order)
    student.wait_for_status("uploaded")

    student.control("refund-by-hand", out_trade_no=order["out_trade_no"], amount_fen=500)
    sold = student.control("sell-elsewhere", notify_url=f"{stack.url}/pay/notify/v3")
    assert student.enrolment()["status"]["value"] == "uploaded", "a part leaves the fee settled"
    student.control("refund-by-hand", out_trade_no=order["out_trade_no"])
    student.wait_for_status("not_uploaded")
    assert student.enrolment()["next_step"] == "pay"
    assert "0 problems" in stack.flask("check")
    wait_until(lambda: list_answers(stack, sold["out_trade_no"]) == [204], 20, "taken and counted")
    with closing(sqlite3.connect(stack.folder / "caiji.db")) as db:
        held = db.execute("SELECT out_trade_no FROM quarantined_payment WHERE resolved_at IS NULL")
        assert sold["out_trade_no"] not in {number for (number,) in held}, "not ours to refund"


def list_answers(stack: Stack, number: str) -> list[int]:
    url = f"{stack.sandbox_url}/control/deliveries"
    items = httpx.get(url, params={"out_trade_no": number}).json()["items"]
    return [item["status"] for item in items]
