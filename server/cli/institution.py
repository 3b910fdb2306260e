"""``flask institution``, ``flask code`` and ``flask staff``: what a new installation needs."""

from __future__ import annotations

import datetime as dt

import click
from flask import Flask
from flask.cli import AppGroup

from models import Role
from server.cli import open_context, show_errors
from server.cli.moments import LastMoment, LocalMoment
from server.gateways.clock import LOCAL_ZONE
from server.services.college.set_up import add_feature_code, add_institution
from server.services.staff.create import add_staff
from server.services.staff.policy import open_console


def register(app: Flask) -> None:
    """Add the commands to the application."""
    _register_institution(app)
    _register_code(app)
    _register_staff(app)


def _register_institution(app: Flask) -> None:
    group = AppGroup("institution", help="Colleges.")
    app.cli.add_command(group)

    @group.command("add")
    @click.argument("name")
    @show_errors
    def add(name: str) -> None:
        """Create the college NAME with its next batches."""
        add_institution(open_context(), name)
        click.echo(f"institution {name}")

    @group.command("open-console")
    @click.option("--institution", help="Name of the college; every college without it.")
    @show_errors
    def open_(institution: str | None) -> None:
        """Take away the address lists of the console, for a college that has shut itself out."""
        click.echo(f"{open_console(open_context(), institution)} lists taken away")


def _register_code(app: Flask) -> None:
    group = AppGroup("code", help="Feature codes (特征码).")
    app.cli.add_command(group)

    @group.command("add")
    @click.argument("code")
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @click.option("--fee-fen", type=int, required=True, help="The fee in fen; 0: the school pays.")
    @click.option("--opens-at", type=LocalMoment(), help="Local time; open at once without it.")
    @click.option(
        "--closes-at",
        type=LastMoment(),
        help="Local time, a day without one to its end; never without it.",
    )
    @show_errors
    def add(
        code: str,
        institution: str | None,
        fee_fen: int,
        opens_at: dt.datetime | None,
        closes_at: dt.datetime | None,
    ) -> None:
        """Create the feature code CODE."""
        add_feature_code(
            open_context(),
            institution=institution,
            code=code,
            fee_fen=fee_fen,
            opens_at=opens_at.replace(tzinfo=LOCAL_ZONE) if opens_at else None,
            closes_at=closes_at.replace(tzinfo=LOCAL_ZONE) if closes_at else None,
        )
        click.echo(f"code {code.strip().lower()} fee {fee_fen} fen")


def _register_staff(app: Flask) -> None:
    group = AppGroup("staff", help="Accounts of the console.")
    app.cli.add_command(group)

    @group.command("add")
    @click.argument("username")
    @click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
    @click.option("--institution", help="Name of the college; not needed where there is one.")
    @click.option(
        "--centre",
        "centres",
        multiple=True,
        help="Learning centre, for the role centre; may be given several times.",
    )
    @click.option("--name", default="", help="Real name, shown beside the user name.")
    @show_errors
    def add(
        username: str, role: str, institution: str | None, centres: tuple[str, ...], name: str
    ) -> None:
        """Create the account USERNAME and print its one-time password."""
        password = add_staff(
            open_context(),
            username=username,
            role=Role(role),
            institution=institution,
            centres=centres,
            display_name=name,
        )
        click.echo(f"{username} {password}")
