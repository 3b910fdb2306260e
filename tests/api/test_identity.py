"""Proving who one is: slips cost nothing, guessing is limited, and everybody learns whom to ask."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from models import REGISTERED, Enrolment, Institution
from server.context import Context
from server.security.attempts import AttemptCounter, AttemptLimit, TooManyRequests, group_address
from server.services.names import fold_name
from tests.cast import STUDENTS, Phone, assert_refused

FIRST = STUDENTS[0]
WRONG = "李伟"


@pytest.fixture(autouse=True)
def contact(demo: Context) -> None:
    with demo.db.write() as session:
        session.execute(update(Institution).values(contact_name="教务处", contact_phone="010-1234"))


def phone(client: FlaskClient, user: str) -> Phone:
    return Phone(client, user).sign_in()


@pytest.mark.parametrize(
    "typed",
    [
        *(FIRST.id_number[:-1] + "2", FIRST.id_number[:-1], FIRST.id_number + "1", "12345"),
        *(FIRST.id_number + "。", "身份证" + FIRST.id_number, "١" * 18),
    ],
)
def test_slip_of_the_finger_costs_no_try(alice: Phone, typed: str) -> None:
    for _ in range(7):
        assert_refused(alice.bind(id_number=typed), 422, "id_number_invalid")
    assert alice.bind().status_code == 200


def test_tries_left_are_told_before_they_are_used_up(alice: Phone) -> None:
    answers = [alice.bind(name=WRONG) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert [answer.json["data"].get("tries_left") for answer in answers] == [4, 3, 2, 1, 0, None]
    assert "还可以试 3 次" in answers[1].json["message"]
    for answer in answers[4:]:
        assert "60 分钟后再试" in answer.json["message"], answer.text


def test_every_refusal_names_the_institution_and_never_the_centre(alice: Phone, bob: Phone) -> None:
    alice.bound()
    refusals = [bob.bind(), bob.bind(name=WRONG), bob.bind(id_number="12"), bob.bind(57)]
    refusals.append(bob.bind(consent_version="old"))
    for answer in refusals:
        assert "咨询：教务处，010-1234" in answer.json["message"], answer.text
        assert answer.json["data"]["contact"]["phone"] == "010-1234"
        assert "学习中心" not in answer.text


def test_one_student_is_guarded_against_many_strangers(client: FlaskClient) -> None:
    answers = [
        phone(client, f"stranger-{user}").bind(name=WRONG).status_code
        for user in range(12)
        for _ in range(1)
    ]
    assert answers == [422] * 10 + [429] * 2


def test_one_name_is_guarded_where_the_number_is_guessed(client: FlaskClient) -> None:
    strangers = [phone(client, f"stranger-{user}") for user in range(8)]
    answers = [
        stranger.bind(id_number=f"E{place:02d}{turn}12345").status_code
        for place, stranger in enumerate(strangers)
        for turn in range(4)
    ]
    assert answers == [422] * 30 + [429] * 2


def test_owner_is_not_shut_out_by_strangers(alice: Phone, client: FlaskClient) -> None:
    alice.bound()
    for user in range(12):
        phone(client, f"stranger-{user}").bind(name=WRONG)
    assert alice.bind().status_code == 200


@pytest.mark.engines
def test_many_at_once_are_no_more_tries(alice: Phone) -> None:
    start = threading.Barrier(16)

    def guess(_: int) -> int:
        guesser = Phone(alice.client.application.test_client(), "", alice.token)
        start.wait()
        # Beyond its lane a call is not heard at all: it comes again, as the mini-program does.
        while (status := guesser.bind(name=WRONG).status_code) == 503:
            time.sleep(0.05)
        return status

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(16)))
    assert answers.count(422) == 5
    assert answers.count(429) == 11


def test_person_in_two_programmes_gets_both(alice: Phone, demo: Context) -> None:
    _give_second_programme(demo)
    first = alice.bind().json["data"]
    assert [other["student_no"] for other in first["others"]] == ["20200000"]
    items = alice.call("GET", "/enrolments").json["data"]["items"]
    assert {item["student_no"] for item in items} == {"20200000", "20200001"}
    assert alice.bind().json["data"]["id"] == first["id"]
    other_id = first["others"][0]["id"]
    assert alice.enrolment(other_id)["level"] == "高起专"
    assert alice.upload(other_id).status_code in {200, 202}


def test_programme_that_another_user_holds_stays_his(
    alice: Phone, bob: Phone, demo: Context
) -> None:
    alice.bound()
    _give_second_programme(demo)
    data = bob.bind().json["data"]
    assert data["student_no"] == "20200000"
    assert data["others"] == []


def _give_second_programme(demo: Context) -> None:
    with demo.db.write() as session:
        first = session.scalars(
            select(Enrolment).where(Enrolment.student_no == FIRST.student_no)
        ).one()
        second = Enrolment(
            institution_id=first.institution_id,
            centre_id=first.centre_id,
            student_no="20200000",
            name=first.name,
            level="高起专",
            register_status=REGISTERED,
            created_at=first.created_at,
            updated_at=first.updated_at,
        )
        second.encrypt_id_number(FIRST.id_number, demo.cipher)
        session.add(second)


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("阿卜杜·热合曼", "阿卜杜•热合曼"),
        ("阿卜杜·热合曼", "阿卜杜 ㆍ 热合曼"),
        ("阿卜杜．热合曼", "阿卜杜・热合曼"),
        ("Maria Lopez", "ＭＡＲＩＡ　  lopez"),
        ("王\ue863", "王䶮"),
        ("王䶮", "王\ue863"),
        ("张\u200b伟", "张伟\ufeff"),
        ("Mary O'Brien-Smith, Jr.", "mary o’brien‐smith jr"),
        ("买买提·艾力", "买买提-艾力"),
        ("⻢⻓⻰", "马长龙"),
        ("李〇", "李○"),
    ],
)
def test_names_are_compared_as_people_write_them(
    alice: Phone, demo: Context, stored: str, typed: str
) -> None:
    with demo.db.write() as session:
        session.execute(
            update(Enrolment).where(Enrolment.student_no == FIRST.student_no).values(name=stored)
        )
    answer = alice.bind(name=typed, feature_code="ｙ０８１４ｖ\u200b")
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("one", "other"),
    [("张伟", "張偉"), ("王䶮", "王龑"), ("高明", "髙明"), ("吴于", "吳於"), ("José", "Jose")],
)
def test_other_characters_are_another_name(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


def test_code_answers_with_its_contact(client: FlaskClient, alice: Phone) -> None:
    assert alice.call("GET", "/codes/Ｙ0814V").json["data"]["contact"]["name"] == "教务处"


def test_counter_counts_before_it_judges_and_gives_back() -> None:
    from limits.storage import MemoryStorage

    counter = AttemptCounter(MemoryStorage())
    limits = [AttemptLimit("3/hour", "a", "x"), AttemptLimit("5/hour", "b", "x")]
    attempts = [counter.begin(limits) for _ in range(3)]
    assert [one.tries_left for one in attempts] == [2, 1, 0]
    with pytest.raises(TooManyRequests) as refusal:
        counter.begin(limits)
    assert 3500 < (refusal.value.retry_after_s or 0) <= 3600
    attempts[0].give_back()
    assert counter.begin(limits).tries_left == 0


def test_ipv6_site_is_one_address() -> None:
    assert group_address("2001:db8:1:2::5") == group_address("2001:db8:1:2:ffff::1")
    assert group_address("::ffff:10.0.0.1") == group_address("10.0.0.1")
    assert group_address("10.0.0.1") != group_address("10.0.0.2")
