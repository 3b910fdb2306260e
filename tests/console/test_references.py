"""参考照片: brought as a zip, kept of those who agreed alone, compared, shown, and gone again."""

from __future__ import annotations

import dataclasses
import io
import uuid
import zipfile
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from models import BackgroundJob, Batch, Enrolment, FaceHint, FaceReference, FieldCipher, Photo
from server.context import Context
from server.services.faces import encode
from server.services.faces.encode import measure_due_faces
from server.services.faces.forget import drop_spent_faces
from server.services.faces.references import (
    FacesSwitchedOff,
    ReferenceBusy,
    place_of,
    receive_references,
    remove_spent_zips,
)
from server.services.faces.run_references import read_student_no, run_reference_import
from server.services.faces.switch import set_switch
from server.services.jobs import register_job, run_next_job
from server.services.upkeep.rotate_keys import rotate_keys
from tests.cast import STUDENTS
from tests.college import view_as
from tests.console.test_faces import Reader, assess, consent, count, put, turn_on
from tests.console.test_review import one_engine
from tests.desk import Desk, sign_in
from tests.fakes import FakeFitter

PICTURE = b"\xff\xd8\xff reference face "


@pytest.fixture(autouse=True)
def _fresh_memory() -> None:
    encode._memory.clear()
    register_job(
        "face_references", lambda ctx, job_id: run_reference_import(ctx, job_id, FakeFitter())
    )


def pack(files: dict[str, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    out.seek(0)
    return out


def number_of(place: int) -> str:
    return STUDENTS[place].student_no


def bring(demo: Context, files: dict[str, bytes]) -> dict[str, Any]:
    job_id = receive_references(demo, view_as(demo, "admin"), pack(files))
    assert run_next_job(demo)
    with demo.db.read() as session:
        job = session.get_one(BackgroundJob, job_id)
        assert job.state == "done", job.error
        return dict(job.result)


def upload(desk: Desk, files: dict[str, bytes], name: str = "a.zip") -> str:
    return desk.submit("/console/faces/references", zip=FileStorage(pack(files), name))


@one_engine
def test_photo_unlike_the_imported_reference_is_shown_beside_it(app: Flask, demo: Context) -> None:
    turn_on(demo)
    same, other = put(demo, 0, "1 near 0.0"), put(demo, 1, "2 near 0.0")
    admin = sign_in(app, "admin")
    where = upload(
        admin,
        {
            f"录取/{number_of(0)}.jpg": PICTURE + b"1 near 0.1",
            f"录取/{number_of(1)}.jpg": PICTURE + b"9 near 0.0",
        },
    )
    assert run_next_job(demo)
    assert "已保存 2 名学生" in admin.read(where).text
    reader = Reader()
    while measure_due_faces(demo, reader):
        pass
    assert reader.seen == 4
    assert "已保存 2 名学生的参考照片，其中 2 张已比对" in admin.read("/console/faces").text
    desk = sign_in(app, "reviewer")
    page = desk.get(f"/console/review/{other}").text
    assert "很不像" in page
    assert "参考照片" in page
    assert f"/console/photos/{other}/reference.jpg" in page
    assert desk.get(f"/console/photos/{other}/reference.jpg").data == PICTURE + b"9 near 0.0"
    assert "参考照片" not in desk.get(f"/console/review/{same}").text
    # without a hint there is no reason to look
    assert desk.get(f"/console/photos/{same}/reference.jpg").status_code == 404
    assert "很不像" in admin.read("/console/faces").text


@one_engine
def test_photo_that_comes_after_its_reference_is_compared_too(demo: Context) -> None:
    turn_on(demo)
    photo_id = put(demo, 0, "1 near 0.0")
    with demo.db.write() as session:
        photo = session.get_one(Photo, photo_id)
        key, photo.standard_key = photo.standard_key, None
    bring(demo, {f"{number_of(0)}.jpg": PICTURE + b"9 near 0.0"})
    assert measure_due_faces(demo, Reader()) == 1
    assert count(demo, FaceHint) == 0
    with demo.db.write() as session:
        session.get_one(Photo, photo_id).standard_key = key
    assert measure_due_faces(demo, Reader()) == 1
    assert count(demo, FaceHint) == 1


@one_engine
def test_what_cannot_be_kept_is_listed_with_its_reason(app: Flask, demo: Context) -> None:
    turn_on(demo)
    put(demo, 0, "1 near 0.0")
    put(demo, 2, "2 near 0.0")
    found = bring(
        demo,
        {
            f"{number_of(0)}.jpg": PICTURE + b"1 near 0.0",
            "99999999.jpg": PICTURE + b"1 near 0.0",
            f"a/{number_of(1)}.jpg": PICTURE + b"1 near 0.0",
            f"a/{number_of(2)}.jpg": b"%PDF",
            f"{number_of(3)}.jpg": PICTURE + b"1 near 0.0",
            f"{number_of(3)}_张.png": PICTURE + b"1 near 0.0",
        },
    )
    assert found["kept"] == count(demo, FaceReference) == 1
    assert found["faults"] == {"unknown": 1, "no_consent": 1, "no_picture": 1, "twice": 2}
    with demo.db.read() as session:
        job_id = session.scalars(select(BackgroundJob.id)).one()
    page = sign_in(app, "admin").read(f"/console/faces/references/{job_id}").text
    for words in ("没有这个学号", "同一个学号有几张照片", "不是照片", "没有同意"):
        assert words in page


@one_engine
@pytest.mark.parametrize("missing", ["switch", "assessment", "consent"])
def test_without_one_condition_no_reference_is_kept(demo: Context, missing: str) -> None:
    if missing != "switch":
        turn_on(demo)
    if missing == "assessment":
        assess(demo, covers=("photo",))
    put(demo, 0, "1 near 0.0", agrees=missing != "consent")
    before = sorted(demo.photo_store.list_keys())
    files = {f"{number_of(0)}.jpg": PICTURE + b"1 near 0.0"}
    if missing == "consent":
        assert bring(demo, files)["faults"] == {"no_consent": 1}
    else:
        with pytest.raises(FacesSwitchedOff):
            receive_references(demo, view_as(demo, "admin"), pack(files))
        assert count(demo, BackgroundJob) == 0
    assert count(demo, FaceReference) == 0
    remove_spent_zips(demo)
    assert sorted(demo.photo_store.list_keys()) == before, "the zip is gone once it was read"


@one_engine
@pytest.mark.parametrize("cause", ["switch", "assessment", "consent", "batch", "by hand"])
def test_references_end_with_their_reason(app: Flask, demo: Context, cause: str) -> None:
    turn_on(demo)
    photo_id = put(demo, 0, "1 near 0.0")
    bring(demo, {f"{number_of(0)}.jpg": PICTURE + b"9 near 0.0"})
    while measure_due_faces(demo, Reader()):
        pass
    assert (count(demo, FaceReference), count(demo, FaceHint)) == (1, 1)
    if cause == "switch":
        set_switch(demo, view_as(demo, "admin"), is_on=False)
    elif cause == "assessment":
        assess(demo, covers=("photo",))
    elif cause == "consent":
        consent(demo, photo_id, is_given=False)
    elif cause == "batch":
        with demo.db.write() as session:
            row = session.get_one(Enrolment, session.get_one(Photo, photo_id).enrolment_id)
            batch = session.scalars(select(Batch)).first()
            assert batch is not None
            batch.closed_at, row.batch_id = demo.now(), batch.id
    else:
        sign_in(app, "admin").submit("/console/faces/references/remove", confirmed="yes")
    answer = sign_in(app, "reviewer").get(f"/console/photos/{photo_id}/reference.jpg")
    assert answer.status_code == 404, "not shown, even before it is swept"
    drop_spent_faces(demo)
    assert (count(demo, FaceReference), count(demo, FaceHint)) == (0, 0)


@one_engine
def test_killed_import_goes_on_and_a_second_zip_replaces(demo: Context) -> None:
    turn_on(demo)
    for place in range(3):
        put(demo, place, f"{place} near 0.0")
    files = {f"{number_of(place)}.jpg": PICTURE + b"1 near 0.0" for place in range(3)}
    viewer = view_as(demo, "admin")
    job_id = receive_references(demo, viewer, pack(files))

    class Killed(FakeFitter):
        left = 2

        def fit_picture(self, data: bytes, *, longest_px: int) -> bytes | None:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return super().fit_picture(data, longest_px=longest_px)

    with pytest.raises(KeyboardInterrupt):
        run_reference_import(demo, job_id, Killed())
    assert count(demo, FaceReference) == 2
    with pytest.raises(ReferenceBusy):
        receive_references(demo, viewer, pack(files))
    first = Killed()
    first.left = 1
    run_reference_import(demo, job_id, first)  # would be killed at the second picture
    assert count(demo, FaceReference) == 3
    assert run_next_job(demo)
    assert bring(demo, {f"{number_of(0)}.jpg": PICTURE + b"5 near 0.0"})["kept"] == 1
    assert count(demo, FaceReference) == 3


@one_engine
def test_reference_is_sealed_with_the_key_of_faces_and_rotates_with_it(demo: Context) -> None:
    turn_on(demo)
    put(demo, 0, "1 near 0.0")
    picture = PICTURE + b"1 near 0.0"
    bring(demo, {f"{number_of(0)}.jpg": picture})
    while measure_due_faces(demo, Reader()):
        pass
    with demo.db.read() as session:
        row = session.scalars(select(FaceReference)).one()
        sealed = row.picture_sealed, row.face_sealed
    assert demo.face_cipher is not None
    assert all(picture not in each for each in sealed)
    with pytest.raises(Exception, match=r"no key|authentication"):
        demo.cipher.decrypt_bytes(sealed[0], place=b"")
    keys = demo.settings.parse_face_keys()
    both = FieldCipher({"new": b"n" * 32, **keys}, demo.settings.parse_index_key())
    rotate_keys(dataclasses.replace(demo, face_cipher=both), lambda *_: None)
    alone = FieldCipher({"new": b"n" * 32}, demo.settings.parse_index_key())
    with demo.db.read() as session:
        row = session.scalars(select(FaceReference)).one()
        opened = [
            alone.decrypt_bytes(getattr(row, column), place=place_of(column, row.enrolment_id))
            for column in ("picture_sealed", "face_sealed")
        ]
    assert opened[0] == picture
    assert len(opened[1]) == 512


@one_engine
def test_hostile_zip_is_refused_with_words(app: Flask, demo: Context) -> None:
    turn_on(demo)
    desk = sign_in(app, "admin")
    for file, words in (
        (FileStorage(pack({"../a.jpg": PICTURE}), "a.zip"), "以外的路径"),
        (FileStorage(io.BytesIO(b"Rar!"), "a.rar"), "打不开"),
        (FileStorage(io.BytesIO(b""), ""), "请选择"),
    ):
        answer = desk.post("/console/faces/references", zip=file)
        assert answer.status_code == 422
        assert words in answer.text
    assert count(demo, BackgroundJob) == 0


def test_file_name_gives_the_number() -> None:
    known = {"2020-01": uuid.uuid4(), "20200001": uuid.uuid4()}
    for name, number in {
        "20200001.jpg": "20200001",
        "２０２００００１.JPG": "20200001",
        "20200001张伟.jpg": "20200001",
        "20200001_张伟.jpeg": "20200001",
        "2020-01.jpg": "2020-01",
        "张伟.jpg": "张伟",
    }.items():
        assert read_student_no(name, known) == number
