import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from server.settings import SettingsInvalid, load_settings
from server.wiring import build_context, verify_context

ROOT = Path(__file__).parents[2]
REAL = {
    "demo": False,
    "wechat_app_id": "wx0000000000000001",
    "public_url": "https://photo.example.edu.cn",
    "pay_notify_url": "https://photo.example.edu.cn/pay/notify/v3",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_key", ""),
        ("field_keys", ""),
        ("field_keys", "k1=notbase64!"),
        ("field_keys", f"k1={base64.b64encode(b'short').decode()}"),
        ("index_key", ""),
        ("public_url", ""),
        ("public_url", "http://photo.example.edu.cn"),
        ("pay_notify_url", "http://photo.example.edu.cn/pay/notify/v3"),
        ("pay_api_url", "http://photo.example.edu.cn"),
        ("database_url", "mysql://x"),
        ("queue_url", "amqp://x"),
        ("rate_limit_url", "nonsense"),
        ("pay_v3_key", ""),
        ("pay_v3_key", "short"),
        ("pay_mch_id", ""),
        ("pay_merchant_serial", ""),
        ("pay_merchant_key_file", "/nowhere.pem"),
        ("pay_verify_keys", ""),
        ("wechat_app_secret", ""),
        ("wechat_app_id", "wxsandbox00000001"),
        ("failpoints", "settle_begin"),
    ],
)
def test_wrong_setting_ends_the_start_with_one_line_that_names_it(
    base_settings: dict[str, Any], tmp_path: Path, name: str, value: str
) -> None:
    values = {**base_settings, **REAL, "data_dir": tmp_path, name: value}
    with pytest.raises(SettingsInvalid) as caught:
        build_context(load_settings(**values))
    line = str(caught.value)
    assert line.startswith(f"CAIJI_{name.upper()}: ")
    assert "\n" not in line


def test_right_settings_of_a_real_installation_pass(
    base_settings: dict[str, Any], tmp_path: Path
) -> None:
    ctx = build_context(load_settings(**{**base_settings, **REAL, "data_dir": tmp_path}))
    ctx.db.migrate()
    verify_context(ctx)
    ctx.db.dispose()


def test_schema_that_is_behind_is_refused(base_settings: dict[str, Any], tmp_path: Path) -> None:
    ctx = build_context(load_settings(data_dir=tmp_path, **base_settings))
    with pytest.raises(SettingsInvalid, match="flask db upgrade"):
        verify_context(ctx)
    ctx.db.dispose()


def test_memory_limits_with_several_web_processes_are_refused(
    base_settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    ctx = build_context(load_settings(data_dir=tmp_path, **base_settings))
    ctx.db.migrate()
    with pytest.raises(SettingsInvalid, match="CAIJI_RATE_LIMIT_URL"):
        verify_context(ctx)
    ctx.db.dispose()


@pytest.mark.parametrize("command", [["-m", "gunicorn", "wsgi:app"], ["-m", "server.worker"]])
def test_process_with_an_empty_key_ends_within_seconds(command: list[str], tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "CAIJI_DATA_DIR": str(tmp_path),
        "CAIJI_SECRET_KEY": "x" * 40,
        "PORT": "0",
    }
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    assert "caiji: CAIJI_FIELD_KEYS: is empty" in done.stderr
    assert "Traceback" not in done.stderr
