"""A wrong payment setting ends the start with one line that names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.rig.wechat_side import (
    PUBLIC_KEY_ID,
    WechatSide,
    make_certificate,
    make_key,
    private_pem,
    public_pem,
    write_key_files,
)
from server.gateways.clock import SystemClock
from server.gateways.pay_settings import (
    build_pay_gateway,
    check_pay_settings,
    notify_url,
    read_v3_keys,
    read_verify_keys,
)
from server.settings import Settings, SettingsInvalid


@pytest.fixture
def good(tmp_path: Path) -> dict[str, Any]:
    address = "https://college.example/pay/notify/v3"
    return write_key_files(tmp_path, WechatSide()) | {"pay_notify_url": address}


def test_good_settings_of_both_versions_are_accepted(good: dict[str, Any]) -> None:
    assert build_pay_gateway(Settings(**good), SystemClock()).version == "v3"
    v3_only = ("pay_v3_key", "pay_merchant_serial", "pay_merchant_key_file", "pay_verify_keys")
    v2 = {name: value for name, value in good.items() if name not in v3_only}
    made = build_pay_gateway(Settings(**v2, pay_version="v2"), SystemClock())
    assert made.version == "v2"
    v3 = good | {"pay_v2_key": ""}
    assert build_pay_gateway(Settings(**v3), SystemClock()).version == "v3"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wechat_app_id", ""),
        ("wechat_app_id", "wx app"),
        ("wechat_app_secret", " "),
        ("pay_mch_id", ""),
        ("pay_mch_id", "mch"),
        ("pay_v3_key", ""),
        ("pay_v3_key", "short"),
        ("pay_v3_key", "x" * 33),
        ("pay_v3_key", "x" * 32 + "," + "y" * 31),
        ("pay_merchant_serial", ""),
        ("pay_merchant_serial", "not hex"),
        ("pay_merchant_key_file", ""),
        ("pay_merchant_key_file", "/nowhere/key.pem"),
        ("pay_merchant_key_file", "{folder}/platform.pem"),
        ("pay_merchant_key_file", "{folder}/empty.pem"),
        ("pay_verify_keys", ""),
        ("pay_verify_keys", ","),
        ("pay_verify_keys", "{folder}/platform.pem"),
        ("pay_verify_keys", "PUB_KEY_ID_1=/nowhere.pem"),
        ("pay_verify_keys", "PUB_KEY_ID_1={folder}/empty.pem"),
        ("pay_verify_keys", "ABCDEF0123=/{folder}/platform.pem"),
        ("pay_verify_keys", "PUB_KEY_ID_1={folder}/weak.pem"),
        ("pay_notify_url", ""),
        ("pay_notify_url", "https://college.example/pay/notify/v3?x=1"),
    ],
)
def test_wrong_v3_setting_is_named(
    good: dict[str, Any], tmp_path: Path, name: str, value: str
) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    (tmp_path / "empty.pem").write_bytes(b"")
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - must be refused
    (tmp_path / "weak.pem").write_bytes(public_pem(weak))
    settings = Settings(**(good | {name: value.format(folder=tmp_path)}))
    with pytest.raises(SettingsInvalid) as error:
        check_pay_settings(settings)
    assert str(error.value).startswith(f"CAIJI_{name.upper()}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", ["", " ", "short", "ключ" * 8, "x" * 32 + ","])
def test_wrong_v2_key_is_named(good: dict[str, Any], value: str) -> None:
    with pytest.raises(SettingsInvalid, match="CAIJI_PAY_V2_KEY: "):
        check_pay_settings(Settings(**(good | {"pay_version": "v2", "pay_v2_key": value})))


def test_error_text_never_shows_a_key(good: dict[str, Any]) -> None:
    with pytest.raises(SettingsInvalid) as error:
        check_pay_settings(Settings(**(good | {"pay_v3_key": "almost-the-real-key-31-characte"})))
    assert "almost" not in str(error.value)


def test_old_and_new_keys_stand_side_by_side(good: dict[str, Any], tmp_path: Path) -> None:
    next_key = make_key("next")
    (tmp_path / "cert.pem").write_bytes(make_certificate(next_key, 0x7A7B7C7D7E7F))
    both = f"{good['pay_verify_keys']},7a7b7c7d7e7f={tmp_path / 'cert.pem'}"
    settings = Settings(**(good | {"pay_verify_keys": both, "pay_v3_key": "a" * 32 + ",b" * 1}))
    assert set(read_verify_keys(settings)) == {PUBLIC_KEY_ID, "7a7b7c7d7e7f"}
    rotating = Settings(**(good | {"pay_v3_key": "a" * 32 + "," + "b" * 32}))
    assert read_v3_keys(rotating) == [b"a" * 32, b"b" * 32]


def test_certificate_under_another_serial_is_refused(good: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_bytes(make_certificate(make_key("next"), 0x7A7B7C7D7E7F))
    settings = Settings(**(good | {"pay_verify_keys": f"7A7B7C7D7E70={tmp_path / 'cert.pem'}"}))
    with pytest.raises(SettingsInvalid, match="serial"):
        check_pay_settings(settings)


def test_notify_address_without_a_path_gets_the_usual_one(good: dict[str, Any]) -> None:
    for given in ("https://college.example", "https://college.example/"):
        settings = Settings(**(good | {"pay_notify_url": given}))
        assert notify_url(settings) == "https://college.example/pay/notify/v3"
    own = Settings(**(good | {"pay_notify_url": "https://c.example/prefix/pay/notify/v3"}))
    assert notify_url(own) == "https://c.example/prefix/pay/notify/v3"


def test_v2_certificate_is_refused_at_the_start_and_not_at_the_first_refund(
    good: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "half.pem").write_bytes(make_certificate(make_key("merchant"), 1))
    for path in (tmp_path / "half.pem", tmp_path / "platform.pem", tmp_path / "nowhere.pem"):
        values = good | {"pay_version": "v2", "pay_v2_cert_file": str(path)}
        with pytest.raises(SettingsInvalid, match="CAIJI_PAY_V2_CERT_FILE: "):
            check_pay_settings(Settings(**values))
    whole = make_certificate(make_key("merchant"), 1) + private_pem(make_key("merchant"))
    (tmp_path / "whole.pem").write_bytes(whole)
    values["pay_v2_cert_file"] = str(tmp_path / "whole.pem")
    check_pay_settings(Settings(**values))
