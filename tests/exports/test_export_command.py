"""``flask export`` as an operator runs it."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from models import Batch
from server.context import Context
from server.services.consent.publish import publish_notice, read_draft
from server.services.exports.receipts import list_receipts
from server.services.handover.missing import list_missing_results
from server.services.viewer import Viewer
from tests.chsi_codes import give_code
from tests.college import Collected
from tests.commands import run_flask

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_command_writes_a_private_whole_zip_and_never_over_another_file(
    demo: Context, batch: Batch, tmp_path: Path
) -> None:
    target = tmp_path / "out.zip"
    done = run_flask(
        demo, "export", batch.label, str(target), "--naming", "photo_number", "--use", "学籍卡"
    )
    assert done.returncode == 0, done.stderr
    assert "学籍卡 5 photos" in done.stdout
    assert "exporting" in done.stdout
    assert target.stat().st_mode & 0o777 == 0o600
    assert len(zipfile.ZipFile(target).namelist()) == 5 + 3
    again = run_flask(demo, "export", batch.label, str(target))
    assert (again.returncode, "exists already" in again.stderr) == (1, True)


def test_command_that_fails_leaves_no_file(
    demo: Context, batch: Batch, students: list[Collected], tmp_path: Path
) -> None:
    from server.gateways.photo_store import content_key, hash_bytes

    demo.photo_store.delete(content_key("standard", hash_bytes(students[1].photo), ".jpg"))
    target = tmp_path / "out.zip"
    done = run_flask(demo, "export", batch.label, str(target))
    assert done.returncode == 1
    assert students[1].student_no in done.stderr
    assert "Traceback" not in done.stderr
    empty = run_flask(demo, "export", "2027-05-10", str(target))
    assert (empty.returncode, "export_empty" in empty.stderr) == (1, True)
    unknown = run_flask(demo, "export", "2001-01-01", str(target))
    assert (unknown.returncode, "not_found" in unknown.stderr) == (1, True)
    assert [path.name for path in tmp_path.glob("out*")] == []


def test_handover_by_command_leaves_the_receipt_that_the_console_shows(
    demo: Context, admin: Viewer, batch: Batch, students: list[Collected], tmp_path: Path
) -> None:
    give_code(demo, students[0].id)
    target = tmp_path / "out.zip"
    command = ("export", batch.label, str(target), "--naming", "chsi_code")
    nameless = run_flask(demo, *command)
    assert (nameless.returncode, "receiver_missing" in nameless.stderr) == (1, True)
    done = run_flask(demo, *command, "--receiver", "华北图像采集中心", "--purpose", "学历注册")
    assert done.returncode == 0, done.stderr
    (view,) = list_receipts(demo, admin)
    assert view.receipt.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert (view.receipt.receiver, view.receipt.count) == ("华北图像采集中心", 1)
    assert view.receipt.size_bytes == target.stat().st_size
    assert str(view.receipt.id) in done.stdout
    assert "命令行" in view.staff
    (missing,) = list_missing_results(demo, admin, view.receipt.id)
    assert missing.id == students[0].id


def test_use_that_the_notice_does_not_name_is_refused_before_it_starts(
    demo: Context, batch: Batch, tmp_path: Path
) -> None:
    with demo.db.read() as session:
        parts = dataclasses.replace(read_draft(session, batch.institution_id), receivers=())
    publish_notice(demo, batch.institution_id, parts, version="2026-12")
    target = tmp_path / "out.zip"
    done = run_flask(
        demo, "export", batch.label, str(target), "--use", "学历注册", "--use", "学生证"
    )
    assert (done.returncode, "use_unnamed" in done.stderr, "学生证" in done.stderr) == (
        1,
        True,
        True,
    )
    assert not target.exists()
