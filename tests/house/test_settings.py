from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rig.processes import run_process
from server.settings import SettingsInvalid, load_settings
from server.wiring import build_context, verify_context
from tests.backends import S3_CREDENTIALS, run_s3

REAL = {
    "password_memory_kib": 19_456,
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


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with run_s3("photos") as endpoint:
        yield endpoint


def verify(settings: dict[str, Any], *, is_migrated: bool = True) -> str:
    """Do what web and worker do at their start; returns the line of the refusal."""
    with pytest.raises(SettingsInvalid) as caught:  # noqa: PT012 - which of the three refuses is open
        ctx = build_context(load_settings(**settings))
        if is_migrated:
            ctx.db.migrate()
        verify_context(ctx)
    assert "\n" not in str(caught.value)
    return str(caught.value)


NOBODY = "127.0.0.1:9"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("database_url", f"postgresql+psycopg://me:secret@{NOBODY}/x", "cannot be opened"),
        ("queue_url", f"redis://:secret@{NOBODY}/0", "cannot be reached"),
        ("queue_url", f"postgresql://me:secret@{NOBODY}/x", "cannot be reached"),
        ("queue_url", "sqlite:////proc/nowhere/queue.db", "cannot be reached"),
        ("rate_limit_url", f"redis://:secret@{NOBODY}/1", "cannot be reached"),
        ("photo_store", f"s3://photos?endpoint=http://{NOBODY}", "cannot be written"),
        ("photo_store", "/proc/photos", "cannot be written"),
    ],
)
def test_part_that_cannot_be_reached_is_named_without_its_password(
    base_settings: dict[str, Any], tmp_path: Path, name: str, value: str, line: str
) -> None:
    is_migrated = name != "database_url"
    said = verify({**base_settings, "data_dir": tmp_path, name: value}, is_migrated=is_migrated)
    assert said.startswith(f"CAIJI_{name.upper()}: ")
    assert line in said
    assert "secret" not in said


def test_bucket_that_is_missing_is_named(
    base_settings: dict[str, Any], tmp_path: Path, s3: str
) -> None:
    store = f"s3://nowhere/college?endpoint={s3}"
    said = verify({**base_settings, "data_dir": tmp_path, "photo_store": store})
    assert said == "CAIJI_PHOTO_STORE: nowhere/college cannot be written"


def test_schema_that_is_behind_is_refused(base_settings: dict[str, Any], tmp_path: Path) -> None:
    said = verify({**base_settings, "data_dir": tmp_path}, is_migrated=False)
    assert "flask db upgrade" in said


def test_memory_limits_with_several_web_processes_are_refused(
    base_settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    assert "CAIJI_RATE_LIMIT_URL" in verify({**base_settings, "data_dir": tmp_path})


@pytest.mark.parametrize("command", [["gunicorn", "wsgi:app"], ["server.worker"]])
def test_process_with_an_empty_key_ends_within_seconds(command: list[str], tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "CAIJI_DATA_DIR": str(tmp_path),
        "CAIJI_SECRET_KEY": "x" * 40,
        "PORT": "0",
    }
    done = run_process(*command, env=environment)
    assert done.returncode != 0
    assert "caiji: CAIJI_FIELD_KEYS: is empty" in done.stderr
    assert "Traceback" not in done.stderr
