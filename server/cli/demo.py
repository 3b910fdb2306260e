"""``flask demo``: the demo college on this machine. Refused outside demo mode."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from server.cli import open_context, show_errors
from server.database_roles import open_as_owner
from server.demo import STAFF, describe_demo_students, load_demo
from server.security.passwords import create_password
from server.settings import PREFIX, Settings

PASSWORD_KEY = "DEMO_PASSWORD"  # noqa: S105 - the name of a setting
PORTS = {"PORT": "8000", "SANDBOX_PORT": "8001"}


def register(app: Flask) -> None:
    """Add the commands to the application."""
    group = AppGroup("demo", help="The demo college (only with CAIJI_DEMO=1).")
    app.cli.add_command(group)

    @group.command("prepare")
    @click.option("--to-serve", is_flag=True, help="The ports of the demo have to be free.")
    @show_errors
    def prepare(*, to_serve: bool) -> None:
        """Make keys, schema and data of the demo where they are missing; print the accounts."""
        settings = _require_demo()
        if to_serve:
            for name, default in PORTS.items():
                _require_free_port(name, int(os.environ.get(name) or default))
        password = _write_demo_env(settings)
        db = open_as_owner(settings)
        db.migrate()
        db.dispose()
        load_demo(open_context(), password)
        _print_accounts(settings, password)

    @group.command("students")
    @show_errors
    def students() -> None:
        """Print the demo students as JSON lines."""
        _require_demo()
        for student in describe_demo_students(open_context()):
            click.echo(json.dumps(student, ensure_ascii=False))


def _require_demo() -> Settings:
    settings = Settings()
    if not settings.demo:
        raise click.ClickException(f"{PREFIX}DEMO: is not set; this command is for the demo only")
    return settings


def _require_free_port(name: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise click.ClickException(
                f"port {port} is taken; choose another one: {name}={port + 100} make run"
            ) from None


def _print_accounts(settings: Settings, password: str) -> None:
    sandbox = f"http://127.0.0.1:{os.environ.get('SANDBOX_PORT') or PORTS['SANDBOX_PORT']}"
    click.echo(f"console      {settings.public_url}/console/")
    click.echo(f"status page  {settings.public_url}/status")
    click.echo(f"API          {settings.public_url}/docs")
    click.echo(f"phone        {sandbox}/phone")
    click.echo(f"sandbox      {sandbox}/")
    click.echo("feature code y0814v, first student 张伟 110101199003070011; accounts:")
    for username in STAFF:
        click.echo(f"{username} {password}")


def _write_demo_env(settings: Settings) -> str:
    """Write ``demo.env`` once, with fresh keys; returns the demo password."""
    path = settings.data_dir / "demo.env"
    if path.exists():
        lines = dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
        return lines[PREFIX + PASSWORD_KEY].strip("'")
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    sandbox = _make_sandbox_keys(settings.data_dir)
    values = {
        PASSWORD_KEY: create_password(),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": f"k1={_random_key()}",
        "FACE_KEYS": f"f1={_random_key()}",
        "INDEX_KEY": _random_key(),
        **_write_payment_keys(settings.data_dir, sandbox),
    }
    temporary = path.with_suffix(".new")
    temporary.touch(mode=0o600)
    temporary.write_text("".join(f"{PREFIX}{name}='{value}'\n" for name, value in values.items()))
    temporary.replace(path)
    return values[PASSWORD_KEY]


def _random_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _make_sandbox_keys(folder: Path) -> dict[str, Any]:
    data = os.environ.get("CAIJI_SANDBOX_DATA") or str(folder / "sandbox")
    command = [sys.executable, "-m", "sandbox", "keys", "--data", data]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    keys: dict[str, Any] = json.loads(done.stdout)
    return keys


def _write_payment_keys(folder: Path, sandbox: dict[str, Any]) -> dict[str, str]:
    keys = folder / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    merchant = keys / "merchant.pem"
    _write_private(merchant, sandbox["merchant_private_key"])
    verify = []
    for serial, pem in sandbox["verify_keys"].items():
        path = keys / f"{serial}.pem"
        _write_private(path, pem)
        verify.append(f"{serial}={path}")
    return {
        "WECHAT_APP_ID": sandbox["app_id"],
        "WECHAT_APP_SECRET": sandbox["app_secret"],
        "PAY_MCH_ID": sandbox["mch_id"],
        "PAY_V3_KEY": sandbox["api_v3_key"],
        "PAY_V2_KEY": sandbox["api_v2_key"],
        "PAY_MERCHANT_SERIAL": sandbox["merchant_serial"],
        "PAY_MERCHANT_KEY_FILE": str(merchant),
        "PAY_VERIFY_KEYS": ",".join(verify),
    }


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
