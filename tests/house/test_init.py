"""``flask init`` and what ``flask`` finds by itself: nobody needs to know a variable's name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.processes import run_process
from server.cli.env_file import find_settings, read_env_file
from server.settings import Settings

BARE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
ROSTER = "学号,姓名,身份证号,学习中心\n20230001,张伟,110101199003070011,北京学习中心\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A fresh environment file, and what the command said."""
    folder = tmp_path_factory.mktemp("installation")
    path = folder / "caiji.env"
    arguments = ("init", "--file", str(path), "--data-dir", str(folder / "data"))
    done = run_process("flask", *arguments, env=BARE)
    assert done.returncode == 0, done.stderr
    return path, done.stdout


def test_init_writes_every_setting_with_fresh_keys_for_its_owner_only(
    installed: tuple[Path, str],
) -> None:
    path, _ = installed
    text = path.read_text()
    for name in set(Settings.model_fields) - {"demo", "failpoints"}:
        assert f"CAIJI_{name.upper()}=" in text
    values = read_env_file(path)
    assert len(values["CAIJI_SECRET_KEY"]) > 40
    assert values["CAIJI_DATA_DIR"] == str(path.with_name("data"))
    assert path.stat().st_mode & 0o777 == 0o600
    for name in ("web", "worker"):
        unit = path.with_name(f"caiji-{name}.service").read_text()
        assert f"EnvironmentFile={path}" in unit
        assert f"ReadWritePaths={path.with_name('data')}" in unit


def test_init_lists_everything_that_is_missing_at_once_and_never_overwrites(
    installed: tuple[Path, str],
) -> None:
    path, said = installed
    missing = ("PUBLIC_URL", "WECHAT_APP_ID", "WECHAT_APP_SECRET", "PAY_MCH_ID", "PAY_NOTIFY_URL")
    missing += ("PAY_V3_KEY", "PAY_MERCHANT_SERIAL", "PAY_MERCHANT_KEY_FILE", "PAY_VERIFY_KEYS")
    for name in missing:
        assert said.count(f"CAIJI_{name}: ") == 1
    before = path.read_text()
    again = run_process("flask", "init", "--file", str(path), env=BARE)
    assert "9 settings are missing or wrong" in again.stdout
    assert path.read_text() == before


def test_roster_is_imported_before_payment_is_complete(installed: tuple[Path, str]) -> None:
    path, _ = installed
    environment = BARE | read_env_file(path)
    roster = path.with_name("名单.csv")
    roster.write_text(ROSTER)
    for arguments in (
        ("db", "upgrade"),
        ("institution", "add", "某某大学"),
        ("roster", "import", str(roster), "--create-centres"),
        ("code", "add", "y0814v", "--fee-fen", "2000"),
        ("staff", "add", "chief", "--role", "admin"),
    ):
        done = run_process("flask", *arguments, env=environment)
        assert done.returncode == 0, (arguments, done.stderr)
    doctor = run_process("flask", "doctor", env=environment)
    assert "CAIJI_WECHAT_APP_ID: is empty" in doctor.stdout


def test_flask_finds_the_installation_first_and_the_demo_second(tmp_path: Path) -> None:
    installed, demo = tmp_path / "caiji.env", tmp_path / "demo"
    found: dict[str, str] = {}
    find_settings(found, installed, demo)
    assert found == {}
    demo.mkdir()
    (demo / "demo.env").touch()
    find_settings(found, installed, demo)
    assert found == {"CAIJI_DEMO": "1", "CAIJI_DATA_DIR": str(demo)}
    installed.write_text("CAIJI_FIELD_KEYS='k1=abc='\n")
    find_settings(found, installed, demo)
    assert "CAIJI_FIELD_KEYS" not in found
    found = {"PATH": "/bin"}
    find_settings(found, installed, demo)
    assert found == {"PATH": "/bin", "CAIJI_FIELD_KEYS": "k1=abc="}


def test_sandbox_keeps_its_keys_where_the_demo_keeps_its_data(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sandbox.__main__ import read_arguments

    monkeypatch.delenv("CAIJI_SANDBOX_DATA", raising=False)
    monkeypatch.setenv("CAIJI_DATA_DIR", "/elsewhere")
    assert read_arguments([]).data == Path("/elsewhere/sandbox")


def test_imagecheck_outside_the_environment_says_which_python_to_use() -> None:
    bare = [sys.executable, "-S", "-m", "imagecheck", "check", "photo.jpg"]
    done = subprocess.run(bare, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert ".venv/bin/python -m imagecheck" in done.stderr
    assert "Traceback" not in done.stderr
