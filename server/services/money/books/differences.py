"""In what ways bill and books can differ, and what is said about each."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

AGREED_NOTE = "再次核对后一致"
LATE_NOTE = "对账时补记入账"
MISSING_HERE = "missing_here"
MISSING_THERE = "missing_there"
AMOUNT_DIFFERS = "amount_differs"
SETTLED_LATE = "settled_late"
REFUND_MISSING_HERE = "refund_missing_here"
REFUND_MISSING_THERE = "refund_missing_there"
REFUND_AMOUNT_DIFFERS = "refund_amount_differs"
REFUND_STATE_DIFFERS = "refund_state_differs"
REFUND_BOOKED = "refund_booked"
BOOKED_NOW = frozenset({SETTLED_LATE, REFUND_BOOKED})
"""What a run has put right by itself: told, and resolved at once."""
KIND_LABELS = {
    MISSING_HERE: "账单有，系统没有",
    MISSING_THERE: "系统有，账单没有",
    AMOUNT_DIFFERS: "金额不一致",
    SETTLED_LATE: "对账时补记",
    REFUND_MISSING_HERE: "退款：账单有，系统没有",
    REFUND_MISSING_THERE: "退款：系统有，账单没有",
    REFUND_AMOUNT_DIFFERS: "退款金额不一致",
    REFUND_STATE_DIFFERS: "退款结果不一致",
    REFUND_BOOKED: "对账时补记退款",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which bill and books do not agree. Amounts in fen, None where unknown."""

    kind: str
    out_trade_no: str
    transaction_id: str
    our_fen: int | None
    their_fen: int | None
    institution_id: uuid.UUID | None = None
