from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.running import Sandbox, Shop, open_shop


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One simulated WeChat for all tests; its clock only moves forward, and nobody minds."""
    running = Sandbox(tmp_path_factory.mktemp("sandbox"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def own_gateway(tmp_path: Path) -> Iterator[Sandbox]:
    """A simulated WeChat of its own, for tests that kill it."""
    running = Sandbox(tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def keys(gateway: Sandbox) -> dict[str, Any]:
    found: dict[str, Any] = gateway.ask("keys")
    return found


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A v3 merchant's address that keeps what it gets."""
    with open_shop("v3") as opened:
        yield opened


@pytest.fixture
def v2_shop() -> Iterator[Shop]:
    with open_shop("v2") as opened:
        yield opened
