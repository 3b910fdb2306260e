"""Management through Flask's CLI. ``.flaskenv`` points ``flask`` here."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import OperationalError, ProgrammingError

from server.cli.env_file import HOW_TO, find_settings
from server.context import Context
from server.errors import CaijiError
from server.observability.logs import configure_logs
from server.settings import PREFIX, SettingsInvalid, load_settings
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
        init,
        institution,
        keys,
        operations,
        pay,
        privacy,
        roster,
        settings,
        store,
        sweep,
    )

    find_settings()
    app = Flask("server")
    modules = (
        backup,
        consent,
        database,
        demo,
        doctor,
        export,
        init,
        institution,
        keys,
        operations,
        pay,
        privacy,
        roster,
        settings,
        store,
        sweep,
    )
    for module in modules:
        module.register(app)
    return app


def open_context() -> Context:
    """Return the wired context for a command; a wrong setting ends it with one line.

    Payment and our own addresses may be missing still: a command that needs them says so.
    """
    try:
        settings = load_settings(is_partial=True)
        configure_logs("WARNING")
        return build_context(settings, is_partial=True)
    except SettingsInvalid as error:
        raise click.ClickException(explain(error)) from None


def explain(error: SettingsInvalid) -> str:
    """Return the line of a wrong setting; where there are no settings at all, what to type."""
    is_bare = not any(name.startswith(PREFIX) for name in os.environ)
    return HOW_TO if is_bare else str(error)


def show_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command end with one line instead of a traceback, where the fault is known."""

    @functools.wraps(command)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except CaijiError as error:
            raise click.ClickException(f"{error.code}: {error.shown_message}") from None
        except SettingsInvalid as error:
            raise click.ClickException(explain(error)) from None
        except TransferRefused as error:
            raise click.ClickException(str(error)) from None
        except ProgrammingError as error:
            if not isinstance(error.orig, InsufficientPrivilege):
                raise
            raise click.ClickException(
                f"the database role may not do this: give {PREFIX}DATABASE_OWNER_URL"
            ) from None
        except OperationalError as error:
            # The statement and its parameters are personal data: only the driver's kind is shown.
            kind = type(error.orig).__name__
            raise click.ClickException(f"the database does not answer ({kind})") from None

    return wrapper
