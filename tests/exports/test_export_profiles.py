"""Exports by photo profile: their own files, what is missing, one centre, what is new."""

from __future__ import annotations

import datetime as dt
import hashlib
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import select, update

from imagecheck.profiles.shipped import SHIPPED
from models import BackgroundJob, Batch, CutState, Enrolment, LearningCentre, Photo, ProfilePhoto
from server.context import Context
from server.demo import INSTITUTION
from server.gateways.clock import to_local
from server.gateways.photo_store import content_key, hash_bytes
from server.services.exports.left_out import ExportEmpty
from server.services.exports.manage import request_export, view_export
from server.services.exports.scope import ExportMalformed, PicturesWaiting, list_uses
from server.services.profiles.catalogue import switch_profile
from server.services.viewer import Viewer
from tests.college import Collected, collect, make_students
from tests.commands import run_flask
from tests.exports.test_archive import Ask, read_manifest, run, take

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FOLDER = "大学英语四_六级_cet"


def cut(
    ctx: Context, students: list[Collected], *, key: str = "cet", refused: tuple[int, ...] = ()
) -> dict[str, bytes]:
    """Let the pictures of a profile be there; returns each student's file."""
    files = {}
    with ctx.db.write() as session:
        for place, student in enumerate(students):
            row = session.get_one(Enrolment, student.id)
            data = f"{key} of {student.student_no}".encode()
            cut_row = ProfilePhoto(
                photo_id=row.photo_id,
                profile_key=key,
                profile=SHIPPED[key].to_json(),
                requested_at=ctx.now(),
                ended_at=ctx.now(),
            )
            if place in refused:
                cut_row.state = CutState.REFUSED
                cut_row.report = {"findings": [{"message": "原图不够大。"}]}
            else:
                cut_row.state, cut_row.sha256 = CutState.MADE, hash_bytes(data)
                cut_row.file_key = content_key("profiles", hash_bytes(data), ".jpg")
                ctx.photo_store.put(cut_row.file_key, data)
                files[student.student_no] = data
            session.add(cut_row)
    return files


@pytest.fixture
def with_cet(demo: Context, admin: Viewer) -> None:
    switch_profile(demo, admin, "cet", is_on=True)


@pytest.mark.engines
@pytest.mark.usefixtures("with_cet")
def test_profile_exports_its_own_files_and_says_who_is_missing(
    demo: Context, admin: Viewer, ask: Ask, students: list[Collected]
) -> None:
    files = cut(demo, students, refused=(2,))
    job_id = ask("student_no", "registration", "profile:cet")
    archive = take(demo, admin, job_id)
    assert len([name for name in archive.namelist() if name.startswith("学历注册/")]) == 5 + 2
    rows = read_manifest(archive, FOLDER)
    assert [row["学号"] for row in rows] == sorted(files)
    for row in rows:
        data = archive.read(f"{FOLDER}/{row['文件']}")
        assert data == files[row["学号"]]
        assert row["SHA-256"] == hashlib.sha256(data).hexdigest()
        assert (row["规格"], row["背景"]) == ("cet", "原样")
        # CET wants files by ID number, whatever the rest of the export is named by
        assert row["文件"] == f"{row['身份证号']}.jpg"
    with demo.db.read() as session:
        sources = set(session.scalars(select(Photo.sha256)))
    assert {row["原图 SHA-256"] for row in rows} <= sources
    missing = archive.read(f"{FOLDER}/缺少.csv").decode("utf-8-sig")
    assert missing.splitlines()[1:] == [f"{students[2].student_no},原图不够大。"]
    assert view_export(demo, admin, job_id).missing == {"profile:cet": 1}


@one_engine
@pytest.mark.usefixtures("with_cet")
def test_providers_get_profiles_without_any_person(
    demo: Context, admin: Viewer, ask: Ask, students: list[Collected]
) -> None:
    cut(demo, students, refused=(0,))
    archive = take(demo, admin, ask("photo_number", "profile:cet"))
    text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".csv"))
    text += "".join(archive.namelist()).encode()
    for student in students:
        for word in (student.student_no, student.name, student.id_number):
            assert word.encode() not in text


@one_engine
@pytest.mark.usefixtures("with_cet")
def test_export_waits_for_pictures_that_are_being_made(
    demo: Context, ask: Ask, batch: Batch, students: list[Collected], tmp_path: Path
) -> None:
    cut(demo, students)
    with demo.db.write() as session:
        waiting = session.scalars(select(ProfilePhoto.id)).first()
        session.execute(
            update(ProfilePhoto)
            .where(ProfilePhoto.id == waiting)
            .values(state=CutState.WAITING, ended_at=None)
        )
    with pytest.raises(PicturesWaiting, match="还有 1 张"):
        ask("student_no", "profile:cet")
    ask("student_no", "registration")
    command = ("export", batch.label, str(tmp_path / "out.zip"), "--use", "cet")
    done = run_flask(demo, *command)
    assert (done.returncode, "pictures_waiting" in done.stderr) == (1, True)


@one_engine
def test_only_what_is_switched_on_can_be_chosen(
    demo: Context, admin: Viewer, ask: Ask, batch: Batch
) -> None:
    assert batch.label
    with pytest.raises(ExportMalformed):
        ask("student_no", "profile:cet")
    switch_profile(demo, admin, "cet", is_on=True)
    assert [use.value for use in list_uses(demo, admin)][-1] == "profile:cet"


@one_engine
def test_since_the_last_export_holds_what_came_later(
    demo: Context, admin: Viewer, batch: Batch, ask: Ask
) -> None:
    def ask_for_new() -> BackgroundJob:
        job_id = request_export(
            demo,
            admin,
            batch=batch.label,
            naming="student_no",
            uses=["registration"],
            is_since_last=True,
        )
        return run(demo, job_id)

    assert ask_for_new().result["counts"] == {"registration": 5}, "there was none before"
    demo.clock.at += dt.timedelta(hours=1)  # type: ignore[attr-defined]
    collect(demo, INSTITUTION, make_students(2, first=40000001))
    demo.clock.at += dt.timedelta(hours=1)  # type: ignore[attr-defined]
    job = ask_for_new()
    assert job.result["counts"] == {"registration": 2}
    assert run(demo, ask()).result["counts"] == {"registration": 7}, "the whole batch as ever"


@one_engine
def test_export_of_one_centre_holds_its_students_alone(
    demo: Context, admin: Viewer, batch: Batch, students: list[Collected]
) -> None:
    with demo.db.write() as session:
        other = session.scalars(
            select(LearningCentre).where(LearningCentre.name == "直属学习中心")
        ).one()
        session.get_one(Enrolment, students[0].id).centre_id = other.id
        centre_id = str(other.id)
    options = {"batch": batch.label, "naming": "student_no", "uses": ["registration"]}
    job_id = request_export(demo, admin, **options, centre=centre_id)  # type: ignore[arg-type]
    rows = read_manifest(take(demo, admin, job_id))
    assert [row["学号"] for row in rows] == [students[0].student_no]
    with pytest.raises(ExportMalformed):
        request_export(demo, admin, **options, centre="nobody")  # type: ignore[arg-type]


@one_engine
@pytest.mark.usefixtures("with_cet")
def test_command_exports_a_profile(
    demo: Context, batch: Batch, students: list[Collected], tmp_path: Path
) -> None:
    cut(demo, students)
    target = tmp_path / "out.zip"
    done = run_flask(demo, "export", batch.label, str(target), "--use", "cet")
    assert done.returncode == 0, done.stderr
    assert len([n for n in zipfile.ZipFile(target).namelist() if n.endswith(".jpg")]) == 5
    wrong = run_flask(demo, "export", batch.label, str(tmp_path / "b.zip"), "--use", "ntce")
    assert (wrong.returncode, "no use ntce" in wrong.stderr) == (2, True)


@one_engine
def test_command_exports_one_centre_and_what_came_later(
    demo: Context, batch: Batch, students: list[Collected], tmp_path: Path
) -> None:
    with demo.db.write() as session:
        row = session.get_one(Enrolment, students[0].id)
        row.collected_at = demo.now() + dt.timedelta(hours=1)
        centre = session.scalars(
            select(LearningCentre).where(LearningCentre.id != row.centre_id)
        ).first()
        assert centre is not None
        row.centre_id = centre.id
    later = to_local(demo.now() + dt.timedelta(minutes=30))
    for name, options in {
        "centre": ("--centre", centre.name),
        "later": ("--since", f"{later:%Y-%m-%d %H:%M:%S}"),
    }.items():
        target = tmp_path / f"{name}.zip"
        done = run_flask(demo, "export", batch.label, str(target), *options)
        assert done.returncode == 0, done.stderr
        rows = read_manifest(zipfile.ZipFile(target))
        assert [row["学号"] for row in rows] == [students[0].student_no]
        assert "--since" in done.stdout, "says how to go on from here"
    nobody = run_flask(demo, "export", batch.label, str(target), "--centre", "没有这个")
    assert (nobody.returncode, "没有这个" in nobody.stderr) == (2, True)


@one_engine
def test_export_without_anything_new_says_so(
    demo: Context, admin: Viewer, batch: Batch, students: list[Collected], ask: Ask
) -> None:
    run(demo, ask())
    demo.clock.at += dt.timedelta(hours=1)  # type: ignore[attr-defined]
    options = {"batch": batch.label, "naming": "student_no", "uses": ["registration"]}
    with pytest.raises(ExportEmpty, match="上次导出以后没有新的照片"):
        request_export(demo, admin, **options, is_since_last=True)  # type: ignore[arg-type]
