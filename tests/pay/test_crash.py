"""Kill -9 at every named place of settling: WeChat repeats its notice, and the books agree."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from benchmarks.rig.processes import ROOT
from benchmarks.rig.wechat_side import WechatSide
from models import OrderState, PaymentNotice, StatusChange
from server.context import Context
from server.services.upkeep.check_integrity import check_integrity
from tests.cast import Phone
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_callbacks import held, load_order
from tests.pay.test_order_life import open_order

MONEY = (
    "settling/receive_notice",
    "settling/settle_plain",
    "settling/write_settled",
    "settling/settle",
    "settling/share_transaction",
    "hold",
)
FAILPOINTS = sorted(
    name
    for file in MONEY
    for name in re.findall(
        r'failpoints\.hit\("(\w+)"\)', (ROOT / "server/services/money" / f"{file}.py").read_text()
    )
)
ON_POSTGRESQL = ("many_before_commit", "settle_enrolment_moved", "notice_committed")
"""Both engines promise the same of a transaction: there, one place of each way is enough."""
WAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "careful": ({"wechat_report_shipping": True}, {}),
    "quarantine": ({}, {"amount": {"total": 1, "currency": "CNY"}}),
}
"""Way to settle: settings of the server that dies, and what is wrong with the payment."""


@pytest.fixture(scope="module")
def nursery() -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.pay.crash_nursery"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def deliver_and_die(nursery: subprocess.Popen[str], **work: Any) -> bool:
    assert nursery.stdin is not None
    assert nursery.stdout is not None
    nursery.stdin.write(json.dumps(work) + "\n")
    nursery.stdin.flush()
    answer = nursery.stdout.readline().strip()
    assert answer in {"killed", "done"}, "the nursery died"
    return answer == "killed"


def test_failpoints_were_found() -> None:
    assert len(FAILPOINTS) >= 15
    assert len(set(FAILPOINTS)) == len(FAILPOINTS)


@pytest.mark.parametrize(
    "ways", [pytest.param(1, id="first way"), pytest.param(None, id="all", marks=pytest.mark.long)]
)
@pytest.mark.parametrize(
    ("failpoint", "database_url"),
    [
        *((name, "sqlite") for name in FAILPOINTS),
        *((name, "postgresql") for name in ON_POSTGRESQL),
    ],
    indirect=["database_url"],
)
def test_death_while_settling_loses_and_doubles_nothing(
    failpoint: str,
    ways: int | None,
    nursery: subprocess.Popen[str],
    client: FlaskClient,
    wechat: SmallWechat,
    side: WechatSide,
    demo: Context,
    pass_photo: Callable[[Phone, str], None],
) -> None:
    """``make test`` settles in one way after the other until the place is met."""
    deaths = 0
    outcomes = []
    for place, (way, (settings, lie)) in enumerate(WAYS.items()):
        if ways is not None and deaths >= ways:
            break
        outcomes.append("quarantined" if lie else "settled")
        phone = Phone(client, way).sign_in()
        enrolment_id = phone.bound(place)
        pass_photo(phone, enrolment_id)
        number = open_order(phone, enrolment_id)["out_trade_no"]
        body = side.v3_notice(wechat.pay(number, **lie), notice_id=f"EV-{way}")
        headers = side.sign_headers(body, demo.now())
        deaths += deliver_and_die(
            nursery,
            failpoint=failpoint,
            settings=demo.settings.model_dump(mode="json") | settings,
            now=demo.now().isoformat(),
            headers=headers,
            body=body.decode(),
        )
        assert list(check_integrity(demo)) == [], "what the death left is whole"
        for _ in range(2):
            answer = client.post("/pay/notify/v3", data=body, headers=headers)
            assert answer.status_code == 204
        is_paid = not lie
        expected = OrderState.PAID if is_paid else OrderState.QUARANTINED
        assert load_order(demo, number).state is expected
        assert count_moves(demo, enrolment_id) == is_paid
        assert len(held(demo)) == (not is_paid)
        assert list(check_integrity(demo)) == []
    assert deaths, "no way to settle passes this place"
    with demo.db.read() as session:
        kept = session.scalars(select(PaymentNotice.outcome).order_by(PaymentNotice.received_at))
        assert list(kept) == outcomes


def count_moves(ctx: Context, enrolment_id: str) -> int:
    with ctx.db.read() as session:
        return (
            session.scalar(
                select(func.count()).where(
                    StatusChange.enrolment_id == uuid.UUID(enrolment_id),
                    StatusChange.to_status == "uploaded",
                )
            )
            or 0
        )
