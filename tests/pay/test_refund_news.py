"""Whatever WeChat tells of refunds, in any order and however often: the books end the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from models import OrderState
from server.context import Context
from server.services.money.refunds.refund import poll_due_refunds
from server.services.upkeep.check_integrity import check_integrity
from tests.cast import Phone
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_by_hand import by_hand, load_refunds, sum_ledger
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import advance
from tests.pay.test_refunds import paid  # noqa: F401

Notify = Callable[..., Any]
PIECES = {"HAND1": 500, "HAND2": 700, "HAND3": 800}


@pytest.mark.parametrize("order", list(itertools.permutations(PIECES)))
def test_pieces_refunded_by_hand_add_up_in_any_order(
    order: tuple[str, ...],
    alice: Phone,
    ready: str,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    for number, name in enumerate([*order, *order], start=1):
        news = by_hand(wechat, paid, PIECES[name], name)
        assert notify(news, event_type="REFUND.SUCCESS").status_code == 204
        is_whole = number >= len(order)
        wanted = OrderState.REFUNDED if is_whole else OrderState.PARTLY_REFUNDED
        assert load_order(demo, paid).state is wanted, name
        status = alice.enrolment(ready)["status"]["value"]
        assert status == ("not_uploaded" if is_whole else "uploaded"), name
    assert sum_ledger(demo) == 0
    assert held(demo) == []
    assert len(load_refunds(demo)) == len(PIECES)
    assert list(check_integrity(demo)) == []


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        (("ABNORMAL", "SUCCESS"), OrderState.REFUNDED),
        (("ABNORMAL", "CLOSED"), OrderState.PAID),
        (("PROCESSING", "ABNORMAL", "SUCCESS", "ABNORMAL"), OrderState.REFUNDED),
        (("CLOSED",), OrderState.PAID),
        (("CLOSED", "SUCCESS"), OrderState.REFUNDED),
        (("SUCCESS", "CLOSED"), OrderState.REFUNDED),
        (("ABNORMAL", "CLOSED", "SUCCESS", "SUCCESS"), OrderState.REFUNDED),
    ],
)
def test_refund_by_hand_ends_as_its_last_word_says(
    told: tuple[str, ...],
    ends: OrderState,
    alice: Phone,
    ready: str,
    paid: str,  # noqa: F811
    wechat: SmallWechat,
    notify: Notify,
    demo: Context,
) -> None:
    for status in told:
        news = by_hand(wechat, paid) | {"refund_status": status}
        if status != "SUCCESS":
            del news["success_time"]
        assert notify(news, event_type=f"REFUND.{status}").status_code == 204, status
        wechat.refunds["HAND1"] = news | {"status": status}
    advance(demo, minutes=61)
    poll_due_refunds(demo)
    assert load_order(demo, paid).state is ends
    is_back = ends is OrderState.REFUNDED
    assert sum_ledger(demo) == (0 if is_back else 20)
    step = alice.enrolment(ready)["next_step"]
    assert step == ("pay" if is_back else "wait_review")
    assert held(demo) == []
    problems = [each for each in check_integrity(demo) if each.kind != "day_not_reconciled"]
    assert problems == []
