from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.rig.stack import Stack, run_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running installation for all tests that break nothing."""
    with run_stack(tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[Stack]:
    """An installation of its own, for tests that kill processes."""
    with run_stack(tmp_path) as running:
        yield running
