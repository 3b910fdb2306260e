"""Our order numbers, and whose a number is.

The merchant account is shared with the college's other systems: what does not have our form is
theirs. Two installations of this program on one account need different prefixes.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets

from server.context import Context
from server.gateways.clock import to_local

SHAPE = r"\d{14}[0-9A-Za-z]{4,14}"
"""The time of the order, and letters and digits that nobody can guess."""


def make_out_trade_no(prefix: str, now: dt.datetime) -> str:
    """Return a number of 26 characters behind its prefix that accountants can sort by day."""
    return f"{prefix}{to_local(now):%Y%m%d%H%M%S}{secrets.token_hex(6).upper()}"


def is_our_number(ctx: Context, out_trade_no: str) -> bool:
    """Tell whether an order number has the form of this installation's."""
    return re.fullmatch(ctx.settings.pay_number_prefix + SHAPE, out_trade_no) is not None
