"""Consent: every version is kept, and one that means something new is asked for again."""

import pytest
from sqlalchemy import select

from models import ConsentRecord, ConsentText
from server.context import Context
from server.gateways.clock import SettableClock
from server.services.consent import ConsentMalformed, publish_consent
from server.services.manage_institution import CONSENT_VERSION
from tests.cast import JPEG, Phone, assert_refused

TEXT = (
    "为办理学历电子注册,学校需要采集您的姓名、证件号码和照片,并在审核时与您的学籍照片进行人工核对。"
    * 2
)


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
    assert publish_consent(demo, "2027-03", TEXT) is True
    assert_refused(alice.upload(enrolment, JPEG), 409, "consent_outdated")
    assert alice.enrolment(enrolment)["id"] == enrolment
    shown = alice.call("GET", "/codes/y0814v").json["data"]["consent"]
    assert shown == {"version": "2027-03", "text": TEXT}
    assert_refused(alice.bind(), 409, "consent_outdated")
    assert alice.bind(consent_version="2027-03").status_code == 200
    assert alice.upload(enrolment, JPEG).status_code == 202
    assert agreed_to(demo) == [CONSENT_VERSION, "2027-03"]


def test_better_words_stand_in_nobodys_way(alice: Phone, bob: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    assert publish_consent(demo, f"{CONSENT_VERSION}.1", TEXT) is False
    assert alice.upload(enrolment, JPEG).status_code == 202
    shown = bob.call("GET", "/codes/y0814v").json["data"]["consent"]
    assert shown["version"] == f"{CONSENT_VERSION}.1"
    assert bob.bind(1, consent_version=shown["version"]).status_code == 200
    assert agreed_to(demo) == [CONSENT_VERSION, f"{CONSENT_VERSION}.1"]


@pytest.mark.parametrize(
    ("version", "text"),
    [("v2", TEXT), ("2027-03", "短"), ("2027-03.1000", TEXT), (CONSENT_VERSION, TEXT)],
)
def test_version_is_well_formed_and_never_changed(demo: Context, version: str, text: str) -> None:
    with pytest.raises(ConsentMalformed):
        publish_consent(demo, version, text)
    with demo.db.read() as session:
        kept = session.scalars(select(ConsentText)).one()
    assert kept.version == CONSENT_VERSION
    assert kept.text != text
