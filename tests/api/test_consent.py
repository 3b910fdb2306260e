"""Consent: every version is kept, and one that means something new is asked for again."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from models import ConsentRecord, ConsentText
from server.context import Context
from server.gateways.clock import SettableClock
from server.services.consent.parts import Receiver
from server.services.consent.publish import ConsentMalformed, MeaningChanged
from server.services.consent.shipped import SHIPPED_VERSION
from tests.cast import JPEG, Phone, assert_refused
from tests.notices import find_college, publish, read_present


@pytest.fixture(autouse=True)
def later(demo: Context) -> None:
    assert isinstance(demo.clock, SettableClock)
    demo.clock.advance(hours=1)


def agreed_to(ctx: Context) -> list[str]:
    with ctx.db.read() as session:
        query = select(ConsentRecord.version).order_by(ConsentRecord.at)
        return list(session.scalars(query))


def test_new_meaning_is_asked_for_before_the_next_photo(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    assert publish(demo, "2027-03", purpose="另一个目的") is True
    assert_refused(alice.upload(enrolment, JPEG), 409, "consent_outdated")
    assert alice.enrolment(enrolment)["id"] == enrolment
    shown = alice.call("GET", "/codes/y0814v").json["data"]["consent"]
    assert shown["version"] == "2027-03"
    assert "另一个目的" in shown["text"]
    assert_refused(alice.bind(), 409, "consent_outdated")
    assert alice.bind(consent_version="2027-03").status_code == 200
    assert alice.upload(enrolment, JPEG).status_code == 202
    assert agreed_to(demo) == [SHIPPED_VERSION, "2027-03"]


def test_better_words_stand_in_nobodys_way(alice: Phone, bob: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    assert publish(demo, f"{SHIPPED_VERSION}.1", rights="换一种说法") is False
    assert alice.upload(enrolment, JPEG).status_code == 202
    shown = bob.call("GET", "/codes/y0814v").json["data"]["consent"]
    assert shown["version"] == f"{SHIPPED_VERSION}.1"
    assert bob.bind(1, consent_version=shown["version"]).status_code == 200
    assert agreed_to(demo) == [SHIPPED_VERSION, f"{SHIPPED_VERSION}.1"]


def test_another_receiver_is_more_than_better_words(demo: Context) -> None:
    receivers = read_present(demo).receivers
    new = Receiver("library", "图书馆", "本校图书馆", "电话", "门禁", "照片", "在校期间")
    with pytest.raises(MeaningChanged):
        publish(demo, f"{SHIPPED_VERSION}.1", receivers=(*receivers, new))
    assert publish(demo, "2027-03", receivers=(*receivers, new)) is True


@pytest.mark.parametrize("version", ["v2", "2027-03.1000", SHIPPED_VERSION])
def test_version_is_well_formed_and_never_changed(demo: Context, version: str) -> None:
    with pytest.raises(ConsentMalformed):
        publish(demo, version, rights="别的话")
    with demo.db.read() as session:
        kept = session.scalars(
            select(ConsentText).where(ConsentText.institution_id == find_college(demo))
        ).one()
    assert kept.version == SHIPPED_VERSION
    assert "别的话" not in kept.text


@pytest.mark.engines
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_text SET text = 'x'",
        "DELETE FROM consent_text",
        "UPDATE consent_record SET is_given = (1 = 0)",
        "DELETE FROM consent_record",
    ],
)
def test_published_notices_and_consents_cannot_be_changed(
    alice: Phone, demo: Context, statement: str
) -> None:
    alice.bound()
    with (
        pytest.raises(DatabaseError, match=r"append-only|permission denied"),
        demo.db.write() as session,
    ):
        session.execute(text(statement))


def test_students_of_another_college_read_its_own_notice(alice: Phone, demo: Context) -> None:
    shown = alice.call("GET", "/codes/y0814v").json["data"]["consent"]
    assert "北京示范大学网络教育学院" in shown["text"]
