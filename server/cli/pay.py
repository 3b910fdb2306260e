"""``flask pay``: reconciliation, the accountants' file, and a question about one order."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup
from sqlalchemy import func, select

from models import Institution, Order, QuarantinedPayment, ReconciliationDifference
from server.cli import open_context, show_errors
from server.cli.bars import show_bars
from server.cli.moments import DAY
from server.context import Context
from server.errors import NotFound
from server.gateways.clock import find_day_start, to_local
from server.services.money.books.ledger import write_ledger_csv
from server.services.money.books.reconcile import reconcile
from server.services.money.orders.query_order import refresh_order


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("pay", help="Payments.")
    app.cli.add_command(group)
    group.add_command(reconcile_command)
    group.add_command(export_command)
    group.add_command(sync_command)


@click.command("reconcile")
@click.option("--date", "day", type=DAY, help="Day of the bill (default: yesterday).")
@show_errors
def reconcile_command(day: dt.datetime | None) -> None:
    """Compare our books with WeChat's bill; exit status 1 while differences are open."""
    ctx = open_context()
    date = day.date() if day else to_local(ctx.now()).date() - dt.timedelta(days=1)
    expected = _count_paid(ctx, date)
    with show_bars() as show:
        run = reconcile(ctx, date, lambda rows: show(f"bill of {date}", rows, max(rows, expected)))
    open_count = _count_open(ctx, date)
    click.echo(
        f"{date}: {run.bill_rows} rows, paid {run.paid_fen} fen, "
        f"refunded {run.refunded_fen} fen, open differences {open_count}"
    )
    if open_count:
        raise SystemExit(1)


@click.command("export")
@click.option("--from", "first", type=DAY, required=True, help="First day.")
@click.option("--to", "last", type=DAY, required=True, help="Last day.")
@click.option("--institution", "name", help="Only this college.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@show_errors
def export_command(first: dt.datetime, last: dt.datetime, name: str | None, file: Path) -> None:
    """Write payments, refunds, held money and differences of some days to FILE (CSV)."""
    ctx = open_context()
    institution_id = None
    if name:
        with ctx.db.read() as session:
            institution_id = session.scalar(select(Institution.id).where(Institution.name == name))
        if institution_id is None:
            raise NotFound
    lines = write_ledger_csv(ctx, institution_id, first.date(), last.date())
    with file.open("w", encoding="utf-8", newline="") as target:
        target.writelines(lines)
    click.echo(f"written: {file}")


@click.command("sync")
@click.argument("out_trade_no")
@show_errors
def sync_command(out_trade_no: str) -> None:
    """Ask WeChat about one order now and bring our books in line."""
    ctx = open_context()
    order = find(ctx, out_trade_no)
    has_news = refresh_order(ctx, order.id)
    state = find(ctx, out_trade_no).state
    click.echo(f"{out_trade_no}: {state}" + ("" if has_news else " (WeChat was not asked)"))


def find(ctx: Context, out_trade_no: str) -> Order:
    """Return an order by its number; raises NotFound."""
    with ctx.db.read() as session:
        order = session.scalar(select(Order).where(Order.out_trade_no == out_trade_no))
    if order is None:
        raise NotFound
    return order


def _count_paid(ctx: Context, day: dt.date) -> int:
    """Return how many orders were paid on `day`: about so many lines the bill will have."""
    start = find_day_start(day).astimezone(dt.UTC)
    end = start + dt.timedelta(days=1)
    with ctx.db.read() as session:
        query = select(func.count()).where(Order.paid_at >= start, Order.paid_at < end)
        return session.scalar(query) or 0


def _count_open(ctx: Context, day: dt.date) -> int:
    """Return how many differences of `day` and how many held payments wait for finance."""
    with ctx.db.read() as session:
        differences = session.scalar(
            select(func.count())
            .select_from(ReconciliationDifference)
            .where(ReconciliationDifference.bill_date == day)
            .where(ReconciliationDifference.resolved_at.is_(None))
        )
        held = session.scalar(
            select(func.count())
            .select_from(QuarantinedPayment)
            .where(QuarantinedPayment.resolved_at.is_(None))
        )
    return (differences or 0) + (held or 0)
