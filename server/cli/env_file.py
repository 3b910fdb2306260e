"""Where ``flask`` finds its settings when the environment has none of them.

The installation's ``caiji.env`` beside the code goes first, then the running demo's folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping
from pathlib import Path

import click
from dotenv import dotenv_values

from server.settings import PREFIX

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / "caiji.env"
DEMO = ROOT / "var" / "demo"
HOW_TO = (
    "no settings found. On the demo: CAIJI_DEMO=1 CAIJI_DATA_DIR=… .venv/bin/flask …; "
    "for a new installation: .venv/bin/flask init"
)


def read_env_file(path: Path) -> dict[str, str]:
    """Return the settings of an environment file."""
    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


def find_settings(
    environment: MutableMapping[str, str] = os.environ,
    installed: Path = INSTALLED,
    demo: Path = DEMO,
) -> None:
    """Fill the environment from the file that is there, unless it names settings already."""
    if any(name.startswith(PREFIX) for name in environment):
        return
    if os.access(installed, os.R_OK):
        environment.update(read_env_file(installed))
        _say(f"settings from {installed}")
    elif os.access(demo / "demo.env", os.R_OK):
        environment.update({f"{PREFIX}DEMO": "1", f"{PREFIX}DATA_DIR": str(demo)})
        _say(f"settings of the demo in {demo}")


def _say(line: str) -> None:
    """Tell a person at a terminal; programs that read the output are left alone."""
    if sys.stderr.isatty():
        click.echo(line, err=True)
