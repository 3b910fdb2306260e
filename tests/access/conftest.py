"""One busy college for all tests of this room: they send requests and compare answers."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from server.app import create_app
from server.demo import load_demo
from server.duties import register_jobs
from server.settings import load_settings
from server.wiring import build_context
from tests.busy import Busy, make_busy
from tests.desk import DEMO_PASSWORD
from tests.fakes import FakeLogin, make_clock


@pytest.fixture(scope="module")
def busy(
    base_settings: dict[str, Any], sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Busy]:
    folder = tmp_path_factory.mktemp("busy")
    shutil.copy(sqlite_template, folder / "caiji.db")
    settings = load_settings(data_dir=folder, **base_settings)
    ctx = dataclasses.replace(build_context(settings, make_clock()), login=FakeLogin())
    register_jobs()
    load_demo(ctx, DEMO_PASSWORD)
    app = create_app(ctx=ctx)
    app.testing = True
    yield make_busy(ctx, app)
    app.extensions["caiji_reads"].flush()  # its timer would open the pool again
    ctx.db.dispose()
