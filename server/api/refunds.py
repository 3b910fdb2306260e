"""A student asks for the fee back, and takes the receipt of what was paid."""

from __future__ import annotations

from flask import Response

from models import HAS_MONEY
from server.api import refund_schemas as schemas
from server.api.access import bp, get_user_id
from server.security.throttle import READS_PER_USER, identify_user_or_address, throttled
from server.services.money.orders.receipt import make_own_receipt
from server.services.money.refunds.ask import RefundWish, ask_for_refund, read_refund_wish
from server.surfaces import get_ctx

REQUESTS_PER_USER = "20/hour"


@bp.get("/orders/<out_trade_no>/refund")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.RefundAnswer)
@bp.doc(summary="退款到哪一步，能不能申请，有没有收据")
def show_refund(out_trade_no: str) -> schemas.RefundAnswer:
    """Show how the refund of an own order stands."""
    wish = read_refund_wish(get_ctx(), user_id=get_user_id(), out_trade_no=out_trade_no)
    return schemas.RefundAnswer(data=_show(wish))


@bp.post("/orders/<out_trade_no>/refund")
@throttled(REQUESTS_PER_USER, identify_user_or_address)
@bp.input(schemas.RefundRequestIn, arg_name="body")
@bp.output(schemas.RefundAnswer)
@bp.doc(
    summary="申请退款；等待处理时重复提交是同一个申请",
    description="refund_too_late：照片已采集；refund_not_possible：没有付款，或已退回、正在退回",
)
def ask_refund(out_trade_no: str, body: schemas.RefundRequestIn) -> schemas.RefundAnswer:
    """Ask for the fee back; finance decides."""
    wish = ask_for_refund(
        get_ctx(), user_id=get_user_id(), out_trade_no=out_trade_no, reason=body.reason
    )
    return schemas.RefundAnswer(data=_show(wish))


@bp.get("/orders/<out_trade_no>/receipt.pdf")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.doc(summary="收据（PDF）", responses={200: "PDF 文件", 409: "receipt_not_ready：没有收款"})
def send_receipt(out_trade_no: str) -> Response:
    """Send the receipt of an own paid order."""
    data = make_own_receipt(get_ctx(), user_id=get_user_id(), out_trade_no=out_trade_no)
    answer = Response(data, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="receipt-{out_trade_no}.pdf"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _show(wish: RefundWish) -> schemas.RefundOut:
    order, row = wish.order, wish.request
    is_own = row is not None and row.user_id == get_user_id()
    return schemas.RefundOut(
        out_trade_no=order.out_trade_no,
        enrolment_id=order.enrolment_id,
        institution=order.enrolment.institution.name,
        order_state=order.state.value,
        amount_fen=order.amount_fen,
        paid_at=order.paid_at,
        transaction_id=order.transaction_id or "",
        label=wish.label,
        can_request=wish.obstacle is None,
        why_not=wish.obstacle.shown_message if wish.obstacle else "",
        has_receipt=order.state in HAS_MONEY and order.transaction_id is not None,
        request=None
        if row is None
        else schemas.RefundRequestOut(
            state=row.state.value,
            label=row.state.label,
            reason=wish.reason if is_own else "",
            asked_at=row.asked_at,
            due_at=row.due_at,
            answer=wish.answer,
            decided_at=row.decided_at,
        ),
    )
