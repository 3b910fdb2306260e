"""Consents stand apart from each other: each is asked, given and withdrawn on its own."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
from sqlalchemy import select

from models import ConsentRecord, Enrolment
from server.context import Context
from server.gateways.clock import SettableClock
from server.services.collection import SYSTEM
from server.services.consent.ask import has_consent, is_consented
from server.services.consent.decide import ConsentKindUnknown, list_states
from server.services.consent.parts import FACES, PHOTO
from server.services.student.release import replace_person
from tests.cast import STUDENTS
from tests.notices import agree, find_college, publish, read_present

RECEIVERS = ("student_card", "degree", "online_exam", "cet")


def holding(ctx: Context) -> set[str]:
    """What holds for the first student: asked one by one and as a condition, which must agree."""
    found = set()
    with ctx.db.read() as session:
        row = session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[0].student_no)
        ).one()
        for kind in (PHOTO, FACES, *RECEIVERS):
            condition = is_consented(session, row.institution_id, kind)
            as_list = session.scalars(select(Enrolment.id).where(condition)).all()
            assert has_consent(session, row, kind) == (row.id in as_list)
            if has_consent(session, row, kind):
                found.add(kind)
    return found


@pytest.fixture(autouse=True)
def later(demo: Context) -> None:
    assert isinstance(demo.clock, SettableClock)
    demo.clock.advance(hours=1)


@pytest.mark.engines
def test_nothing_is_given_before_and_each_alone_after(demo: Context) -> None:
    assert holding(demo) == set()
    agree(demo, PHOTO)
    assert holding(demo) == {PHOTO}
    agree(demo, "degree", FACES)
    assert holding(demo) == {PHOTO, "degree", FACES}
    agree(demo, FACES, is_given=False)
    assert holding(demo) == {PHOTO, "degree"}
    agree(demo, FACES)
    assert holding(demo) == {PHOTO, "degree", FACES}


def test_without_the_photo_nothing_is_left(demo: Context) -> None:
    agree(demo, PHOTO, *RECEIVERS, FACES)
    agree(demo, PHOTO, is_given=False)
    assert holding(demo) == set()
    agree(demo, PHOTO)
    assert holding(demo) == {PHOTO}


def test_a_receiver_that_became_another_is_asked_for_again_and_only_that_one(
    demo: Context,
) -> None:
    agree(demo, PHOTO, *RECEIVERS, FACES)
    receivers = [
        dataclasses.replace(each, name="另一家单位") if each.key == "degree" else each
        for each in read_present(demo).receivers
    ]
    publish(demo, "2027-03", receivers=tuple(receivers))
    assert holding(demo) == {PHOTO, FACES, "student_card", "online_exam", "cet"}
    publish(demo, "2027-04", receivers=tuple(receivers[:1]))
    assert holding(demo) == {PHOTO, FACES, "student_card"}


def test_nobody_agrees_to_what_the_notice_does_not_name(demo: Context) -> None:
    with pytest.raises(ConsentKindUnknown):
        agree(demo, "library")
    publish(demo, "2027-03", receivers=())
    with pytest.raises(ConsentKindUnknown):
        agree(demo, "degree")


def test_after_a_withdrawal_nobody_is_asked_for_48_hours(demo: Context) -> None:
    def may_ask() -> bool:
        with demo.db.read() as session:
            row = session.scalars(
                select(Enrolment).where(Enrolment.institution_id == find_college(demo))
            ).first()
            assert row is not None
            _, states = list_states(session, row, demo.now())
        return next(each.may_ask for each in states if each.kind == FACES)

    assert isinstance(demo.clock, SettableClock)
    assert may_ask()
    agree(demo, FACES)
    assert not may_ask()
    agree(demo, FACES, is_given=False)
    assert not may_ask()
    demo.clock.advance(hours=48, seconds=-1)
    assert not may_ask()
    demo.clock.advance(seconds=1)
    assert may_ask()


def test_another_person_on_the_row_has_agreed_to_nothing(demo: Context) -> None:
    agree(demo, PHOTO, "degree")
    with demo.db.write() as session:
        row = session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[0].student_no)
        ).one()
        replace_person(session, row, actor=SYSTEM, at=demo.now(), reason="名单更正")
    assert holding(demo) == set()


def test_every_decision_is_a_row_with_version_and_time(demo: Context) -> None:
    agree(demo, PHOTO)
    agree(demo, PHOTO)
    agree(demo, PHOTO, is_given=False)
    with demo.db.read() as session:
        row = session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[0].student_no)
        ).one()
        rows = session.scalars(
            select(ConsentRecord)
            .where(ConsentRecord.enrolment_id == row.id)
            .order_by(ConsentRecord.id)
        ).all()
    assert [(each.kind, each.is_given, each.version) for each in rows] == [
        ("photo", True, "2026-11"),
        ("photo", False, "2026-11"),
    ]
    assert all(demo.now() - each.at < dt.timedelta(minutes=1) for each in rows)
