"""The background duties of the money: no state of it lasts longer than its limit."""

from __future__ import annotations

from server.services.query_order import poll_due_orders
from server.services.receive_notice import decide_kept_notices
from server.services.reconcile import reconcile_yesterday_if_due
from server.services.refund_order import poll_due_refunds
from server.services.send_messages import send_due_messages
from server.sweepers import Sweeper

MONEY_SWEEPERS = [
    Sweeper("decide_kept_notices", 5, decide_kept_notices),
    Sweeper("poll_due_orders", 5, poll_due_orders),
    Sweeper("poll_due_refunds", 10, poll_due_refunds),
    Sweeper("send_due_messages", 5, send_due_messages),
    Sweeper("reconcile_yesterday", 600, reconcile_yesterday_if_due),
]
