"""The checks that node makes: services, types, lint, and whether the API's types are of today."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.miniprogram.api_types import TYPES, make_types
from tests.miniprogram.tools import HERE, PROGRAM, TOOLS, are_there, command, find_node

needs_tools = pytest.mark.skipif(
    not os.environ.get("CI") and (find_node() is None or not are_there()),
    reason="node tools are not installed: make .venv/.installed-dev",
)


def run(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        arguments,
        cwd=folder,
        env={**os.environ, "CAIJI_NODE_CHECKS": str(TOOLS)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check_types(folder: Path) -> str:
    return run(
        *command("tsc"), "-p", ".", "--typeRoots", str(TOOLS / "node_modules"), folder=folder
    )


def check_lint(folder: Path) -> str:
    return run(*command("eslint"), "--config", str(HERE / "eslint.config.mjs"), ".", folder=folder)


@pytest.mark.skipif(find_node() is None, reason="no node")
def test_services_without_wechat() -> None:
    node = find_node()
    assert node
    report = run(
        node,
        "--test",
        "--test-reporter=tap",
        *map(str, sorted(HERE.glob("services/*.test.js"))),
        folder=HERE,
    )
    assert "# fail 0" in report
    assert "# skipped 0" in report


@needs_tools
def test_the_program_alone_elsewhere_passes_types_and_lint(tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(PROGRAM, copy)
    check_types(copy)
    check_lint(copy)


@pytest.mark.long
@needs_tools
def test_types_and_lint_see_what_is_wrong(tmp_path: Path) -> None:
    copy = tmp_path / "broken"
    shutil.copytree(PROGRAM, copy)
    page = copy / "pages/index/index.wxml"
    page.write_text(page.read_text("utf-8").replace("</form>", "</view>", 1), encoding="utf-8")
    script = copy / "services/format.js"
    script.write_text(script.read_text("utf-8").replace("toLocal(iso);", "toLocal(7);", 1), "utf-8")
    with pytest.raises(AssertionError, match=r"index\.wxml"):
        check_lint(copy)
    with pytest.raises(AssertionError, match=r"format\.js"):
        check_types(copy)


@needs_tools
def test_the_types_of_the_api_are_of_today(tmp_path: Path) -> None:
    assert TYPES.read_text("utf-8") == make_types(tmp_path), "stale: run `make types`"
