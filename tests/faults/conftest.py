import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The comparison of the books comes after all that happened to them."""
    items.sort(key=lambda item: item.name.startswith("test_at_the_end"))
