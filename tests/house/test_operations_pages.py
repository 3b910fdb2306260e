"""The operator's pages name only what exists: commands, settings, metrics, files, tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from server.cli import create_app
from server.duties import SWEEPERS
from server.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "operations.md", ROOT / "docs" / "threat-model.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_settings_and_files_exist(page: Path) -> None:
    text = page.read_text()
    commands = set(re.findall(r"\bflask ([a-z][a-z-]+)", text))
    assert commands <= set(create_app().cli.commands) | {"check"}
    settings = set(re.findall(rf"{PREFIX}[A-Z_]+[A-Z]", text))
    assert settings <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / target).exists(), target
    for path in re.findall(r"\btests/[\w/.]+", text):
        assert (ROOT / path).exists(), path
    for goal in re.findall(r"`make ([a-z-]+)`", text):
        assert re.search(rf"^{goal}:", (ROOT / "Makefile").read_text(), re.MULTILINE), goal


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_alerts_watch_metrics_that_exist(client: FlaskClient) -> None:
    client.get("/healthz")
    told = client.get("/metrics").text
    assert re.search(r'caiji_http_requests_total\{route="/healthz",status="200"\} [1-9]', told)
    text = PAGES[0].read_text()
    for name in set(re.findall(r"\bcaiji_(?!field)[a-z_]+", text)):
        assert f"# TYPE {re.sub('_(total|bucket)$', '', name)}" in told, name
    sweepers = {sweeper.name for group in SWEEPERS.values() for sweeper in group} | {"worker"}
    assert set(re.findall(r'name="(\w+)"', text)) <= sweepers
