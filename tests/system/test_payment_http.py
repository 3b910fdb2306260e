"""A gateway that hangs and callbacks that get lost, over plain HTTP against real processes."""

import time
from typing import Any

import httpx

from tests.portraits import phone_photo_bytes
from tests.system.stack import Stack, Student, wait_until

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
