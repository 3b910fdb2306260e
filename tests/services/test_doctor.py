"""`flask doctor` looks at each part by itself: one that is away does not hide the others."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from models import Heartbeat
from server.context import Context
from server.doctor import Finding, examine
from server.gateways.clock import SystemClock
from server.gateways.photo_store import FolderPhotoStore
from server.gateways.queue import WorkQueue

OURS = (
    "database",
    "database role",
    "photo store",
    "work queue",
    "face models",
    "rate limits",
    "worker",
)
AWAY = ["photo store", "work queue", "rate limits", "worker"]


def examine_ours(ctx: Context) -> dict[str, Finding]:
    found = {}
    for finding in examine(ctx):
        if finding.name not in OURS:
            break
        found[finding.name] = finding
    return found


@pytest.fixture
def today(demo: Context) -> Context:
    """The demo college with the real clock, which is also the database's."""
    return dataclasses.replace(demo, clock=SystemClock())


def test_sound_installation(today: Context) -> None:
    with today.db.write() as session:
        session.add(Heartbeat(name="worker", at=today.now()))
    found = examine_ours(today)
    assert tuple(found) == OURS
    assert [finding for finding in found.values() if not finding.is_ok] == []
    assert "durable write" in found["database"].detail
    assert "MB free" in found["photo store"].detail


def test_each_part_that_is_away_is_named(today: Context, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    broken = dataclasses.replace(
        today,
        photo_store=FolderPhotoStore(tmp_path / "file" / "photos"),
        queue=WorkQueue("redis://127.0.0.1:9/0"),
        settings=today.settings.model_copy(update={"rate_limit_url": "redis://127.0.0.1:9/1"}),
    )
    found = examine_ours(broken)
    assert [name for name, finding in found.items() if not finding.is_ok] == AWAY
    assert found["worker"].detail == "silent: no worker ever ran"


def test_nearly_full_disk_is_told_before_uploads_stop(today: Context) -> None:
    settings = today.settings.model_copy(update={"min_free_mb": 10**9})
    found = examine_ours(dataclasses.replace(today, settings=settings))
    assert "uploads stop below" in found["photo store"].detail
    assert not found["photo store"].is_ok


@pytest.mark.engines
def test_clock_that_differs_from_the_database_is_told(demo: Context) -> None:
    finding = examine_ours(demo)["database"]
    assert finding.is_ok == demo.db.is_sqlite, "SQLite has no clock of its own"
