"""Every fault of a refund's notice, after finance asked for the refund on the console."""

from __future__ import annotations

import re
import uuid
from typing import Any

import httpx

from benchmarks.rig.stack import Stack
from tests.faults.bench import PAY_FIRST, REFUSED_FIRST, Bench

REFUND_HELD = {"wrong_amount": "wrong_refund_amount", "wrong_mchid": "wrong_merchant"}


class Finance:
    """The finance account at the console, without JavaScript."""

    def __init__(self, stack: Stack) -> None:
        self.http = httpx.Client(base_url=stack.url, timeout=20, follow_redirects=True)
        stack.clients.append(self.http)
        self.post("/console/sign-in", username="finance", password=stack.password)

    def post(self, path: str, page: str = "", **fields: str) -> str:
        """Send a form of ``page`` with its hidden field."""
        seen = self.http.get(page or path).text
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', seen)
        assert found, seen
        answer = self.http.post(path, data={"csrf_token": found.group(1), **fields})
        assert answer.status_code == 200, answer.text
        return answer.text

    def refund(self, number: str) -> str:
        """Ask for the refund; returns the page that says how it went."""
        page = f"/console/payments/{number}"
        return self.post(f"{page}/refund", page, reason="退学 退费")

    def retry(self, refund_id: uuid.UUID) -> None:
        self.post(f"/console/refunds/{refund_id}/retry", "/console/refunds")


def pay(bench: Bench) -> Any:
    """An order that a student has paid."""
    student = bench.take_student(PAY_FIRST)
    order = student.open_order()
    student.pay(order)
    bench.wait_for_attempts(order, 1)
    return order


def pay_and_refund(bench: Bench, finance: Finance) -> tuple[Any, str]:
    """A paid order whose refund runs; returns it and the number of the refund."""
    order = pay(bench)
    assert "微信已受理退款" in finance.refund(order["out_trade_no"])
    return order, f"R{order['out_trade_no']}"


def play_refund_answer_fault(bench: Bench, finance: Finance, fault: str) -> None:
    """Spoil the answer to the refund itself; trying again is the same refund, not a second one."""
    order = pay(bench)
    number = order["out_trade_no"]
    bench.stack_control("faults", name=fault, call="refund")
    shown = finance.refund(number)
    assert "微信已受理退款" in shown or "自动重试" in shown
    (row,) = bench.rows("SELECT id, state FROM refund WHERE out_trade_no = ?", number)
    if row["state"] == "requested":
        finance.retry(uuid.UUID(row["id"]))
    assert get_state(bench, order) == ("refunding", "processing")
    theirs = [r for r in bench.ask_sandbox("ledger")["refunds"] if r["out_trade_no"] == number]
    assert [refund["out_refund_no"] for refund in theirs] == [f"R{number}"]
    finish(bench, f"R{number}", "")
    bench.wait_for_attempts(order, 2)
    assert get_state(bench, order) == ("refunded", "success")


def play_refund_fault(bench: Bench, finance: Finance, fault: str) -> None:
    """Finish a refund under a fault; one that was told truly is finished once."""
    order, number = pay_and_refund(bench, finance)
    finish(bench, number, fault)
    if fault == "drop":
        return  # asking finds it: the end of all cases waits for that
    is_refused_first = fault in REFUSED_FIRST or (fault == "reencoded" and bench.version == "v3")
    if is_refused_first:
        spoilt = bench.wait_for_attempts(order, 2)[1]
        assert bench.is_refused(spoilt), spoilt
        bench.advance(15)
    elif fault in REFUND_HELD:
        lie = bench.wait_for_attempts(order, 2)[1]
        assert bench.is_kept(lie), lie
        assert get_state(bench, order)[1] in {"processing", "success"}
        finish(bench, number, "")
    elif fault == "delay":
        bench.advance(6)
    elif fault == "out_of_order":
        finish(bench, number, "")
    is_good_at_once = fault in {"delay", "rotate_keys", "reencoded"} and not is_refused_first
    attempts = bench.wait_for_attempts(order, 2 if is_good_at_once else 3)
    assert any(bench.is_kept(each) for each in attempts[1:]), attempts
    assert get_state(bench, order) == ("refunded", "success")
    held = [row["reason"] for row in bench.find_held(order)]
    assert held == ([REFUND_HELD[fault]] if fault in REFUND_HELD else [])


def finish(bench: Bench, number: str, fault: str, status: str = "SUCCESS") -> None:
    faults = [fault] if fault else []
    bench.stack_control("finish-refund", out_refund_no=number, status=status, faults=faults)


def get_state(bench: Bench, order: Any) -> tuple[str, str]:
    """State of the order and of its only refund."""
    number = order["out_trade_no"]
    (row,) = bench.rows("SELECT state FROM payment_order WHERE out_trade_no = ?", number)
    (refund,) = bench.rows("SELECT state FROM refund WHERE out_trade_no = ?", number)
    return row["state"], refund["state"]


def play_abnormal_refund(bench: Bench, finance: Finance) -> None:
    """A refund that WeChat could not pay out is not the end; later it is."""
    order, number = pay_and_refund(bench, finance)
    finish(bench, number, "", "ABNORMAL")
    bench.wait_for_attempts(order, 2)
    assert get_state(bench, order) == ("refunding", "abnormal")
    finish(bench, number, "")
    bench.wait_for_attempts(order, 3)
    assert get_state(bench, order) == ("refunded", "success")


def play_closed_refund(bench: Bench, finance: Finance) -> None:
    """A refund that WeChat closed leaves the money with us; the next one has its own number."""
    order, number = pay_and_refund(bench, finance)
    finish(bench, number, "", "CLOSED")
    bench.wait_for_attempts(order, 2)
    assert get_state(bench, order) == ("paid", "closed")
    finance.refund(order["out_trade_no"])
    finish(bench, f"{number}-2", "")
    bench.wait_for_attempts(order, 3)
    (row,) = bench.rows(
        "SELECT state FROM payment_order WHERE out_trade_no = ?", order["out_trade_no"]
    )
    assert row["state"] == "refunded"
