"""Payments (支付): the list of orders, one order with its story, a question to WeChat, a refund."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import RefundState, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.chips import list_chips
from server.console.forms import parse_near_day
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.console.wording import ORDER_STATES, TRADE_STATES
from server.services.money.books.overview import read_todos, total_orders
from server.services.money.orders.list_orders import OrderFilter, list_orders, view_order
from server.services.money.orders.sync_order import sync_order
from server.services.money.refunds.manage import request_refund
from server.services.money.refunds.refund import RefundReasonMissing
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
FILTER_NAMES = ("state", "number", "student_no", "first", "last")
CHIP_LABELS = {
    "state": "订单状态",
    "number": "单号",
    "student_no": "学号开头",
    "first": "下单日期从",
    "last": "下单日期到",
}
MAX_TEXT = 64
STATE_OPTIONS = [("", "全部"), *((state.value, text) for state, text in ORDER_STATES.items())]


@blueprint.get("/payments")
@roles(Role.ADMIN, Role.FINANCE)
def payments() -> Page:
    """List the institution's orders."""
    error = _find_day_fault()
    page = list_orders(get_ctx(), current_viewer(), read_filter())
    texts = {name: read_text(name) for name in FILTER_NAMES}
    rendered = render_template(
        "console/payments.html",
        page=page,
        todos=read_todos(get_ctx(), current_viewer()),
        totals=total_orders(get_ctx(), current_viewer(), read_filter()),
        texts=texts,
        is_filtered=any(texts.values()),
        options=STATE_OPTIONS,
        chips=list_chips(
            CHIP_LABELS,
            texts,
            {"state": STATE_OPTIONS},
            lambda name: build_address({**texts, name: ""}),
        ),
        error=error,
        before_url=build_address(texts, before=page.before),
        after_url=build_address(texts, after=page.after),
    )
    return (rendered, 422) if error else rendered


@blueprint.get("/payments/<out_trade_no>")
@roles(Role.ADMIN, Role.FINANCE)
def payment(out_trade_no: str) -> Page:
    """Show one order."""
    return _show_payment(out_trade_no)


@blueprint.post("/payments/<out_trade_no>/sync")
@roles(Role.ADMIN, Role.FINANCE)
def payment_sync(out_trade_no: str) -> Page:
    """Ask WeChat about one order now."""
    outcome = sync_order(get_ctx(), current_viewer(), out_trade_no)
    said = TRADE_STATES[outcome.said]
    if outcome.after is outcome.before:
        say(f"微信回答：{said}。订单状态不变：{outcome.after.label}", "info")
    else:
        say(f"微信回答：{said}。订单状态已由{outcome.before.label}变为{outcome.after.label}")
    return redirect(url_for("console.payment", out_trade_no=out_trade_no), 303)


@blueprint.post("/payments/<out_trade_no>/refund")
@roles(Role.ADMIN, Role.FINANCE)
def payment_refund(out_trade_no: str) -> Page:
    """Give the whole amount back."""
    here = url_for("console.payment", out_trade_no=out_trade_no)
    reason = request.form.get("reason", "")
    if (detour := require_recent_sign_in()) is not None:
        return detour
    try:
        refund = request_refund(
            get_ctx(), current_viewer(), out_trade_no=out_trade_no, reason=reason
        )
    except RefundReasonMissing as error:
        return _show_payment(out_trade_no, error=error.shown_message), error.status
    say_refund(refund.state)
    return redirect(here, 303)


def _show_payment(out_trade_no: str, error: str = "") -> str:
    """Render one order, with what was typed."""
    return render_template(
        "console/payment.html",
        view=view_order(get_ctx(), current_viewer(), out_trade_no),
        error=error,
        reason=request.form.get("reason", ""),
    )


def say_refund(state: RefundState) -> None:
    """Say how a refund stands after a try."""
    tone = {RefundState.ABNORMAL: "danger", RefundState.REQUESTED: "warning"}.get(state, "success")
    texts = {
        RefundState.REQUESTED: "退款已登记，微信暂时没有响应，系统会用同一单号自动重试",
        RefundState.PROCESSING: "微信已受理退款，结果会自动更新",
        RefundState.SUCCESS: "款项已退回",
        RefundState.ABNORMAL: "微信没有办成这笔退款，请在退款页查看原因",
        RefundState.CLOSED: "微信关闭了这笔退款，款项仍在商户账户",
    }
    say(texts[state], tone)


def read_filter() -> OrderFilter:
    """Return the filter that the address carries; what cannot be read filters nothing."""
    return OrderFilter(
        state=read_text("state"),
        number=read_text("number"),
        student_no=read_text("student_no"),
        first=read_day("first"),
        last=read_day("last"),
        after=read_id("after"),
        before=read_id("before"),
    )


def read_text(name: str) -> str:
    """Return a value of the address without the spaces around it."""
    return request.args.get(name, "").strip()[:MAX_TEXT]


def read_day(name: str) -> dt.date | None:
    """Return a day of the address, or None; a year far away is none."""
    return parse_near_day(read_text(name))


def _find_day_fault() -> str:
    """Return what is wrong with the days of the address, or nothing."""
    if not all(not read_text(name) or read_day(name) for name in ("first", "last")):
        return "日期应写成 2026-10-01 的样子"
    first, last = read_day("first"), read_day("last")
    return "起始日期晚于结束日期，请调换" if first and last and first > last else ""


def read_id(name: str) -> uuid.UUID | None:
    """Return an id of the address, or None."""
    try:
        return uuid.UUID(read_text(name))
    except ValueError:
        return None


def build_address(texts: dict[str, str], **place: uuid.UUID | None) -> str:
    """Return the address of a neighbouring page with the same filter, or nothing."""
    if not any(place.values()):
        return ""
    values: dict[str, Any] = {**texts, **place}
    return url_for("console.payments", **{name: value for name, value in values.items() if value})
