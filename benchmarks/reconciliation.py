"""How long a bill of 100,000 lines takes: ``benchmarks/reconciliation.py [--rows N]``.

Half of the lines are ours and paid, a tenth of those was refunded, the other half belongs to other
systems on the same merchant account. SQLite in a folder of its own; no network.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import datetime as dt
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from sqlalchemy import insert, select

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from models import Enrolment, Order, OrderState, WechatUser, new_id
from server.context import Context
from server.demo import load_demo
from server.gateways.clock import LOCAL_ZONE, SettableClock
from server.gateways.pay import BillRow, PayGateway
from server.gateways.transport import GatewayError
from server.services.money.books.reconcile import reconcile
from server.settings import load_settings

DAY = dt.date(2026, 10, 1)
NOON = dt.datetime(2026, 10, 1, 12, 0, tzinfo=LOCAL_ZONE).astimezone(dt.UTC)
LIMIT_S = 60.0


class Bill:
    """A gateway that has nothing but a bill."""

    version, app_id, mch_id = "v3", "wxsandbox00000001", "1900000109"

    def __init__(self, rows: list[BillRow]) -> None:
        self._rows = rows

    def download_bill(self, day: dt.date) -> Iterator[BillRow]:
        """Yield the lines."""
        if day != DAY:
            raise GatewayError("no bill of this day")
        yield from self._rows


def make_context(folder: Path) -> Context:
    """Return a context on a fresh SQLite file with the demo college."""
    from server.wiring import build_context

    key = base64.b64encode(b"k" * 32).decode()
    settings = load_settings(
        demo=True,
        data_dir=folder,
        secret_key="s" * 40,
        field_keys=f"k1={key}",
        index_key=key,
        pay_v3_key="v" * 32,
        pay_version="v2",
        pay_v2_key="w" * 32,
        wechat_app_id="wxsandbox00000001",
        wechat_app_secret="a" * 32,
        pay_mch_id="1900000109",
    )
    ctx = build_context(settings, SettableClock(NOON))
    ctx.db.migrate()
    load_demo(ctx, "demo-password-1")
    return ctx


def fill(ctx: Context, count: int) -> list[BillRow]:
    """Write ``count`` / 2 paid orders and return a bill of ``count`` lines."""
    with ctx.db.write() as session:
        enrolment = session.scalars(select(Enrolment)).first()
        assert enrolment is not None
        user = WechatUser(created_at=NOON)
        user.encrypt_openid("openid-1", ctx.cipher)
        session.add(user)
        session.flush()
        common = {
            "institution_id": enrolment.institution_id,
            "enrolment_id": enrolment.id,
            "user_id": user.id,
            "description": "x",
            "amount_fen": 2000,
            "state": OrderState.PAID,
            "pay_version": "v3",
            "expires_at": NOON,
            "paid_at": NOON,
            "created_at": NOON,
        }
        session.execute(
            insert(Order),
            [
                common
                | {
                    "id": new_id(),
                    "out_trade_no": f"CJ20261001120000{place:012X}",
                    "transaction_id": f"4200{place:024d}",
                }
                for place in range(count // 2)
            ],
        )
    return [make_row(place, is_ours=place < count // 2) for place in range(count)]


def make_row(place: int, *, is_ours: bool) -> BillRow:
    """Return one line of the bill."""
    prefix = "CJ20261001120000" if is_ours else "CANTEEN"
    return BillRow(
        trade_time=NOON,
        app_id="wxsandbox00000001",
        mch_id="1900000109",
        transaction_id=f"4200{place:024d}",
        out_trade_no=f"{prefix}{place:012X}",
        openid="openid-1",
        trade_state="SUCCESS",
        currency="CNY",
        amount_fen=2000,
    )


def main() -> int:
    """Measure, print, and fail above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    arguments: Any = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ctx = make_context(Path(folder))
        bill = Bill(fill(ctx, arguments.rows))
        ctx = dataclasses.replace(ctx, pay=cast("PayGateway", bill))
        start = time.perf_counter()
        run = reconcile(ctx, DAY)
        elapsed_s = time.perf_counter() - start
        ctx.db.dispose()
    print(
        f"{run.bill_rows} lines ({run.foreign_rows} of others): {elapsed_s:.1f} s, "
        f"{run.bill_rows / elapsed_s:.0f} a second"
    )
    return int(elapsed_s > LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
