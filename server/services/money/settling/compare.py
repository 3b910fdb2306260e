"""What a payment must have in common with its order: one table for both ways of settling."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Protocol

from models import index_openid
from server.context import Context
from server.gateways.pay import PaymentEvidence
from server.services.money.hold import Reason

MAX_TRANSACTION_ID = 32
EARLIEST = dt.datetime(2013, 8, 5, tzinfo=dt.UTC)
"""WeChat Pay has existed since then."""
CLOCKS_DIFFER_BY = dt.timedelta(days=366)


class Owed(Protocol):
    """What an order asks for: a row or an object with these."""

    @property
    def amount_fen(self) -> int:
        """The amount in fen."""
        ...

    @property
    def currency(self) -> str:
        """Three letters."""
        ...

    @property
    def openid_index(self) -> bytes | None:
        """The keyed index of the payer's openid."""
        ...


def compare(ctx: Context, owed: Owed, evidence: PaymentEvidence) -> Iterator[tuple[Reason, bool]]:
    """Yield each comparison and whether both are the same, in the order that finance is told."""
    yield Reason.WRONG_APP, evidence.app_id == ctx.pay.app_id
    yield Reason.WRONG_MERCHANT, evidence.mch_id == ctx.pay.mch_id
    yield Reason.WRONG_CURRENCY, evidence.currency == owed.currency
    yield Reason.WRONG_AMOUNT, evidence.amount_fen == owed.amount_fen
    yield Reason.WRONG_PAYER, index_openid(evidence.payer_openid, ctx.cipher) == owed.openid_index
    yield Reason.IMPLAUSIBLE, _is_plausible(ctx, evidence)


def find_mismatch(ctx: Context, owed: Owed, evidence: PaymentEvidence) -> Reason | None:
    """Return the first thing in which payment and order are not the same."""
    return next((reason for reason, is_same in compare(ctx, owed, evidence) if not is_same), None)


def _is_plausible(ctx: Context, evidence: PaymentEvidence) -> bool:
    """Whether number and time can be what WeChat's documents describe."""
    time = evidence.success_time
    return len(evidence.transaction_id) <= MAX_TRANSACTION_ID and (
        time is None or EARLIEST <= time <= ctx.now() + CLOCKS_DIFFER_BY
    )
