"""The copy holds all rows of a person and nobody else's."""

from __future__ import annotations

import io
import json
import uuid
import zipfile
from collections.abc import Callable

from sqlalchemy import select

from models import BackgroundJob, Base, Enrolment, FaceHint, FaceHintKind, FaceReference, Staff
from server.context import Context
from server.services.faces.references import place_of
from server.services.rights.copy import LEFT_OUT
from tests.cast import JPEG, STUDENTS, Phone, assert_refused

Send = Callable[[Phone, str], str]


def take(phone: Phone) -> zipfile.ZipFile:
    answer = phone.call("GET", "/me/copy", buffered=True)
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "application/zip"
    assert "no-store" in answer.headers["Cache-Control"]
    return zipfile.ZipFile(io.BytesIO(answer.data))


def test_copy_holds_what_is_mine_and_nothing_of_any_other_student(
    alice: Phone, bob: Phone, demo: Context, send_photo: Send
) -> None:
    mine, theirs = alice.bound(0), bob.bound(1)
    send_photo(alice, mine)
    send_photo(bob, theirs)
    bob.call("POST", "/me/requests", json={"kind": "correction", "text": "鲍勃的申请"})
    alice.call("POST", "/me/requests", json={"kind": "correction", "text": "爱丽丝的申请"})
    archive = take(alice)
    everything = b"".join(archive.read(name) for name in archive.namelist())
    text = everything.decode(errors="replace")
    for student in STUDENTS[1:]:
        assert student.student_no not in text
        assert student.id_number not in text
        assert student.name == STUDENTS[0].name or f'"{student.name}"' not in text
    assert theirs not in text
    assert "鲍勃的申请" not in text
    assert JPEG + b"bob" not in everything
    assert STUDENTS[0].student_no in text
    assert STUDENTS[0].name in text
    assert "爱丽丝的申请" in text
    assert JPEG + b"alice" in everything
    assert STUDENTS[0].id_number not in text
    assert "openid" not in text


def test_copy_can_be_read_as_a_page_as_tables_and_by_programs(
    alice: Phone, send_photo: Send
) -> None:
    send_photo(alice, alice.bound(0))
    archive = take(alice)
    data = json.loads(archive.read("全部信息.json"))
    assert [row["student_no"] for row in data["enrolment"]] == [STUDENTS[0].student_no]
    assert data["consent_record"][0]["kind"] == "photo"
    assert len(data["photo"]) == 1
    assert data["status_change"]
    page = archive.read("请先看.html").decode()
    assert '<html lang="zh-CN">' in page
    assert "依法保留" in page
    assert "表格/学籍和采集情况.csv" in archive.namelist()
    assert sum(name.startswith("照片/") for name in archive.namelist()) == 2


def test_a_new_table_of_people_is_thought_of() -> None:
    """Rows of an enrolment or a photo are in the copy by themselves; those of a user are not."""
    of_users = {
        table.name
        for table in Base.metadata.sorted_tables
        if "user_id" in table.columns
        and not {"enrolment_id", "photo_id"} & set(table.columns.keys())
    }
    assert of_users == {"message_allowance", "api_token"}
    assert "api_token" in LEFT_OUT


def test_who_has_bound_nobody_gets_nothing(alice: Phone) -> None:
    assert_refused(alice.call("GET", "/me/copy"), 404, "nothing_bound")


def test_copy_holds_the_own_reference_and_never_what_comparing_said(
    alice: Phone, bob: Phone, demo: Context, send_photo: Send
) -> None:
    mine, theirs = alice.bound(0), bob.bound(1)
    ids = [uuid.UUID(send_photo(alice, mine)), uuid.UUID(send_photo(bob, theirs))]
    assert demo.face_cipher is not None
    with demo.db.write() as session:
        owner = session.get_one(Enrolment, uuid.UUID(mine))
        job = BackgroundJob(
            institution_id=owner.institution_id,
            kind="face_references",
            started_by=session.scalars(select(Staff.id)).first(),
            created_at=demo.now(),
        )
        session.add(job)
        session.flush()
        place = place_of("picture_sealed", owner.id)
        session.add_all(
            [
                FaceReference(
                    enrolment_id=owner.id,
                    institution_id=owner.institution_id,
                    job_id=job.id,
                    picture_sealed=demo.face_cipher.encrypt(JPEG + b"reference", place=place),
                    face_sealed=b"",
                    imported_at=demo.now(),
                ),
                FaceHint(
                    institution_id=owner.institution_id,
                    photo_id=ids[0],
                    other_photo_id=ids[1],
                    kind=FaceHintKind.OTHER_STUDENT,
                    step=3,
                    found_at=demo.now(),
                ),
            ]
        )
    archive = take(alice)
    assert archive.read("照片/参考照片-1.jpg") == JPEG + b"reference"
    text = b"".join(archive.read(name) for name in archive.namelist()).decode(errors="replace")
    assert "other_student" not in text
    assert str(ids[1]) not in text
