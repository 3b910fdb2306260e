"""Payment from the student's side: open an order, ask for its state."""

from __future__ import annotations

import uuid

from apiflask import APIBlueprint
from flask_limiter import Limiter

from server.api import schemas
from server.api.access import get_ctx, get_user_id
from server.security.throttle import READS_PER_USER, identify_user_or_address
from server.services.open_order import open_order
from server.services.query_order import get_order
from server.services.view_enrolment import view_enrolment


def register(bp: APIBlueprint, limiter: Limiter) -> None:
    """Add the views of this room to the blueprint."""
    limit = limiter.limit(READS_PER_USER, key_func=identify_user_or_address)

    @bp.post("/enrolments/<uuid:enrolment_id>/order")
    @limit
    @bp.output(schemas.OrderAnswer)
    @bp.doc(summary="下单并得到 wx.requestPayment 的参数;重复请求返回同一订单")
    def open_own_order(enrolment_id: uuid.UUID) -> schemas.OrderAnswer:
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
    @limit
    @bp.output(schemas.OrderStateAnswer)
    @bp.doc(summary="订单状态;回调迟到时向微信查询")
    def show_order(out_trade_no: str) -> schemas.OrderStateAnswer:
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
