"""Every day and moment of a command has a year that this service can meet."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from server.cli import create_app
from server.cli.moments import DAY, LastMoment, LocalMoment


def list_parameters(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from list_parameters(inner)


def test_moments_of_all_commands_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAIJI_DEMO", "1")  # or the settings of a demo that runs here are found
    parameters = list_parameters(create_app().cli)
    moments = [each for each in parameters if isinstance(each.type, click.DateTime)]
    assert len(moments) >= 7
    assert [each.name for each in moments if not isinstance(each.type, LocalMoment)] == []


@pytest.mark.parametrize("kind", [DAY, LocalMoment(), LastMoment()])
@pytest.mark.parametrize("text", ["0001-01-01", "9999-12-31"])
def test_year_far_away_is_bad_usage(kind: click.DateTime, text: str) -> None:
    with pytest.raises(click.BadParameter, match="not within 2000 to 2100"):
        kind.convert(text, None, None)
