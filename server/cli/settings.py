"""``flask settings``: every setting with its default and meaning, as docs/settings.md shows it."""

from __future__ import annotations

import click
from flask import Flask
from pydantic.fields import FieldInfo

from server.settings import PREFIX, Settings

HEADING = """# Settings

Environment variables, all with the prefix `CAIJI_`. In demo mode every one has a default. A wrong
or missing one ends the start with one line that names it. A file in `/run/secrets` with a setting's
name in lower case (`caiji_field_keys`) is that setting, where the environment has none.
`flask settings` prints this page.
"""


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("settings")
    def settings() -> None:
        """Print every setting with its default and meaning, in Markdown."""
        click.echo(describe_settings())


def describe_settings() -> str:
    """Return the page docs/settings.md."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_show_default(field)} | {_show_meaning(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join([HEADING, "| setting | default | meaning |", "|---|---|---|", *rows])


def _show_default(field: FieldInfo) -> str:
    return "" if field.default == "" else f"`{field.default}`"


def _show_meaning(field: FieldInfo) -> str:
    return " ".join((field.description or "").replace("``", "`").split())
