"""Every fault of WECHAT.md §6 against pay v2, with the photo before and after the payment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.rig.stack import run_stack
from sandbox.faults import GATEWAY_FAULTS, NOTICE_FAULTS, UNSUITED, UNSUITED_REFUND
from tests.faults.bench import Bench
from tests.faults.matrix import (
    ONLY_V3,
    assert_books_agree,
    pair_photos,
    play_gateway_fault,
    play_notice_fault,
    share_refunds,
)
from tests.faults.refunds import (
    Finance,
    play_abnormal_refund,
    play_closed_refund,
    play_refund_answer_fault,
    play_refund_fault,
)

OF_NOTICES = [name for name in NOTICE_FAULTS if name not in UNSUITED["v2"]]
OF_ANSWERS = [name for name in GATEWAY_FAULTS if name not in ONLY_V3]
OF_REFUNDS = [name for name in OF_NOTICES if name not in UNSUITED_REFUND]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    settings = {"CAIJI_PAY_VERSION": "v2", "CAIJI_VERDICT_WAIT_S": "0"}
    with run_stack(tmp_path_factory.mktemp("faults-v2"), **settings) as running:
        prepared = Bench(running, "v2")
        pairs = len(OF_NOTICES) + len(OF_ANSWERS)
        refunds = len(OF_REFUNDS) + len(OF_ANSWERS) + 2
        prepared.prepare(2 * pairs + refunds)
        yield prepared


@pytest.mark.parametrize(("fault", "photo"), pair_photos(OF_NOTICES, "v2"))
def test_notice_with_fault_settles_once(bench: Bench, fault: str, photo: str) -> None:
    play_notice_fault(bench, fault, photo)


@pytest.mark.parametrize(("fault", "photo"), pair_photos(OF_ANSWERS, "v2"))
def test_answer_with_fault_loses_no_payment(bench: Bench, fault: str, photo: str) -> None:
    play_gateway_fault(bench, fault, photo)


@pytest.fixture(scope="module")
def finance(bench: Bench) -> Finance:
    return Finance(bench.stack)


@pytest.mark.parametrize("fault", share_refunds(OF_REFUNDS, "v2"))
def test_refund_notice_with_fault_refunds_once(bench: Bench, finance: Finance, fault: str) -> None:
    play_refund_fault(bench, finance, fault)


@pytest.mark.parametrize("fault", share_refunds(OF_ANSWERS, "v2"))
def test_refund_with_spoilt_answer_is_one_refund(
    bench: Bench, finance: Finance, fault: str
) -> None:
    play_refund_answer_fault(bench, finance, fault)


def test_abnormal_refund_succeeds_in_the_end(bench: Bench, finance: Finance) -> None:
    play_abnormal_refund(bench, finance)


def test_closed_refund_leaves_the_money_and_can_be_asked_for_anew(
    bench: Bench, finance: Finance
) -> None:
    play_closed_refund(bench, finance)


def test_at_the_end_both_books_and_the_bill_agree(bench: Bench) -> None:
    assert_books_agree(bench)
