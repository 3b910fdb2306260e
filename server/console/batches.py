"""Batches (照片扫描批次): cut-offs, grace, 学籍卡 date, closing. The roll-over is shown first."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Batch, Role
from server.console.access import blueprint, current_context, current_viewer, roles
from server.console.forms import FormReader, show_local_input
from server.console.rendering import say
from server.services.edit_batches import (
    MAX_GRACE_DAYS,
    BatchChangeRefused,
    BatchMoved,
    BatchPlan,
    change_batch,
    get_batch,
    list_batches,
    plan_change,
    plan_closing,
)

LAST_SECOND = dt.timedelta(seconds=59)
"""A cut-off of 23:59 takes the whole minute."""
Page = str | Response | tuple[str, int]


@blueprint.get("/batches")
@roles(Role.ADMIN)
def batches() -> Page:
    """List the batches."""
    ctx, viewer = current_context(), current_viewer()
    return render_template("console/batches.html", rows=list_batches(ctx, viewer), now=ctx.now())


@blueprint.route("/batches/<uuid:batch_id>", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch(batch_id: uuid.UUID) -> Page:
    """Change a batch: a first POST shows what would move, a second one confirms it."""
    ctx, viewer = current_context(), current_viewer()
    row = get_batch(ctx, viewer, batch_id)
    if request.method == "GET":
        return _show_form(row, _fill_in(row), {})
    form = FormReader(request.form)
    cutoff_at = form.moment("cutoff_at", is_required=True)
    grace_days = form.integer("grace_days", least=0, most=MAX_GRACE_DAYS)
    card_date = form.date("card_visible_from")
    if form.errors or cutoff_at is None:
        return _show_form(row, request.form, form.errors), 422
    try:
        plan = plan_change(
            ctx,
            viewer,
            batch_id,
            cutoff_at=cutoff_at + LAST_SECOND,
            grace_days=grace_days,
            card_visible_from=card_date,
        )
    except BatchChangeRefused as error:
        return _show_form(row, request.form, {"cutoff_at": error.shown_message}), error.status
    return _show_or_do(plan, f"批次 {row.label} 已保存")


@blueprint.route("/batches/<uuid:batch_id>/close", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch_close(batch_id: uuid.UUID) -> Page:
    """Close a batch: the page shows which photos go to the next one, the button does it."""
    ctx, viewer = current_context(), current_viewer()
    plan = plan_closing(ctx, viewer, batch_id)
    return _show_or_do(plan, f"批次 {plan.after.label} 已关闭")


def _show_or_do(plan: BatchPlan, done: str) -> Page:
    confirmed = request.form.get("confirmed", "")
    problem = ""
    if confirmed:
        try:
            change_batch(current_context(), current_viewer(), plan, confirmed)
        except BatchMoved as error:
            problem = error.shown_message
        else:
            say(done)
            return redirect(url_for("console.batches"), 303)
    page = render_template("console/batch_plan.html", plan=plan, form=request.form, error=problem)
    return page, 409 if problem else 200


def _fill_in(row: Batch) -> dict[str, str]:
    return {
        "cutoff_at": show_local_input(row.cutoff_at),
        "grace_days": str(row.grace_days),
        "card_visible_from": row.card_visible_from.isoformat(),
    }


def _show_form(row: Batch, values: Any, errors: dict[str, str]) -> str:
    return render_template(
        "console/batch.html",
        batch=row,
        values=values,
        errors=errors,
        may_close=row.closed_at is None and current_context().now() > row.cutoff_at,
    )
