"""``flask`` as an operator runs it, on the database of a test."""

from __future__ import annotations

import subprocess

from benchmarks.rig.processes import run_process
from server.context import Context


def run_flask(ctx: Context, *arguments: str) -> subprocess.CompletedProcess[str]:
    values = ctx.settings.model_dump(mode="json")
    environment = {f"CAIJI_{name.upper()}": str(value) for name, value in values.items()}
    environment |= {"CAIJI_DEMO": "1", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return run_process("flask", *arguments, env=environment)
