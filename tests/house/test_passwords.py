"""What a staff password costs to try: pinned for production, cheap only where tests ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from server.security import passwords
from server.settings import Settings, SettingsInvalid, load_settings
from server.wiring import build_context
from tests.conftest import CHEAP_PASSWORDS_KIB


@pytest.fixture(autouse=True)
def cheap_again() -> Iterator[None]:
    yield
    passwords.set_cost(CHEAP_PASSWORDS_KIB)


def test_installation_that_sets_nothing_hashes_as_rfc_9106_says(
    base_settings: dict[str, Any], tmp_path: Any
) -> None:
    untouched = base_settings | {"data_dir": tmp_path}
    del untouched["password_memory_kib"]
    build_context(load_settings(**untouched)).db.dispose()
    assert passwords.hash_password("x").startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert Settings.model_fields["password_memory_kib"].default == 65_536


def test_hash_of_another_cost_still_verifies() -> None:
    passwords.set_cost(CHEAP_PASSWORDS_KIB)
    cheap = passwords.hash_password("right")
    passwords.set_cost(passwords.LEAST_MEMORY_KIB)
    assert "m=19456," in passwords.hash_password("right")
    assert passwords.is_password_right(cheap, "right")
    assert not passwords.is_password_right(cheap, "wrong")


def test_cheap_passwords_are_refused_outside_demo_mode(base_settings: dict[str, Any]) -> None:
    real = base_settings | {
        "demo": False,
        "public_url": "https://photo.example.edu.cn",
        "pay_notify_url": "https://photo.example.edu.cn/pay/notify/v3",
    }
    with pytest.raises(SettingsInvalid, match="PASSWORD_MEMORY_KIB: at least 19456"):
        load_settings(**real)
    assert load_settings(**real | {"password_memory_kib": 19_456}).demo is False
