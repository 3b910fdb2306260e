"""Under 14: a guardian agrees, in the mini-program or on paper; until then there is no binding."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy import select

from models import ConsentRecord, Enrolment, GuardianConsent
from server.context import Context
from server.gateways.clock import SettableClock, to_local
from server.services.consent.guardian import PAPER, Guardian, record_guardian
from server.services.consent.shipped import SHIPPED_VERSION
from server.services.id_numbers import compute_check_character
from tests.cast import STUDENTS, Phone, assert_refused

MOTHER = {"name": "林芳", "relation": "母亲"}


def make_number(birth: dt.date) -> str:
    first_17 = f"110101{birth:%Y%m%d}001"
    return first_17 + compute_check_character(first_17)


@pytest.fixture
def child(demo: Context) -> str:
    """The ID number of the first student, who becomes 14 tomorrow."""
    assert isinstance(demo.clock, SettableClock)
    today = to_local(demo.now()).date()
    number = make_number((today + dt.timedelta(days=1)).replace(year=today.year - 14))
    with demo.db.write() as session:
        row = session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[0].student_no)
        ).one()
        row.encrypt_id_number(number, demo.cipher)
    return number


def test_a_child_is_not_bound_without_a_guardian(alice: Phone, demo: Context, child: str) -> None:
    answer = alice.bind(id_number=child)
    assert_refused(answer, 409, "guardian_needed")
    assert "监护人" in answer.json["message"]
    assert "教务处学籍科" in answer.json["message"]
    with demo.db.read() as session:
        assert session.scalars(select(ConsentRecord)).all() == []
    assert alice.call("GET", "/enrolments").json["data"]["items"] == []


def test_a_guardian_agrees_in_the_mini_program(alice: Phone, demo: Context, child: str) -> None:
    answer = alice.bind(id_number=child, guardian=MOTHER)
    assert answer.status_code == 200, answer.text
    with demo.db.read() as session:
        record = session.scalars(select(ConsentRecord)).one()
        guardian = session.scalars(select(GuardianConsent)).one()
    assert record.given_by == "guardian"
    assert (guardian.relation, guardian.way) == ("母亲", "mini_program")
    assert guardian.decrypt_name(demo.cipher) == "林芳"
    assert "林芳".encode() not in guardian.name_encrypted


@pytest.mark.parametrize("guardian", [{**MOTHER, "name": " "}, {**MOTHER, "relation": "朋友"}])
def test_a_guardian_has_a_name_and_a_relation(
    alice: Phone, child: str, guardian: dict[str, str]
) -> None:
    assert alice.bind(id_number=child, guardian=guardian).status_code == 422


def test_a_signed_sheet_is_the_other_way(alice: Phone, demo: Context, child: str) -> None:
    with demo.db.write() as session:
        row = session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[0].student_no)
        ).one()
        record_guardian(
            session, demo, row, Guardian("林芳", "母亲"), way=PAPER, version=SHIPPED_VERSION
        )
    assert alice.bind(id_number=child).status_code == 200


def test_on_the_birthday_it_is_the_student_who_agrees(
    alice: Phone, demo: Context, child: str
) -> None:
    assert isinstance(demo.clock, SettableClock)
    demo.clock.advance(days=1)
    alice.sign_in()
    assert alice.bind(id_number=child).status_code == 200
    with demo.db.read() as session:
        assert session.scalars(select(ConsentRecord)).one().given_by == "student"


def test_who_is_no_child_needs_nobody(alice: Phone, demo: Context) -> None:
    assert alice.bind(guardian=MOTHER).status_code == 200
    with demo.db.read() as session:
        assert session.scalars(select(GuardianConsent)).all() == []
