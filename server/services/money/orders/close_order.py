"""Closes an order: at WeChat first, with a question before and after, then in our books."""

from __future__ import annotations

import uuid

import structlog
from sqlalchemy import update

from models import Order, OrderState
from server.context import Context
from server.gateways.pay import TradeReport
from server.gateways.transport import GatewayRefused

log = structlog.get_logger()


def close_expired_order(ctx: Context, out_trade_no: str) -> TradeReport:
    """Close an order about which the caller has just asked, and return what WeChat says then.

    The student may pay in the very moment of closing: what counts is the answer afterwards.
    """
    try:
        ctx.pay.close(out_trade_no)
    except GatewayRefused as refusal:
        log.info("order_close_refused", out_trade_no=out_trade_no, code=refusal.code)
    return ctx.pay.query(out_trade_no)


def mark_closed(ctx: Context, order_id: uuid.UUID) -> bool:
    """Close an open order in our books; one that was paid meanwhile stays paid."""
    now = ctx.now()
    with ctx.db.write() as session:
        changed = session.execute(
            update(Order)
            .where(Order.id == order_id, Order.state == OrderState.OPEN)
            .values(state=OrderState.CLOSED, closed_at=now, next_query_at=None)
            .execution_options(synchronize_session=False)
        )
        return bool(changed.rowcount)  # type: ignore[attr-defined]
