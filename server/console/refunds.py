"""Refunds (退款): the list, another try under the same number, and giving one up."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.payments import read_id, read_text, say_refund
from server.console.rendering import say
from server.console.wording import REFUND_STATES
from server.services.money.books.overview import find_payers, total_refunds
from server.services.money.refunds.manage import TRYABLE, cancel_refund, list_refunds, retry_refund
from server.services.money.refunds.refund import RefundReasonMissing
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
STATE_OPTIONS = [("", "全部"), *((state.value, text) for state, text in REFUND_STATES.items())]


@blueprint.get("/refunds")
@roles(Role.ADMIN, Role.FINANCE)
def refunds() -> Page:
    """List the refunds, newest first."""
    return _show_refunds()


@blueprint.post("/refunds/<uuid:refund_id>/retry")
@roles(Role.ADMIN, Role.FINANCE)
def refund_retry(refund_id: uuid.UUID) -> Page:
    """Try again under the same number, or ask how it stands."""
    refund = retry_refund(get_ctx(), current_viewer(), refund_id)
    say_refund(refund.state)
    return redirect(url_for("console.refunds"), 303)


@blueprint.post("/refunds/<uuid:refund_id>/cancel")
@roles(Role.ADMIN, Role.FINANCE)
def refund_cancel(refund_id: uuid.UUID) -> Page:
    """Give up a refund that WeChat refused."""
    reason = request.form.get("reason", "")
    try:
        cancel_refund(get_ctx(), current_viewer(), refund_id, reason)
    except RefundReasonMissing:
        return _show_refunds(error="请填写放弃退款的原因"), RefundReasonMissing.status
    say("已放弃这笔退款，款项恢复为退款前的状态")
    return redirect(url_for("console.refunds"), 303)


def _show_refunds(error: str = "") -> str:
    """Render the list."""
    state = read_text("state")
    page = list_refunds(get_ctx(), current_viewer(), state=state, after=read_id("after"))
    next_url = url_for("console.refunds", state=state or None, after=page.after)
    return render_template(
        "console/refunds.html",
        page=page,
        payers=find_payers(get_ctx(), current_viewer(), (row.order_id for row in page.rows)),
        totals=total_refunds(get_ctx(), current_viewer(), state),
        state=state,
        options=STATE_OPTIONS,
        tryable=TRYABLE,
        error=error,
        next_url=next_url if page.after else "",
    )
