"""Batches (照片扫描批次): cut-offs, grace, 学籍卡 date, closing. The roll-over is shown first."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Batch, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.centres import read_id
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader, show_local_input
from server.console.rendering import say
from server.gateways.clock import to_local
from server.services.college.batch_plans import BatchChangeRefused, BatchPlan, WindowRule
from server.services.college.batches import default_card_date
from server.services.college.edit_batches import (
    MAX_GRACE_DAYS,
    BatchMoved,
    change_batch,
    get_batch,
    list_batches,
    list_window_choices,
    plan_change,
    plan_closing,
    plan_extra,
    plan_removal,
    plan_reopening,
    plan_windows,
)
from server.services.college.seasons import (
    Seasons,
    change_seasons,
    find_disorder,
    read_seasons,
)
from server.services.college.windows import describe_window
from server.surfaces import get_ctx

LAST_SECOND = dt.timedelta(seconds=59)
"""A cut-off of 23:59 takes the whole minute."""
Page = str | Response | tuple[str, int]


@blueprint.get("/batches")
@roles(Role.ADMIN)
def batches() -> Page:
    """List the batches."""
    ctx, viewer = get_ctx(), current_viewer()
    return render_template("console/batches.html", rows=list_batches(ctx, viewer), now=ctx.now())


@blueprint.route("/batches/<uuid:batch_id>", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch(batch_id: uuid.UUID) -> Page:
    """Change a batch: a first POST shows what would move, a second one confirms it."""
    ctx, viewer = get_ctx(), current_viewer()
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
    return _show_or_do(
        plan, f"批次 {row.label} 已保存", url_for("console.batch", batch_id=batch_id)
    )


@blueprint.route("/batches/new", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch_new() -> Page:
    """Plan a supplementary batch: shows which photos it takes, then makes it."""
    ctx, viewer = get_ctx(), current_viewer()
    if request.method == "GET":
        usual = read_seasons(ctx, viewer).grace_days
        return _show_form(None, {"grace_days": str(usual)}, {})
    form = FormReader(request.form)
    cutoff_at = form.moment("cutoff_at", is_required=True)
    grace_days = form.integer("grace_days", least=0, most=MAX_GRACE_DAYS)
    has_card_date = bool(request.form.get("card_visible_from"))
    card_date = form.date("card_visible_from") if has_card_date else None
    if form.errors or cutoff_at is None:
        return _show_form(None, request.form, form.errors), 422
    try:
        plan = plan_extra(
            ctx,
            viewer,
            cutoff_at=cutoff_at + LAST_SECOND,
            grace_days=grace_days,
            card_visible_from=card_date or default_card_date(to_local(cutoff_at).date()),
        )
    except BatchChangeRefused as error:
        return _show_form(None, request.form, {"cutoff_at": error.shown_message}), error.status
    return _show_or_do(plan, f"补充批次 {plan.label} 已建立", url_for("console.batch_new"))


@blueprint.route("/batches/<uuid:batch_id>/remove", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch_remove(batch_id: uuid.UUID) -> Page:
    """Take a supplementary batch away: the page shows where its photos go."""
    try:
        plan = plan_removal(get_ctx(), current_viewer(), batch_id)
    except BatchChangeRefused as error:
        row = get_batch(get_ctx(), current_viewer(), batch_id)
        return _show_form(row, _fill_in(row), {"cutoff_at": error.shown_message}), error.status
    address = url_for("console.batch_remove", batch_id=batch_id)
    return _show_or_do(plan, f"补充批次 {plan.label} 已删除", address)


@blueprint.route("/batches/<uuid:batch_id>/windows", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch_windows(batch_id: uuid.UUID) -> Page:
    """Earlier last moments for some students of a batch: shows who moves, then sets them."""
    ctx, viewer = get_ctx(), current_viewer()
    if request.method == "GET":
        return _show_windows(batch_id, "")
    form = FormReader(request.form)
    last_at = form.moment("last_at", is_required=True)
    if last_at is None:
        return _show_windows(batch_id, "请填写截止时间"), 422
    window = WindowRule(
        read_id("centre"),
        form.text("term", longest=40),
        last_at + LAST_SECOND,
    )
    is_removal = request.form.get("act") == "remove"
    try:
        plan = plan_windows(
            ctx,
            viewer,
            batch_id,
            added=None if is_removal else window,
            removed=window if is_removal else None,
        )
    except BatchChangeRefused as error:
        return _show_windows(batch_id, error.shown_message), error.status
    address = url_for("console.batch_windows", batch_id=batch_id)
    return _show_or_do(plan, f"批次 {plan.label} 单独的截止时间已保存", address)


@blueprint.route("/batches/<uuid:batch_id>/close", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch_close(batch_id: uuid.UUID) -> Page:
    """Close a batch: the page shows which photos go to the next one, the button does it."""
    ctx, viewer = get_ctx(), current_viewer()
    plan = plan_closing(ctx, viewer, batch_id)
    address = url_for("console.batch_close", batch_id=batch_id)
    return _show_or_do(plan, f"批次 {plan.label} 已关闭", address)


@blueprint.route("/batches/<uuid:batch_id>/reopen", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch_reopen(batch_id: uuid.UUID) -> Page:
    """Open a closed batch again: the page shows which photos come back, the button does it."""
    plan = plan_reopening(get_ctx(), current_viewer(), batch_id)
    address = url_for("console.batch_reopen", batch_id=batch_id)
    return _show_or_do(plan, f"批次 {plan.label} 已重新开放", address)


@blueprint.route("/batches/seasons", methods=["GET", "POST"])
@roles(Role.ADMIN)
def batch_seasons() -> Page:
    """Change the cut-offs from which the batches to come are made; asks first."""
    ctx, viewer = get_ctx(), current_viewer()
    now = read_seasons(ctx, viewer)
    if request.method == "GET":
        values = {
            "spring": now.spring_cutoff[:-3],
            "autumn": now.autumn_cutoff[:-3],
            "grace_days": str(now.grace_days),
        }
        return render_template("console/seasons.html", values=values, error="")
    form = FormReader(request.form)
    wanted = Seasons(
        spring_cutoff=form.text("spring", longest=11) + ":59",
        autumn_cutoff=form.text("autumn", longest=11) + ":59",
        grace_days=form.integer("grace_days", least=0, most=MAX_GRACE_DAYS),
    )
    error = "请按例子填写日期和时间，天数为 0 到 30" if form.errors else find_disorder(wanted)
    if error:
        return render_template("console/seasons.html", values=request.form, error=error), 422
    if not is_confirmed():
        return ask(
            "修改春秋两季的截止日期",
            "确认修改",
            url_for("console.batch_seasons"),
            f"春季截止：{now.spring_cutoff} → {wanted.spring_cutoff}",
            f"秋季截止：{now.autumn_cutoff} → {wanted.autumn_cutoff}",
            f"退回后保留批次：{now.grace_days} 天 → {wanted.grace_days} 天",
            "以后自动建立的批次使用新的日期；已经建立的批次和已采集的照片不变。",
        )
    say("已保存" if change_seasons(ctx, viewer, wanted) else "没有改动")
    return redirect(url_for("console.batches"), 303)


def _show_or_do(plan: BatchPlan, done: str, address: str) -> Page:
    confirmed = request.form.get("confirmed", "")
    problem = ""
    if confirmed:
        try:
            change_batch(get_ctx(), current_viewer(), plan, confirmed)
        except BatchMoved as error:
            problem = error.shown_message
        else:
            say(done)
            return redirect(url_for("console.batches"), 303)
    page = render_template(
        "console/batch_plan.html",
        plan=plan,
        names=dict(list_window_choices(get_ctx(), current_viewer()).centres),
        describe_window=describe_window,
        address=address,
        form=request.form,
        error=problem,
    )
    return page, 409 if problem else 200


def _fill_in(row: Batch) -> dict[str, str]:
    return {
        "cutoff_at": show_local_input(row.cutoff_at),
        "grace_days": str(row.grace_days),
        "card_visible_from": row.card_visible_from.isoformat(),
    }


def _show_form(row: Batch | None, values: Any, errors: dict[str, str]) -> str:
    return render_template(
        "console/batch.html",
        batch=row,
        values=values,
        errors=errors,
        may_close=row is not None and row.closed_at is None and get_ctx().now() > row.cutoff_at,
    )


def _show_windows(batch_id: uuid.UUID, error: str) -> str:
    ctx, viewer = get_ctx(), current_viewer()
    row = get_batch(ctx, viewer, batch_id)
    choices = list_window_choices(ctx, viewer)
    names = dict(choices.centres)
    return render_template(
        "console/batch_windows.html",
        batch=row,
        windows=[(one, describe_window(one, names)) for one in row.windows],
        show_local_input=show_local_input,
        centres=[("", "全部"), *((str(key), name) for key, name in choices.centres)],
        terms=[("", "全部"), *((term, term) for term in choices.terms)],
        form=request.form,
        error=error,
    )
