"""What lies on the disk is its owner's alone, and nothing started here outlives its supervisor."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rig.processes import run_process
from benchmarks.rig.stack import wait_until
from server.at_rest import shut_out_others
from server.settings import load_settings


def list_open(folder: Path) -> list[str]:
    """Return what others may read, write or enter."""
    return [
        f"{path.relative_to(folder)} {stat.filemode(path.stat().st_mode)}"
        for path in [folder, *folder.rglob("*")]
        if path.stat().st_mode & 0o077 and not path.is_symlink()
    ]


def test_files_of_a_new_installation_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    before = os.umask(0)
    try:
        done = run_process(
            *("flask", "demo", "prepare"),
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "CAIJI_DEMO": "1",
                "CAIJI_DATA_DIR": str(folder),
            },
        )
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    assert (folder / "caiji.db").exists()
    assert [name for name in list_open(folder) if not name.startswith("sandbox")] == []


def test_files_of_an_old_installation_are_closed_at_the_start(
    base_settings: dict[str, Any], tmp_path: Path
) -> None:
    settings = load_settings(data_dir=tmp_path, **base_settings)
    database = tmp_path / "caiji.db"
    database.touch()
    tmp_path.chmod(0o755)
    database.chmod(0o644)
    before = os.umask(0o022)
    try:
        shut_out_others(settings)
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_command_on_the_leash_ends_with_its_supervisor(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os,time; open({str(pid_file)!r},'w').write(str(os.getpid())); time.sleep(60)"
    supervisor = (
        "import subprocess,sys; "
        f"subprocess.run([sys.executable,'-m','server.leash',sys.executable,'-c',{child!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", supervisor]) as process:
        wait_until(lambda: pid_file.exists() and pid_file.read_text(), 20, "the command runs")
        pid = int(pid_file.read_text())
        process.send_signal(signal.SIGKILL)
        process.wait()

    def has_ended() -> bool:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"

    wait_until(has_ended, 10, "the command ends")
