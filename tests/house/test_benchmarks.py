"""Benchmarks run from `make install` alone, started by their path; imports name what is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.rounds import few

ROOT = Path(__file__).parents[2]
OURS = {"server", "models", "imagecheck", "sandbox", "tests", "benchmarks"}
SCRIPTS = sorted(
    path.name
    for path in (ROOT / "benchmarks").glob("*.py")
    if "argparse.ArgumentParser" in path.read_text()
)
BRIEF = "queue_model.py"
"""The one that starts fastest stands for all in `make test`."""


def list_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


def read_locked_names() -> set[str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {re.split("==", line)[0].lower() for line in lines if "==" in line[:80]}


def test_benchmarks_need_what_the_service_needs_and_no_more() -> None:
    locked, known = read_locked_names(), packages_distributions()
    foreign = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / "benchmarks").rglob("*.py")
        for name in {each.partition(".")[0] for each in list_imports(path)}
        if name not in sys.stdlib_module_names | (OURS - {"tests"})
        if not locked & {each.lower() for each in known.get(name, [])}
    ]
    assert "sqlalchemy" in locked
    assert foreign == []


def test_every_import_of_ours_names_a_module_that_is_there() -> None:
    missing = [
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in sorted(OURS)
        for path in (ROOT / folder).rglob("*.py")
        for name in list_imports(path)
        if name.partition(".")[0] in OURS
        if not (ROOT / f"{name.replace('.', '/')}.py").is_file()
        if not (ROOT / name.replace(".", "/")).is_dir()
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("way", "script"),
    few(
        [(way, script) for way in ("path", "module") for script in SCRIPTS],
        lambda row: row[1] == BRIEF,
    ),
)
def test_benchmark_starts_by_its_path_from_anywhere_and_as_a_module(
    way: str, script: str, tmp_path: Path
) -> None:
    by_path = [str(ROOT / "benchmarks" / script)]
    as_module = ["-m", f"benchmarks.{script.removesuffix('.py')}"]
    done = subprocess.run(
        [sys.executable, *(by_path if way == "path" else as_module), "--help"],
        cwd=tmp_path if way == "path" else ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: " in done.stdout
