"""退款申请: students who ask for the fee back, by the day on which they must be answered."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.payments import say_refund
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.errors import CaijiError
from server.services.money.orders.receipt import make_receipt
from server.services.money.refunds.answer import (
    ANSWER_LENGTH,
    RefundAnswerMissing,
    RefundRequestAnswered,
    accept_refund_request,
    list_refund_requests,
    refuse_refund_request,
    view_refund_request,
)
from server.services.money.refunds.ask import ANSWER_WITHIN_WORKING_DAYS
from server.services.money.refunds.refund import RefundRefused
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
ACCEPT, REFUSE = "accept", "refuse"


@blueprint.get("/refund-requests")
@roles(Role.ADMIN, Role.FINANCE)
def refund_requests() -> Page:
    """List who waits for an answer, the most urgent first, or who had one."""
    is_answered = request.args.get("state", "") == "answered"
    ctx = get_ctx()
    return render_template(
        "console/refund_requests.html",
        views=list_refund_requests(ctx, current_viewer(), is_answered=is_answered),
        is_answered=is_answered,
        days=ANSWER_WITHIN_WORKING_DAYS,
        now=ctx.now(),
    )


@blueprint.get("/refund-requests/<uuid:request_id>")
@roles(Role.ADMIN, Role.FINANCE)
def refund_request(request_id: uuid.UUID) -> Page:
    """Show one request and its answer."""
    return _show(request_id)


@blueprint.post("/refund-requests/<uuid:request_id>")
@roles(Role.ADMIN, Role.FINANCE)
def refund_request_answer(request_id: uuid.UUID) -> Page:
    """Agree and refund, or refuse with a reason."""
    ctx, viewer = get_ctx(), current_viewer()
    here = url_for("console.refund_request", request_id=request_id)
    act, answer = request.form.get("act", ""), request.form.get("answer", "")
    view_refund_request(ctx, viewer, request_id)  # of the own college, whatever the form says
    try:
        if act == REFUSE:
            refuse_refund_request(ctx, viewer, request_id, answer)
            say("已回复，学生会收到通知")
        elif act == ACCEPT:
            if (detour := require_recent_sign_in()) is not None:
                return detour
            say_refund(accept_refund_request(ctx, viewer, request_id, answer).state)
    except (RefundAnswerMissing, RefundRequestAnswered, RefundRefused) as error:
        return _show(request_id, error), error.status
    return redirect(here, 303)


@blueprint.get("/payments/<out_trade_no>/receipt.pdf")
@roles(Role.ADMIN, Role.FINANCE)
def payment_receipt(out_trade_no: str) -> Response:
    """Send the receipt of a paid order, for who comes in person; noted in the audit log."""
    answer = Response(
        make_receipt(get_ctx(), current_viewer(), out_trade_no), mimetype="application/pdf"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="receipt-{out_trade_no}.pdf"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _show(request_id: uuid.UUID, error: CaijiError | None = None) -> str:
    ctx = get_ctx()
    view = view_refund_request(ctx, current_viewer(), request_id)
    return render_template(
        "console/refund_request.html",
        view=view,
        answer=request.form.get("answer", ""),
        longest=ANSWER_LENGTH,
        is_overdue=view.is_overdue(ctx.now()),
        error=error.shown_message if error else "",
    )
