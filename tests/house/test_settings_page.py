"""The operators' page names every setting, with a meaning, as the code declares it."""

from __future__ import annotations

from pathlib import Path

from server.cli.settings import describe_settings
from server.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_page_is_what_the_command_prints() -> None:
    assert PAGE.read_text() == describe_settings() + "\n", "write it anew: flask settings"


def test_every_setting_has_a_meaning() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert silent == []
