"""Money in quarantine (异常款项): what does not fit, and how finance resolves it."""

from __future__ import annotations

import uuid

from flask import abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.payments import read_id, read_text, say_refund
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.services.money.books.overview import find_payers
from server.services.money.hold import REASON_LABELS
from server.services.money.quarantine.list_held import OPEN, RESOLVED, list_held, view_held
from server.services.money.quarantine.resolve import (
    QuarantineNotAcceptable,
    QuarantineUnexplained,
    Resolution,
    accept_quarantined,
    dismiss_quarantined,
    refund_quarantined,
)
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
STATE_OPTIONS = [(OPEN, "待处理"), (RESOLVED, "已处理"), ("all", "全部")]
REASON_OPTIONS = [("", "全部"), *((reason.value, text) for reason, text in REASON_LABELS.items())]


@blueprint.get("/quarantine")
@roles(Role.ADMIN, Role.FINANCE)
def quarantine() -> Page:
    """List the payments that fit no order, the unresolved ones unless asked otherwise."""
    state, reason = read_text("state") or OPEN, read_text("reason")
    page = list_held(
        get_ctx(), current_viewer(), state=state, reason=reason, after=read_id("after")
    )
    next_url = url_for("console.quarantine", state=state, reason=reason or None, after=page.after)
    return render_template(
        "console/quarantine.html",
        page=page,
        payers=find_payers(get_ctx(), current_viewer(), (row.order_id for row in page.rows)),
        state=state,
        reason=reason,
        states=STATE_OPTIONS,
        reasons=REASON_OPTIONS,
        is_filtered=state != OPEN or bool(reason),
        next_url=next_url if page.after else "",
    )


@blueprint.get("/quarantine/<uuid:held_id>")
@roles(Role.ADMIN, Role.FINANCE)
def quarantine_one(held_id: uuid.UUID) -> Page:
    """Show one, with what may be done about it."""
    return _show_held(held_id)


@blueprint.post("/quarantine/<uuid:held_id>/<resolution>")
@roles(Role.ADMIN, Role.FINANCE)
def quarantine_resolve(held_id: uuid.UUID, resolution: str) -> Page:
    """Refund, accept, link or dismiss it."""
    if resolution not in set(Resolution):
        abort(404)
    wanted = Resolution(resolution)
    here = url_for("console.quarantine_one", held_id=held_id)
    note = request.form.get("note", "")
    if wanted is Resolution.REFUND and (detour := require_recent_sign_in()) is not None:
        return detour
    try:
        resolve(held_id, wanted, note)
    except (QuarantineUnexplained, QuarantineNotAcceptable) as error:
        return _show_held(held_id, note=note, error=error.shown_message), error.status
    return redirect(here, 303)


def resolve(held_id: uuid.UUID, wanted: Resolution, note: str) -> None:
    """Do what the form asks for and say how it went."""
    ctx, viewer = get_ctx(), current_viewer()
    number = request.form.get("out_trade_no", "").strip()
    if wanted is Resolution.REFUND:
        say_refund(refund_quarantined(ctx, viewer, held_id, note=note).state)
        return
    if wanted is Resolution.DISMISS:
        dismiss_quarantined(ctx, viewer, held_id, note=note)
    elif wanted is Resolution.LINK and not number:
        raise QuarantineUnexplained("请填写商户订单号")
    else:
        target = number if wanted is Resolution.LINK else None
        accept_quarantined(ctx, viewer, held_id, note=note, out_trade_no=target)
    say(f"已处理：{wanted.label}")


def _show_held(held_id: uuid.UUID, note: str = "", error: str = "") -> str:
    """Render one held payment with what was typed."""
    view = view_held(get_ctx(), current_viewer(), held_id)
    payers = find_payers(get_ctx(), current_viewer(), [view.held.order_id])
    return render_template(
        "console/quarantine_one.html",
        view=view,
        payer=payers.get(view.held.order_id) if view.held.order_id else None,
        note=note,
        number=request.form.get("out_trade_no", ""),
        error=error,
    )
