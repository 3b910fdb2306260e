"""Management through Flask's CLI. ``.flaskenv`` points ``flask`` here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import OperationalError

from server.context import Context
from server.errors import CaijiError
from server.observability.logs import configure_logs
from server.settings import SettingsInvalid, load_settings
from server.transfer.report import TransferRefused
from server.wiring import build_context


def create_app() -> Flask:
    """Return an application that only carries the commands.

    Nothing is checked or opened until a command needs it: ``flask db upgrade`` must run before
    the schema fits.
    """
    from server.cli import (
        backup,
        consent,
        database,
        demo,
        doctor,
        export,
        institution,
        keys,
        operations,
        pay,
        roster,
        settings,
        store,
        sweep,
    )

    app = Flask("server")
    modules = (
        backup,
        consent,
        database,
        demo,
        doctor,
        export,
        institution,
        keys,
        operations,
        pay,
        roster,
        settings,
        store,
        sweep,
    )
    for module in modules:
        module.register(app)
    return app


def open_context() -> Context:
    """Return the wired context for a command; a wrong setting ends it with one line."""
    try:
        settings = load_settings()
        configure_logs("WARNING")
        return build_context(settings)
    except SettingsInvalid as error:
        raise click.ClickException(str(error)) from None


def show_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command end with one line instead of a traceback, where the fault is known."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except CaijiError as error:
            raise click.ClickException(f"{error.code}: {error.shown_message}") from None
        except TransferRefused as error:
            raise click.ClickException(str(error)) from None
        except OperationalError as error:
            # The statement and its parameters are personal data: only the driver's kind is shown.
            kind = type(error.orig).__name__
            raise click.ClickException(f"the database does not answer ({kind})") from None

    return wrapper
