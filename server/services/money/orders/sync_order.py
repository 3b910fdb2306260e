"""Finance asks WeChat how an order stands, now, whatever our books say."""

from __future__ import annotations

from dataclasses import dataclass

from models import Order, OrderState
from server.context import Context
from server.errors import CaijiError
from server.gateways.pay import TradeState
from server.gateways.transport import GatewayError, time_budget
from server.services.audit import record_audit
from server.services.money.orders.list_orders import find_order
from server.services.money.orders.query_order import DueOrder, apply_report, note_question
from server.services.viewer import Viewer

STAFF_WAITS_S = 8.0


class WechatSilent(CaijiError):
    """No answer, or none that we believe; nothing was changed."""

    code = "wechat_silent"
    status = 503
    message = "微信支付暂时没有响应，请稍后再试"


@dataclass(frozen=True)
class SyncOutcome:
    """What WeChat said and how the order stood before and after."""

    said: TradeState
    before: OrderState
    after: OrderState


def sync_order(ctx: Context, viewer: Viewer, out_trade_no: str) -> SyncOutcome:
    """Ask about one order and settle, quarantine or close as the answer demands.

    Raises:
        NotFound: no such order of the institution.
        WechatSilent.
    """
    order = load(ctx, viewer, out_trade_no)
    note_question(ctx, order.id)
    try:
        with time_budget(STAFF_WAITS_S):
            report = ctx.pay.query(out_trade_no)
    except GatewayError:
        raise WechatSilent(retry_after_s=10) from None
    apply_report(ctx, DueOrder(order.id, out_trade_no, order.expires_at), report)
    after = load(ctx, viewer, out_trade_no).state
    with ctx.db.write() as session:
        record_audit(
            session,
            viewer,
            "payment.sync",
            at=ctx.now(),
            subject_kind="order",
            subject_id=out_trade_no,
            said=report.state.value,
        )
    return SyncOutcome(report.state, order.state, after)


def load(ctx: Context, viewer: Viewer, out_trade_no: str) -> Order:
    """Return the order as it stands; raises NotFound."""
    with ctx.db.read() as session:
        return find_order(session, viewer, out_trade_no)
