"""compose.yaml keeps its promises: nobody is root, nothing is writable, no secret is inside."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.console.large_bodies import MAX_ZIP_BYTES
from server.settings import PREFIX, Settings
from server.sizes import MAX_BODY_BYTES, MAX_PHOTO_BYTES, MAX_ROSTER_BYTES

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"migrate", "bucket", "s3-owner"}


def test_every_part_of_the_distributed_mode_is_there() -> None:
    assert {"nginx", "web", "worker", "migrate", "postgres", "redis", "s3"} <= SERVICES.keys()
    assert SERVICES["web"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("name", SERVICES)
def test_container_is_confined(name: str) -> None:
    service = SERVICES[name]
    is_root = service["user"].split(":")[0] == "0"
    assert not is_root or name == "s3-owner", "only the job that hands over a volume is root"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory", "pids"}
    assert re.search(r":[\w.-]+$", service["image"])
    assert not service["image"].endswith(":latest")
    if name in ONCE:
        assert service["restart"] == "no"
    else:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
    if "ports" in service:
        assert name == "nginx"


def test_only_the_migration_knows_who_owns_the_database() -> None:
    owners = {"caiji_database_owner_url", "postgres_password"}
    knowing = {
        name for name, service in SERVICES.items() if owners & set(service.get("secrets", []))
    }
    assert knowing == {"migrate", "postgres"}
    assert "--create-role" in SERVICES["migrate"]["command"]
    assert set(SERVICES["web"]["secrets"]) < set(SERVICES["migrate"]["secrets"])


def test_secrets_of_one_role_become_those_of_two(tmp_path: Path) -> None:
    script = tmp_path / "create_secrets.py"
    shutil.copy(ROOT / "deploy" / "create_secrets.py", script)
    folder = tmp_path / "secrets"
    folder.mkdir()
    former = "postgresql+psycopg://caiji:former@postgres:5432/caiji"
    (folder / "caiji_database_url").write_text(former)
    (folder / "caiji_field_keys").write_text("k1=kept")
    for _ in range(2):
        subprocess.run([sys.executable, script], capture_output=True, check=True)
        assert (folder / "caiji_database_owner_url").read_text() == former
        assert "://caiji_service:" in (folder / "caiji_database_url").read_text()
        assert (folder / "caiji_field_keys").read_text() == "k1=kept"


def test_no_secret_is_written_down_and_each_is_known() -> None:
    text = (ROOT / "compose.yaml").read_text()
    assert not re.search(
        r"(?i)(password|secret|key): +[\"']?[A-Za-z0-9+/=]{12,}[\"']?$", text, re.MULTILINE
    )
    for service in SERVICES.values():
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (ROOT / source).exists()
    for each in COMPOSE["secrets"].values():
        assert each["file"].startswith("deploy/secrets/")
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text().split()


def test_settings_of_the_containers_exist() -> None:
    names = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for service in ("web", "worker", "migrate"):
        used = {name for name in SERVICES[service]["environment"] if name.startswith(PREFIX)}
        assert used <= names
    secrets = {name.upper() for name in COMPOSE["secrets"] if name.startswith(PREFIX.lower())}
    assert secrets <= names


def test_nginx_lets_a_whole_photo_through_and_hides_what_is_the_operators() -> None:
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    limit = re.search(r"client_max_body_size (\d+)m;", text)
    assert limit
    assert MAX_PHOTO_BYTES < int(limit[1]) * 1024 * 1024 <= 2 * MAX_PHOTO_BYTES
    roster = re.search(r"location = /console/roster \{\s*client_max_body_size (\d+)m;", text)
    assert roster
    assert MAX_ROSTER_BYTES < int(roster[1]) * 1024 * 1024 <= MAX_BODY_BYTES
    zips = re.search(r"location ~ \^/console/\((.*?)\)\$ \{\s*client_max_body_size (\d+)m;", text)
    assert zips
    assert set(zips[1].split("|")) == {"onsite/folder", "faces/references"}
    assert int(zips[2]) * 1024 * 1024 > MAX_ZIP_BYTES
    assert "X-Forwarded-For $remote_addr;" in text
    assert SERVICES["web"]["environment"]["CAIJI_TRUSTED_PROXIES"] == "1"
    assert "metrics" in text
    assert "server web:8000 resolve;" in text, "a new web container has another address"
    assert "error_page 502 503 504 =503 @away;" in text
    assert text.count("{") == text.count("}")


def test_containers_may_read_every_secret_whatever_the_umask(tmp_path: Path) -> None:
    script = tmp_path / "create_secrets.py"
    shutil.copy(ROOT / "deploy" / "create_secrets.py", script)
    run = ["sh", "-c", f"umask 077 && exec {sys.executable} {script}"]
    subprocess.run(run, capture_output=True, check=True)
    folder = tmp_path / "secrets"
    (folder / "merchant_key").write_text("given by hand")
    (folder / "merchant_key").chmod(0o600)
    subprocess.run(run, capture_output=True, check=True)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o644}


def test_secret_that_cannot_be_read_ends_the_start_with_one_line() -> None:
    # root reads everything: the child becomes somebody else, who does not see pytest's folder
    code = (
        "import os; from server.settings import SettingsInvalid, load_settings\n"
        "os.getuid() or os.setuid(65534)\n"
        "try: load_settings()\n"
        "except SettingsInvalid as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        secret = Path(folder) / "caiji_secret_key"
        secret.touch(mode=0)
        told = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "CAIJI_SECRETS_DIR": folder},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert told == f"CAIJI_SECRET_KEY: {secret} may not be read by this user\n"


def test_secrets_are_made_once_and_read_as_settings(tmp_path: Path) -> None:
    script = tmp_path / "create_secrets.py"
    shutil.copy(ROOT / "deploy" / "create_secrets.py", script)
    run = [sys.executable, str(script)]
    first = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert "missing caiji_pay_v3_key" in first
    folder = tmp_path / "secrets"
    made = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run(run, capture_output=True, check=True)
    assert made == {path.name: path.read_text() for path in folder.iterdir()}
    code = (
        "from server.settings import Settings; s = Settings(); "
        "print(len(s.parse_field_keys()), len(s.parse_index_key()), s.database_url)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "CAIJI_SECRETS_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith("1 32 postgresql+psycopg://caiji_service:")
