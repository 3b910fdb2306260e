"""人脸比对: three conditions, a hint with both pictures, and no trace where one is missing."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import func, select, text

from models import (
    Batch,
    CollectionStatus,
    Enrolment,
    FaceEncoding,
    FaceHint,
    ImpactAssessment,
    Photo,
    PhotoState,
    Staff,
)
from server.context import Context
from server.demo import INSTITUTION
from server.gateways.photo_store import content_key, hash_bytes
from server.services.collection import lock_enrolment
from server.services.compliance.assessments import AssessmentMissing
from server.services.consent.decide import Decider, record_consent
from server.services.faces import encode
from server.services.faces.encode import measure_due_faces
from server.services.faces.forget import drop_spent_faces
from server.services.faces.limits import find_weakest_shown
from server.services.faces.read_face import place_of_encoding
from server.services.faces.search import pack_encoding, unpack_encoding
from server.services.faces.switch import set_switch
from tests.college import collect, make_students, view_as
from tests.console.test_review import one_engine, put_in_queue
from tests.desk import sign_in

pytestmark = pytest.mark.usefixtures("_fresh_memory")


@pytest.fixture
def _fresh_memory() -> None:
    encode._memory.clear()


class Reader:
    """Measures what the bytes of a test photo say: ``face 3 near 0.2`` lies 0.2 from face 3."""

    def __init__(self) -> None:
        self.seen = 0

    def encode_face(self, data: bytes) -> list[float] | None:
        self.seen += 1
        words = data.rpartition(b"face ")[2].split()
        values = [0.0] * 128
        values[int(words[0])] = 0.8
        values[127] = float(words[2])
        return values


def assess(demo: Context, covers: tuple[str, ...] = ("photo", "faces")) -> None:
    with demo.db.write() as session:
        staff = session.scalars(select(Staff).where(Staff.username == "admin")).one()
        count = session.scalar(select(func.count()).select_from(ImpactAssessment)) or 0
        session.add(
            ImpactAssessment(
                institution_id=staff.institution_id,
                version=count + 1,
                covers=list(covers),
                facts=[],
                answers={},
                signed_by=staff.id,
                signed_at=demo.now(),
            )
        )


def turn_on(demo: Context) -> None:
    assess(demo)
    set_switch(demo, view_as(demo, "admin"), is_on=True)


def consent(demo: Context, photo_id: uuid.UUID, *, is_given: bool = True) -> None:
    with demo.db.write() as session:
        enrolment = lock_enrolment(session, session.get_one(Photo, photo_id).enrolment_id)
        assert enrolment is not None
        for kind in ("photo", "faces") if is_given else ("faces",):
            record_consent(
                session,
                enrolment,
                kind,
                is_given=is_given,
                decider=Decider("student"),
                at=demo.now(),
            )


def put(demo: Context, place: int, face: str, *, agrees: bool = True) -> uuid.UUID:
    photo_id = put_in_queue(demo, place)
    data = f"\xff\xd8\xff {place} face {face}".encode("latin-1")
    key = content_key("standard", hash_bytes(data), ".jpg")
    demo.photo_store.put(key, data)
    with demo.db.write() as session:
        photo = session.get_one(Photo, photo_id)
        photo.standard_key, photo.standard_sha256 = key, hash_bytes(data)
        photo.checked_at = demo.now()
    if agrees:
        consent(demo, photo_id)
    return photo_id


def count(demo: Context, table: Any) -> int:
    with demo.db.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@one_engine
def test_one_face_under_two_names_is_shown_with_both_pictures(app: Flask, demo: Context) -> None:
    turn_on(demo)
    first = put(demo, 0, "1 near 0.0")
    for place in range(1, 6):
        put(demo, place, f"{place + 1} near 0.0")
    second = put(demo, 6, "1 near 0.2")
    reader = Reader()
    assert measure_due_faces(demo, reader) == 7
    assert measure_due_faces(demo, reader) == 0
    assert count(demo, FaceHint) == 1
    desk = sign_in(app, "reviewer")
    for photo, other in ((first, second), (second, first)):
        page = desk.get(f"/console/review/{photo}").text
        assert "很像" in page
        assert f"/console/photos/{other}/standard.jpg" in page
        assert "双胞胎" in page
        assert "0.2" not in page.partition("双胞胎")[0].rpartition("很像")[2]
    assert "很像" not in desk.get(f"/console/review/{put(demo, 8, '50 near 0.0')}").text


@one_engine
def test_new_photo_unlike_the_same_students_earlier_one(app: Flask, demo: Context) -> None:
    turn_on(demo)
    first = put(demo, 0, "1 near 0.0")
    measure_due_faces(demo, Reader())
    with demo.db.write() as session:
        photo = session.get_one(Photo, first)
        photo.state = PhotoState.REJECTED
        row = session.get_one(Enrolment, photo.enrolment_id)
        data = b"\xff\xd8\xff again face 9 near 0.0"
        key = content_key("standard", hash_bytes(data), ".jpg")
        demo.photo_store.put(key, data)
        new = Photo(
            enrolment_id=row.id,
            user_id=photo.user_id,
            sha256="a" * 64,
            size_bytes=1,
            profile="moe-2017",
            state=PhotoState.CHECKED,
            verdict=photo.verdict,
            report={},
            submitted_at=demo.now(),
            checked_at=demo.now(),
            standard_key=key,
            standard_sha256=hash_bytes(data),
        )
        session.add(new)
        session.flush()
        row.photo_id = new.id
    assert measure_due_faces(demo, Reader()) == 1
    assert "很不像" in sign_in(app, "reviewer").get(f"/console/review/{new.id}").text


@one_engine
@pytest.mark.parametrize("missing", ["switch", "assessment", "consent", "key"])
def test_without_one_condition_nothing_is_measured(demo: Context, missing: str) -> None:
    import dataclasses

    if missing == "switch":
        assess(demo)
    else:
        turn_on(demo)
    if missing == "assessment":
        assess(demo, covers=("photo",))
    put(demo, 0, "1 near 0.0", agrees=missing != "consent")
    ctx = dataclasses.replace(demo, face_cipher=None) if missing == "key" else demo
    reader = Reader()
    assert measure_due_faces(ctx, reader) == 0
    assert reader.seen == 0
    assert count(demo, FaceEncoding) == 0


@one_engine
def test_consent_withdrawn_while_the_face_is_measured_leaves_nothing(demo: Context) -> None:
    turn_on(demo)
    photo_id = put(demo, 0, "1 near 0.0")

    class Slow(Reader):
        def encode_face(self, data: bytes) -> list[float] | None:
            consent(demo, photo_id, is_given=False)
            return super().encode_face(data)

    assert measure_due_faces(demo, Slow()) == 0
    assert count(demo, FaceEncoding) == 0


@one_engine
@pytest.mark.parametrize("cause", ["switch", "assessment", "consent", "batch", "file"])
def test_what_lost_its_reason_goes_and_is_not_shown_before(
    app: Flask, demo: Context, cause: str
) -> None:
    turn_on(demo)
    first, second = put(demo, 0, "1 near 0.0"), put(demo, 1, "1 near 0.1")
    measure_due_faces(demo, Reader())
    assert count(demo, FaceHint) == 1
    if cause == "switch":
        set_switch(demo, view_as(demo, "admin"), is_on=False)
        assert (count(demo, FaceEncoding), count(demo, FaceHint)) == (0, 0)
    if cause == "assessment":
        assess(demo, covers=("photo",))
    if cause == "consent":
        consent(demo, first, is_given=False)
    with demo.db.write() as session:
        row = session.get_one(Enrolment, session.get_one(Photo, first).enrolment_id)
        if cause == "batch":
            batch = session.scalars(select(Batch)).first()
            assert batch is not None
            batch.closed_at, row.batch_id = demo.now(), batch.id
        if cause == "file":
            session.get_one(Photo, first).standard_key = None
    if cause in {"assessment", "consent", "batch"}:
        assert "很像" not in sign_in(app, "reviewer").get(f"/console/review/{second}").text
    drop_spent_faces(demo)
    left = {"switch": 0, "assessment": 0}.get(cause, 1)
    assert (count(demo, FaceEncoding), count(demo, FaceHint)) == (left, 0)


@one_engine
def test_switched_off_leaves_no_trace_in_database_or_store(demo: Context) -> None:
    for place in range(3):
        put(demo, place, "1 near 0.0")
    before = sorted(demo.photo_store.list_keys())
    assert measure_due_faces(demo, Reader()) == 0
    assert drop_spent_faces(demo) == 0
    with demo.db.read() as session:
        for table in ("face_switch", "face_encoding", "face_hint"):
            assert session.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0  # noqa: S608
    assert sorted(demo.photo_store.list_keys()) == before


@one_engine
def test_measurement_is_sealed_with_the_key_of_faces_alone(demo: Context) -> None:
    turn_on(demo)
    photo_id = put(demo, 0, "1 near 0.5")
    measure_due_faces(demo, Reader())
    with demo.db.read() as session:
        sealed = session.get_one(FaceEncoding, photo_id).sealed
    plain = pack_encoding(Reader().encode_face(b"face 1 near 0.5") or [])
    assert plain not in sealed
    place = place_of_encoding(photo_id)
    assert demo.face_cipher is not None
    assert demo.face_cipher.decrypt_bytes(sealed, place=place) == plain
    with pytest.raises(Exception, match=r"no key|authentication"):
        demo.cipher.decrypt_bytes(sealed, place=place)
    assert unpack_encoding(plain)[127] == pytest.approx(0.5)


@one_engine
def test_turning_on_needs_the_assessment_and_asks_first(app: Flask, demo: Context) -> None:
    desk = sign_in(app, "admin")
    assert "还没有包括人脸比对" in desk.read("/console/faces").text
    with pytest.raises(AssessmentMissing):
        set_switch(demo, view_as(demo, "admin"), is_on=True)
    assess(demo)
    assert "开启人脸比对？" in desk.post("/console/faces", is_on="yes").text
    desk.submit("/console/faces", is_on="yes", confirmed="yes")
    assert "已开启" in desk.read("/console/faces").text
    desk.submit("/console/faces", confirmed="yes")
    assert "没有开启" in desk.read("/console/faces").text


@one_engine
def test_hint_never_decides(demo: Context) -> None:
    turn_on(demo)
    photos = [put(demo, place, "1 near 0.0") for place in range(2)]
    measure_due_faces(demo, Reader())
    with demo.db.read() as session:
        for photo_id in photos:
            photo = session.get_one(Photo, photo_id)
            assert photo.state is PhotoState.CHECKED
            row = session.get_one(Enrolment, photo.enrolment_id)
            assert row.collection_status is CollectionStatus.UPLOADED


def test_words_that_touch_too_many_photos_are_left_out_weakest_first() -> None:
    assert find_weakest_shown({3: 2, 2: 4, 1: 4}, measured=60) == 1
    assert find_weakest_shown({3: 2, 2: 4, 1: 5}, measured=60) == 2
    assert find_weakest_shown({3: 2, 2: 90, 1: 150}, measured=20_000) == 2
    assert find_weakest_shown({3: 2, 2: 300}, measured=20_000) == 3
    assert find_weakest_shown({3: 201}, measured=20_000) == 4, "not one word can be relied on"


@one_engine
def test_college_whose_faces_are_all_alike_is_told_and_shown_nothing(
    app: Flask, demo: Context
) -> None:
    turn_on(demo)
    photos = [put(demo, place, "1 near 0.0") for place in range(6)]
    photos += [put(demo, place, "2 near 0.0") for place in range(6, 10)]
    measure_due_faces(demo, Reader())
    reviewer, admin = sign_in(app, "reviewer"), sign_in(app, "admin")
    assert "很像" in reviewer.get(f"/console/review/{photos[0]}").text, "ten photos may always"
    assert "现在的提示" in admin.read("/console/faces").text
    put(demo, 10, "1 near 0.0")
    measure_due_faces(demo, Reader())
    assert "很像" not in reviewer.get(f"/console/review/{photos[0]}").text
    page = admin.read("/console/faces").text
    assert "这类比对在本校不能用" in page
    assert "现在的提示" not in page


@one_engine
def test_photo_without_its_file_does_not_stand_before_the_others(demo: Context) -> None:
    turn_on(demo)
    gone = put(demo, 0, "1 near 0.0")
    with demo.db.write() as session:
        photo = session.get_one(Photo, gone)
        photo.checked_at = demo.now() - dt.timedelta(hours=1)
        demo.photo_store.delete(photo.standard_key or "")
    put(demo, 1, "2 near 0.0")
    while measure_due_faces(demo, Reader()):
        pass
    assert count(demo, FaceEncoding) == 2


class Crowd:
    """A face of its own for every number, as far apart as those of people; equal for equal ones."""

    def encode_face(self, data: bytes) -> list[float]:
        number = int(data.rpartition(b"person ")[2])
        # 0.053 a number: two faces lie 0.85 apart, as the people of docs/faces.md do.
        return np.random.default_rng(number).normal(0, 0.053, 128).tolist()  # type: ignore[no-any-return]


@pytest.mark.long
@one_engine
def test_one_face_under_two_names_among_a_thousand_is_found_and_shown(
    app: Flask, demo: Context
) -> None:
    turn_on(demo)
    students = make_students(1000)
    for number, student in enumerate(students):
        student.photo = b"\xff\xd8\xff person %d" % (7 if number == 900 else number)
        student.agreed = ("photo", "faces")
    collect(demo, INSTITUTION, students)
    while measure_due_faces(demo, Crowd()):
        pass
    assert (count(demo, FaceEncoding), count(demo, FaceHint)) == (1000, 1)
    pair = {students[7].student_no, students[900].student_no}
    page = sign_in(app, "admin").read("/console/faces").text
    assert "很像" in page
    assert {student.student_no for student in students if student.student_no in page} == pair
    with demo.db.read() as session:
        hint = session.scalars(select(FaceHint)).one()
    shown = sign_in(app, "reviewer").get(f"/console/review/{hint.photo_id}").text
    assert "很像" in shown
    assert f"/console/photos/{hint.other_photo_id}/standard.jpg" in shown
