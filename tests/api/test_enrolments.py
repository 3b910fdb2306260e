from __future__ import annotations

import pytest
from sqlalchemy import select, update

from models import CollectionStatus, ConsentRecord, Enrolment
from server.context import Context
from tests.cast import STUDENTS, Phone, assert_refused


def test_identity_check_shows_the_enrolment_masked(alice: Phone) -> None:
    answer = alice.bind()
    data = answer.json["data"]
    assert data["name"] == "张*"
    assert data["id_number"] == "1****************1"
    assert data["status"] == {"value": "not_uploaded", "label": "未上传"}
    assert data["batch"] == "0000-00-00"
    assert data["target_batch"] == "2026-11-10"
    assert data["next_step"] == "capture"
    assert data["order"] is None
    assert data["photo"] is None
    assert "110101199003070011" not in answer.text


def test_binding_again_returns_the_same_one(alice: Phone, demo: Context) -> None:
    assert alice.bound() == alice.bound()
    assert len(alice.call("GET", "/enrolments").json["data"]["items"]) == 1
    with demo.db.read() as session:
        assert len(session.scalars(select(ConsentRecord)).all()) == 1


def test_another_user_is_refused_and_learns_nothing(alice: Phone, bob: Phone) -> None:
    enrolment = alice.bound()
    assert_refused(bob.bind(), 409, "enrolment_taken")
    assert_refused(bob.call("GET", f"/enrolments/{enrolment}"), 404, "not_found")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "李伟"},
        {"id_number": "110101199003070038"},
        {"id_number": STUDENTS[1].id_number},
        {"name": "张伟伟"},
        {"id_number": "nonsense"},
    ],
)
def test_every_mismatch_gets_one_answer(alice: Phone, changes: dict[str, str]) -> None:
    assert_refused(alice.bind(0, **changes), 422, "identity_mismatch")


def test_forgiving_of_how_people_type(alice: Phone) -> None:
    place = next(i for i, s in enumerate(STUDENTS) if s.id_number.endswith("X"))
    student = STUDENTS[place]
    answer = alice.bind(
        place,
        feature_code=" Y0814V ",
        name=f" {student.name} ",
        id_number=f" {student.id_number[:6]} {student.id_number[6:].lower()}",
    )
    assert answer.json["code"] == 0


def test_five_wrong_checks_an_hour_then_wait(alice: Phone) -> None:
    for _ in range(5):
        assert_refused(alice.bind(0, name="李伟"), 422, "identity_mismatch")
    answer = alice.bind()
    assert_refused(answer, 429, "too_many_requests")
    assert 1 <= int(answer.headers["Retry-After"]) <= 3601


def test_right_checks_do_not_count_as_wrong(alice: Phone) -> None:
    for place in range(8):
        assert alice.bind(place).status_code == 200


@pytest.mark.parametrize("place", [57, 59])
def test_student_who_is_not_registered_is_told_so(alice: Phone, place: int) -> None:
    assert_refused(alice.bind(place), 409, "not_registered")


def test_collected_student_is_told_so(alice: Phone, demo: Context) -> None:
    with demo.db.write() as session:
        session.execute(
            update(Enrolment)
            .where(Enrolment.student_no == STUDENTS[0].student_no)
            .values(collection_status=CollectionStatus.COLLECTED)
        )
    assert_refused(alice.bind(), 409, "already_collected")


def test_outdated_consent_is_refused(alice: Phone) -> None:
    assert_refused(alice.bind(0, consent_version="1999"), 409, "consent_outdated")


def test_missing_field_is_named(alice: Phone) -> None:
    answer = alice.call("POST", "/enrolments", json={"feature_code": "y0814v"})
    assert_refused(answer, 422, "invalid_request")
    assert "id_number" in answer.json["message"]


def test_id_number_is_encrypted_for_its_row(demo: Context) -> None:
    with demo.db.read() as session:
        first, second = session.scalars(
            select(Enrolment).order_by(Enrolment.student_no).limit(2)
        ).all()
    assert STUDENTS[0].id_number.encode() not in first.id_number_encrypted
    second.id_number_encrypted = first.id_number_encrypted
    with pytest.raises(Exception, match="authentication failed"):
        second.decrypt_id_number(demo.cipher)
