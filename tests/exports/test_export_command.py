"""``flask export`` as an operator runs it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from models import Batch
from server.context import Context
from tests.college import Collected

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def run_flask(ctx: Context, *arguments: str) -> subprocess.CompletedProcess[str]:
    values = ctx.settings.model_dump(mode="json")
    environment = {f"CAIJI_{name.upper()}": str(value) for name, value in values.items()}
    environment |= {"CAIJI_DEMO": "1", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", "flask", "export", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_command_writes_a_private_whole_zip_and_never_over_another_file(
    demo: Context, batch: Batch, tmp_path: Path
) -> None:
    target = tmp_path / "out.zip"
    done = run_flask(
        demo, batch.label, str(target), "--naming", "collection_code", "--use", "学籍卡"
    )
    assert done.returncode == 0, done.stderr
    assert "学籍卡 5 photos" in done.stdout
    assert "exporting" in done.stdout
    assert target.stat().st_mode & 0o777 == 0o600
    assert len(zipfile.ZipFile(target).namelist()) == 5 + 3
    again = run_flask(demo, batch.label, str(target))
    assert (again.returncode, "exists already" in again.stderr) == (1, True)


def test_command_that_fails_leaves_no_file(
    demo: Context, batch: Batch, students: list[Collected], tmp_path: Path
) -> None:
    from server.gateways.photo_store import content_key, hash_bytes

    demo.photo_store.delete(content_key("standard", hash_bytes(students[1].photo), ".jpg"))
    target = tmp_path / "out.zip"
    done = run_flask(demo, batch.label, str(target))
    assert done.returncode == 1
    assert students[1].student_no in done.stderr
    assert "Traceback" not in done.stderr
    empty = run_flask(demo, "2027-05-10", str(target))
    assert (empty.returncode, "export_empty" in empty.stderr) == (1, True)
    unknown = run_flask(demo, "2001-01-01", str(target))
    assert (unknown.returncode, "not_found" in unknown.stderr) == (1, True)
    assert [path.name for path in tmp_path.glob("out*")] == []
