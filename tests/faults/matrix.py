"""Every fault of a payment, played through real HTTP, and what must have come of it."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.rig.stack import Student, wait_until
from sandbox.faults import GATEWAY_FAULTS, NOTICE_FAULTS, UNSUITED
from tests.faults.bench import HELD, PAY_FIRST, PHOTO_FIRST, REFUSED_FIRST, Bench, post_order
from tests.faults.refunds import REFUND_HELD
from tests.rounds import few

FAULTS = sorted({*NOTICE_FAULTS, *GATEWAY_FAULTS})
VERSIONS = ("v2", "v3")
ONLY_V3 = ("stale_answer", "probe_answer")
"""Spoilt answers of which v2 has none."""


def pair_photos(faults: list[str], version: str) -> list[Any]:
    """Each fault with both orders of photo and payment, most of them behind ``long``.

    ``make test`` sees every fault once, with versions and orders in turn; ``make test-all`` every
    fault with each version and order.
    """
    orders = (PHOTO_FIRST, PAY_FIRST)
    return few(
        [(fault, photo) for fault in faults for photo in orders],
        lambda row: (
            is_turn_of(row[0], version) and FAULTS.index(row[0]) // 2 % 2 == orders.index(row[1])
        ),
    )


def is_turn_of(fault: str, version: str) -> bool:
    """Whether this version is the one that meets the fault in ``make test``."""
    if fault in UNSUITED["v2"] or fault in ONLY_V3:
        return version == "v3"
    if fault in UNSUITED["v3"]:
        return version == "v2"
    return FAULTS.index(fault) % 2 == VERSIONS.index(version)


def share_refunds(faults: list[str], version: str) -> list[Any]:
    """The same for refunds, which know no order of photo and payment."""
    return few(faults, lambda fault: is_turn_of(fault, version))


def play_notice_fault(bench: Bench, fault: str, photo: str) -> None:
    """Pay under a fault of the notice; afterwards there is exactly one settlement."""
    student = bench.take_student(photo)
    order = student.open_order()
    student.pay(order, fault)
    if fault == "reencoded":
        play = play_good if bench.version == "v2" else play_refused
    elif fault in REFUSED_FIRST:
        play = play_refused
    elif fault in HELD or fault == "result_code_fail":
        play = play_lie
    else:
        play = OWN_PLAYS.get(fault, play_good)
    play(bench, student, order, fault)
    bench.assert_settled_once(order)
    bench.finish(student, photo)


def play_good(bench: Bench, student: Student, order: Any, fault: str) -> None:
    """The first attempt settles."""
    (attempt,) = bench.wait_for_attempts(order, 1)
    assert bench.is_kept(attempt), attempt


def play_refused(bench: Bench, student: Student, order: Any, fault: str) -> None:
    """The spoilt attempt is refused and changes nothing; the honest one follows after 15 s."""
    (spoilt,) = bench.wait_for_attempts(order, 1)
    assert bench.is_refused(spoilt), spoilt
    (row,) = bench.rows("SELECT * FROM payment_order WHERE out_trade_no = ?", order["out_trade_no"])
    assert row["settled_by"] != "callback"
    assert bench.find_held(order) == []
    bench.advance(15)
    attempts = bench.wait_for_attempts(order, 2)
    assert bench.is_kept(attempts[1]), attempts


def play_lie(bench: Bench, student: Student, order: Any, fault: str) -> None:
    """A genuine notice that does not fit is kept and held; the true one settles.

    Under v2 one that tells of no payment is refused, so that WeChat repeats it.
    """
    (lie,) = bench.wait_for_attempts(order, 1)
    is_refused = bench.version == "v2" and fault == "result_code_fail"
    assert bench.is_refused(lie) if is_refused else bench.is_kept(lie), lie
    reasons = [row["reason"] for row in bench.find_held(order)]
    assert reasons == ([HELD[fault]] if fault in HELD else [])
    student.pay(order)
    attempts = bench.wait_for_attempts(order, 2)
    assert bench.is_kept(attempts[1]), attempts


def play_copies(bench: Bench, student: Student, order: Any, fault: str) -> None:
    """Both copies are answered well, or one is asked for again because the other was in work."""
    attempts = bench.wait_for_attempts(order, 2)
    assert any(bench.is_kept(attempt) for attempt in attempts)
    assert all(bench.is_kept(each) or each["status"] == 503 for each in attempts), attempts


def play_late(bench: Bench, student: Student, order: Any, fault: str) -> None:
    bench.advance(6)
    play_good(bench, student, order, fault)


def play_lost(bench: Bench, student: Student, order: Any, fault: str) -> None:
    bench.ask_until_paid(student, order)


def play_out_of_order(bench: Bench, student: Student, order: Any, fault: str) -> None:
    """The second notice of the order overtakes the first."""
    student.pay(order)
    attempts = bench.wait_for_attempts(order, 2)
    assert [each["fault"] for each in attempts] == [None, "out_of_order"]
    assert all(bench.is_kept(each) for each in attempts)


def play_refund_first(bench: Bench, student: Student, order: Any, fault: str) -> None:
    """A refund that nobody asked for arrives before the payment: held, and the payment settles."""
    attempts = bench.wait_for_attempts(order, 2)
    assert [each["kind"] for each in attempts] == ["refund", "payment"]
    assert all(bench.is_kept(each) for each in attempts), attempts
    assert [row["reason"] for row in bench.find_held(order)] == ["unknown_refund"]


OWN_PLAYS = {
    "duplicate": play_copies,
    "parallel": play_copies,
    "delay": play_late,
    "drop": play_lost,
    "out_of_order": play_out_of_order,
    "refund_before_pay": play_refund_first,
}


def play_gateway_fault(bench: Bench, fault: str, photo: str) -> None:
    """Spoil the answer to the order (pay first) or, with the notice lost, to the question."""
    student = bench.take_student(photo)
    if photo == PAY_FIRST:
        order = play_spoilt_order(bench, student, fault)
        student.pay(order)
        play_good(bench, student, order, fault)
    else:
        order = student.open_order()
        student.pay(order, "drop")
        bench.stack_control("faults", name=fault, call="query")
        bench.ask_until_paid(student, order)
    bench.assert_settled_once(order)
    bench.finish(student, photo)


def play_spoilt_order(bench: Bench, student: Student, fault: str) -> Any:
    """The spoilt answer is a told error or overcome; the next try has the same order."""
    bench.stack_control("faults", name=fault, call="prepay")
    first = post_order(student)
    if first.status_code != 200:
        assert first.status_code in {502, 503, 504}, first.text
        assert first.json()["message"]
    order = student.open_order()
    numbers = bench.rows(
        "SELECT out_trade_no FROM payment_order WHERE enrolment_id = ?",
        student.enrolment_id.replace("-", ""),
    )
    assert [row["out_trade_no"] for row in numbers] == [order["out_trade_no"]]
    return order


def assert_books_agree(bench: Bench) -> None:
    """At the end: same payments on both sides, nothing left open but what faults really made."""
    assert bench.finished, "nothing happened to these books"
    for student in bench.finished:
        student.wait_for_status("uploaded", 120)
        history = [step["status"]["value"] for step in student.enrolment()["history"]]
        assert history == ["not_uploaded", "uploaded"]
    refunded = assert_refunds_agree(bench)
    theirs = {
        order["out_trade_no"]: order["transaction_id"]
        for order in bench.ask_sandbox("ledger")["orders"]
        if order["transaction_id"]
    }
    ours = {
        row["out_trade_no"]: row["transaction_id"]
        for row in bench.rows("SELECT * FROM payment_order WHERE state IN ('paid', 'refunded')")
    }
    assert ours == theirs
    printed = bench.reconcile_everything()
    rows = sum(int(count) for count in re.findall(r": (\d+) rows", printed))
    assert rows == len(theirs) + refunded, printed
    assert bench.rows("SELECT * FROM reconciliation_difference WHERE resolved_at IS NULL") == []
    held = bench.rows("SELECT reason FROM quarantined_payment WHERE resolved_at IS NULL")
    assert {row["reason"] for row in held} <= {"unknown_refund", *REFUND_HELD.values()}


def assert_refunds_agree(bench: Bench) -> int:
    """Wait until asking has found the results that no notice told; returns how many succeeded."""
    theirs = {
        refund["out_refund_no"]: refund["wanted"]["amount_fen"]
        for refund in bench.ask_sandbox("ledger")["refunds"]
        if refund["status"] == "SUCCESS"
    }

    def find_ours() -> dict[str, int]:
        rows = bench.rows("SELECT * FROM refund WHERE state = 'success'")
        return {row["out_refund_no"]: row["amount_fen"] for row in rows}

    wait_until(lambda: find_ours() == theirs, 90, "refunds on both sides")
    return len(theirs)
