"""The node tools of the mini-program's checks: ``.venv/node-checks``, made from this folder's lock.

python -m tests.miniprogram.tools     # install them where they are not
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "miniprogram"
HERE = Path(__file__).parent
TOOLS = Path(os.environ.get("CAIJI_NODE_CHECKS", Path(sys.prefix) / "node-checks"))
RECIPE = ("package.json", "package-lock.json", ".npmrc")
SEARCH = f"{os.environ.get('PATH', '')}:{Path(sys.executable).parent}"
"""The machine's programs go first; those that came with pip fill the gap."""
TIMEOUT_S = 300


def find_node() -> str | None:
    """Return the path of node, None where there is none."""
    return shutil.which("node", path=SEARCH)


def command(name: str) -> list[str]:
    """Return how to start an installed tool without a shell: node and its script."""
    node = find_node()
    package = TOOLS / "node_modules" / ("typescript" if name == "tsc" else name)
    if node is None or not package.is_dir():
        raise FileNotFoundError(f"{name}: not installed, `make .venv/.installed-dev` brings it")
    bins = json.loads((package / "package.json").read_text(encoding="utf-8"))["bin"]
    script = bins if isinstance(bins, str) else bins[name]
    return [node, str(package / script)]


def are_there() -> bool:
    """Tell whether the tools of this very lock are installed."""
    lock = TOOLS / "package-lock.json"
    return lock.is_file() and lock.read_bytes() == (HERE / "package-lock.json").read_bytes()


def install() -> None:
    """Install the tools; a try that fails leaves what was there, and raises."""
    npm = shutil.which("npm", path=SEARCH)
    if npm is None:
        raise FileNotFoundError("npm")
    fresh = TOOLS.with_name(f"{TOOLS.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in RECIPE:
        shutil.copy(HERE / name, fresh / name)
    options = ("--ignore-scripts", "--loglevel=error", "--logs-max=0")
    subprocess.run([npm, "ci", *options], cwd=fresh, check=True, timeout=TIMEOUT_S)
    shutil.rmtree(TOOLS, ignore_errors=True)
    fresh.rename(TOOLS)


def main() -> int:
    """Install where needed. Status 0 in any case: without them a few checks are skipped."""
    if are_there():
        return 0
    try:
        install()
    except (OSError, subprocess.SubprocessError) as problem:
        print(f"types and lint of the mini-program cannot be checked: {problem}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
