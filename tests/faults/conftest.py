from __future__ import annotations

from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The comparison of the books comes after all that happened to them, and to them alone.

    Another file's tests in between would end the installation whose books are compared.
    """
    begin: dict[Path, int] = {}
    for at, item in enumerate(items):
        begin.setdefault(item.path, at)
    items.sort(key=lambda item: (begin[item.path], item.name.startswith("test_at_the_end")))
