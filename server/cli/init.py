"""``flask init``: a complete environment file with fresh keys, and what is missing in it."""

from __future__ import annotations

import base64
import secrets
import sys
from pathlib import Path
from typing import Any

import click
from flask import Flask
from pydantic import ValidationError

from server.cli import show_errors
from server.cli.env_file import read_env_file
from server.missing_settings import list_missing
from server.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[2]
FILE = "caiji.env"
UNITS = {
    "web": "gunicorn --bind 127.0.0.1:8000 wsgi:app",
    "worker": "python -m server.worker",
}
UNIT = """[Unit]
Description=Caiji {name}
After=network-online.target

[Service]
User={user}
WorkingDirectory={root}
EnvironmentFile={file}
Environment=PATH={root}/.venv/bin:/usr/local/bin:/usr/bin:/bin
ExecStart={root}/.venv/bin/{command}
Restart=always
RestartSec=2
TimeoutStopSec=40
NoNewPrivileges=true
ProtectSystem=strict
ReadWritePaths={data}

[Install]
WantedBy=multi-user.target
"""
HEADING = """# Settings of Caiji, for systemd (EnvironmentFile) and a shell (set -a; . ./caiji.env).
# `flask init` wrote it with fresh keys and lists what is still missing when it is run again.
# Keep a copy of this file in a safe place: without FIELD_KEYS and INDEX_KEY nobody reads the data.
"""
BY_HAND = (
    "public_url",
    "wechat_app_id",
    "wechat_app_secret",
    "pay_notify_url",
    "pay_mch_id",
    "pay_v3_key",
    "pay_merchant_serial",
    "pay_merchant_key_file",
    "pay_verify_keys",
)
"""What only the operator knows: stands in the file without a value."""


def register(app: Flask) -> None:
    """Add the command to the application."""

    @app.cli.command("init")
    @click.option(
        "--file",
        "path",
        type=click.Path(dir_okay=False, path_type=Path),
        default=ROOT / FILE,
        help="Where to write; the default is found by every later command.",
    )
    @click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=None,
        help="Folder of the database and the photos; default: var/caiji beside the code.",
    )
    @click.option("--public-url", default="", help="Address of the pages, https://…")
    @click.option("--user", default="caiji", help="The system user of the services.")
    @show_errors
    def init(*, path: Path, data_dir: Path | None, public_url: str, user: str) -> None:
        """Write an environment file with fresh keys and systemd units; list what is missing.

        An existing file is never touched: then only what is missing in it is listed.
        """
        path = path.absolute()
        if path.exists():
            click.echo(f"{path} is there and stays as it is")
        else:
            data = (data_dir or ROOT / "var" / "caiji").absolute()
            write_private(path, _compose_env(data, public_url.rstrip("/")))
            data.mkdir(mode=0o700, parents=True, exist_ok=True)
            click.echo(f"{path} written with fresh keys, for this user only")
            for unit in _write_units(path, data, user):
                click.echo(f"{unit} written")
        _report(path)


def _compose_env(data_dir: Path, public_url: str) -> str:
    """Return the text of a complete environment file, every setting with its meaning."""
    values = {
        "data_dir": str(data_dir),
        "secret_key": secrets.token_urlsafe(48),
        "field_keys": f"k1={_random_key()}",
        "face_keys": f"f1={_random_key()}",
        "index_key": _random_key(),
        "public_url": public_url,
        "pay_notify_url": f"{public_url}/pay/notify/v3" if public_url else "",
    }
    written = {"data_dir", "secret_key", "field_keys", "face_keys", "index_key", *BY_HAND}
    parts = [HEADING]
    for name, field in Settings.model_fields.items():
        if name in {"demo", "failpoints"}:
            continue
        meaning = " ".join((field.description or "").replace("``", "").split())
        value = values.get(name, "" if name in BY_HAND else str(field.default))
        mark = "" if name in written else "# "
        parts.append(f"# {meaning}\n{mark}{PREFIX}{name.upper()}='{value}'\n")
    return "\n".join(parts)


def _write_units(path: Path, data_dir: Path, user: str) -> list[Path]:
    """Write the systemd units beside the environment file; returns where they are."""
    units = []
    for name, command in UNITS.items():
        unit = path.with_name(f"caiji-{name}.service")
        text = UNIT.format(
            name=name, command=command, user=user, root=ROOT, file=path, data=data_dir
        )
        unit.write_text(text)
        units.append(unit)
    return units


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; an existing one is an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text)


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _report(path: Path) -> None:
    values: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in read_env_file(path).items()
        if name.startswith(PREFIX)
    }
    try:
        missing = list_missing(Settings(**values))
    except ValidationError as error:
        missing = [
            f"{PREFIX}{'_'.join(map(str, one['loc'])).upper()}: {one['msg']}"
            for one in error.errors()
        ]
    if not missing:
        click.echo("nothing is missing; next: flask db upgrade, then flask doctor")
        return
    click.echo(f"\n{len(missing)} settings are missing or wrong; fill them in {path}:")
    for line in missing:
        click.echo(f"  {line}")
    click.echo(
        "\nUntil then this works: flask db upgrade, flask institution add NAME,\n"
        "flask roster import FILE --create-centres, flask code add, flask staff add.\n"
        "The services start once nothing is missing; flask doctor looks at the outside world."
    )
    sys.exit(0)
