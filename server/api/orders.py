"""Payment from the student's side: open an order, ask for its state."""

from __future__ import annotations

import uuid

from server.api import schemas
from server.api.access import bp, get_user_id
from server.security.throttle import READS_PER_USER, identify_user_or_address, throttled
from server.services.money.orders.open_order import open_order
from server.services.money.orders.query_order import get_order
from server.services.student.view import view_enrolment
from server.surfaces import get_ctx


@bp.post("/enrolments/<uuid:enrolment_id>/order")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.OrderAnswer)
@bp.doc(summary="下单并得到 wx.requestPayment 的参数；重复请求返回同一订单")
def open_own_order(enrolment_id: uuid.UUID) -> schemas.OrderAnswer:
    """Open the order, or give the open one again."""
    opened = open_order(get_ctx(), get_user_id(), enrolment_id)
    return schemas.OrderAnswer(
        data=schemas.OrderOut(
            out_trade_no=opened.order.out_trade_no,
            amount_fen=opened.order.amount_fen,
            state=opened.order.state,
            expires_at=opened.order.expires_at,
            payment=schemas.PaymentParameters(**opened.payment),
        )
    )


@bp.get("/orders/<out_trade_no>")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.OrderStateAnswer)
@bp.doc(summary="订单状态；回调迟到时向微信查询")
def show_order(out_trade_no: str) -> schemas.OrderStateAnswer:
    """Show an order; a late callback is asked about."""
    ctx, user_id = get_ctx(), get_user_id()
    order = get_order(ctx, user_id, out_trade_no)
    view = view_enrolment(ctx, user_id, order.enrolment_id)
    return schemas.OrderStateAnswer(
        data=schemas.OrderStateOut(
            out_trade_no=order.out_trade_no,
            state=order.state.value,
            amount_fen=order.amount_fen,
            paid_at=order.paid_at,
            enrolment_id=order.enrolment_id,
            next_step=view.next_step,
        )
    )
