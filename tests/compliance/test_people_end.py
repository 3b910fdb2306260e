"""Four years later nothing tells of a collected student: not rows, not files, not a new backup."""

from __future__ import annotations

import gzip
import uuid
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from models import (
    AuditEntry,
    ChsiCode,
    Enrolment,
    ImpactAssessment,
    Institution,
    Order,
    OrderState,
    PersonKey,
    Photo,
    RequestKind,
    Review,
    StatusChange,
    WechatUser,
)
from server.context import Context
from server.demo import INSTITUTION
from server.gateways.clock import SettableClock
from server.services.compliance.certificate import digest, is_genuine
from server.services.rights.carry_out import carry_out_deletion
from server.services.rights.requests import IN_PERSON, grant, open_request, view_request
from server.services.sealing import ENDED
from server.services.upkeep.audit_chain import find_break, seal_audit
from server.services.upkeep.check_integrity import TIME_LIMITS, check_integrity
from server.services.upkeep.end_people import tidy_database
from server.services.upkeep.purge import purge
from server.transfer.back_up import back_up
from tests.cast import STUDENTS
from tests.college import Collected, collect, make_students, view_as
from tests.desk import sign_in
from tests.transfer.college import fill_college

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REASON = "欧阳娜本人到场核对"
PHONE = "13912345678"
CLASS = "二〇二〇级法学甲班"


@pytest.fixture
def clock(demo: Context) -> SettableClock:
    assert isinstance(demo.clock, SettableClock)
    return demo.clock


@pytest.fixture
def people(app: Flask, demo: Context) -> list[Collected]:
    """Three collected students with all that the house writes about somebody."""
    people = make_students(3)
    for place, person in enumerate(people):
        person.name, person.major = f"欧阳娜{place}", f"考古学{place}"
    collect(demo, INSTITUTION, people)
    with demo.db.write() as session:
        for person in people:
            row = session.get_one(Enrolment, person.id)
            row.encrypt_phone(PHONE, demo.cipher)
            row.class_name, row.expected_term = CLASS, "2023年春届"
            photo = session.scalars(select(Photo).where(Photo.enrolment_id == person.id)).one()
            photo.picture_hash = "abcdef0123456789"
            photo.report = {"measurements": {"note": REASON}}
    admin = sign_in(app, "admin")
    page = f"/console/students/{people[0].id}/correct"
    admin.submit(page, reason=REASON, note=f"{people[0].name}请重拍", confirmed="yes")
    return people


def personal_values(people: list[Collected]) -> list[str]:
    values = [PHONE, CLASS, REASON, "2023年春届"]
    for person in people:
        values += [person.student_no, person.name, person.id_number, person.major]
    return values


def find_values(data: bytes, people: list[Collected]) -> list[str]:
    return [
        value
        for value in personal_values(people)
        if value.encode() in data or value.encode("unicode_escape") in data
    ]


def read_database(ctx: Context) -> bytes:
    path = Path(str(ctx.db.url.database))
    return b"".join(one.read_bytes() for one in sorted(path.parent.glob(f"{path.name}*")))


def read_backup(folder: Path) -> bytes:
    return b"".join(
        gzip.decompress(one.read_bytes()) if one.suffix == ".gz" else one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file()
    )


@one_engine
def test_four_years_later_nothing_personal_is_left(
    demo: Context, people: list[Collected], clock: SettableClock, tmp_path: Path
) -> None:
    seal_audit(demo)
    back_up(demo, tmp_path / "early")
    assert find_values(read_database(demo), people)
    assert find_values(read_backup(tmp_path / "early"), people)
    files = {key for key in demo.photo_store.list_keys() if key.startswith("standard/")}
    assert len(files) == 3
    clock.advance(days=4 * 366)
    assert purge(demo, is_dry=True)["person"] == 63
    assert purge(demo)["person"] == 63
    assert purge(demo)["person"] == 0
    tidy_database(demo, is_whole=True)
    assert find_values(read_database(demo), people) == []
    assert [s.name for s in STUDENTS if s.name.encode() in read_database(demo)] == []
    assert set(demo.photo_store.list_keys()) & files == set()
    back_up(demo, tmp_path / "late")
    assert find_values(read_backup(tmp_path / "late"), people) == []
    back_up(demo, tmp_path / "early", keep=1)
    assert find_values(read_backup(tmp_path / "early"), people) == []


@one_engine
def test_deleted_content_is_overwritten_without_vacuum(
    demo: Context, people: list[Collected], clock: SettableClock
) -> None:
    tidy_database(demo, is_whole=True)
    clock.advance(days=4 * 366)
    purge(demo)
    assert find_values(read_database(demo), people) == []


def test_chain_and_history_stay_whole_when_a_person_ends(
    app: Flask, demo: Context, people: list[Collected], clock: SettableClock
) -> None:
    seal_audit(demo)
    before = {one.subject for one in check_integrity(demo)}  # made without a history
    page = f"/console/audit?student_no={people[0].student_no}"
    assert REASON in sign_in(app, "admin").get(page).text
    with demo.db.read() as session:
        (entry,) = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "enrolment.correct")
        ).all()
        assert REASON not in str(entry.detail)
        assert not [row for row in session.scalars(select(StatusChange.reason)) if REASON in row]
    clock.advance(days=4 * 366)
    purge(demo)
    seal_audit(demo)
    with demo.db.read() as session:
        assert find_break(session) is None
        assert session.scalar(select(func.count()).select_from(PersonKey)) == 0
        assert set(session.scalars(select(Review.record))) <= {""}
    assert ENDED in sign_in(app, "admin").get("/console/audit?action=enrolment.correct").text
    problems = [one for one in check_integrity(demo) if one.kind not in TIME_LIMITS]
    assert [one for one in problems if one.subject not in before] == []


@one_engine
def test_words_of_staff_about_a_student_are_sealed_in_the_log(
    app: Flask, demo: Context, people: list[Collected], clock: SettableClock
) -> None:
    person = people[0]
    with demo.db.write() as session:
        code = ChsiCode(
            enrolment_id=person.id,
            mode="byte",
            error_level="L",
            source="scan",
            created_at=demo.now(),
        )
        code.encrypt("random text", b"random text", demo.cipher)
        session.add(code)
    desk = sign_in(app, "admin")
    desk.submit(f"/console/students/{person.id}/chsi/discard", chsi_reason=REASON)
    assert REASON in desk.get("/console/audit?action=chsi.discard").text
    with demo.db.read() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "chsi.discard"))
    assert REASON not in str(entry.detail)
    clock.advance(days=4 * 366)
    purge(demo)
    assert ENDED in sign_in(app, "admin").get("/console/audit?action=chsi.discard").text


@one_engine
def test_payer_who_was_released_is_known_until_the_student_ends(
    demo: Context, clock: SettableClock
) -> None:
    """A refund goes to who paid; the sign-in of the old phone may be long over."""
    fill_college(demo)
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(wechat_user_id=None))
        session.execute(update(Photo).values(user_id=None))
    clock.advance(days=60)
    assert purge(demo)["WeChat user"] == 0
    clock.advance(days=4 * 366)
    purge(demo)
    with demo.db.read() as session:
        user = session.scalars(select(WechatUser)).one()
        assert "openid-of-first" not in user.decrypt_openid(demo.cipher)


@one_engine
def test_certificate_of_a_deletion_verifies_four_years_later(
    demo: Context, people: list[Collected], clock: SettableClock
) -> None:
    admin = view_as(demo, "admin")
    with demo.db.write() as session:
        row = open_request(
            session,
            demo,
            session.get_one(Enrolment, people[0].id),
            kind=RequestKind.DELETION,
            source=IN_PERSON,
        )
    grant(demo, admin, row.id, "毕业证书已发放，同意删除")
    carry_out_deletion(demo, admin, row.id)
    seal_audit(demo)
    before = view_request(demo, admin, row.id).row.certificate
    clock.advance(days=4 * 366)
    purge(demo)
    seal_audit(demo)
    after = view_request(demo, admin, row.id)
    assert after.row.certificate == before
    assert before is not None
    assert is_genuine(before)
    assert digest("enrolment", str(people[0].id)) in before["digests"]
    assert not is_genuine({**before, "digests": before["digests"][1:]})
    assert find_values(str(before).encode(), people) == []
    assert after.answer == ""
    assert not [one for one in check_integrity(demo) if one.kind == "certificate_not_genuine"]


def test_person_stays_until_the_day_and_goes_on_it(
    demo: Context, people: list[Collected], clock: SettableClock, institution: Institution
) -> None:
    with demo.db.write() as session:
        session.get_one(Institution, institution.id).kept_years = 1
    clock.advance(days=364)
    assert purge(demo)["person"] == 0
    clock.advance(days=60)
    assert purge(demo)["person"] == 63
    with demo.db.read() as session:
        row = session.get_one(Enrolment, people[1].id)
        assert row.ended_at == demo.now()
        assert row.decrypt_phone(demo.cipher) == ""
        assert people[1].id_number not in row.decrypt_id_number(demo.cipher)


@one_engine
def test_who_ended_is_on_no_list_and_has_no_page(
    app: Flask, demo: Context, people: list[Collected], clock: SettableClock
) -> None:
    clock.advance(days=4 * 366)
    purge(demo)
    admin = sign_in(app, "admin")
    assert "ended-" not in admin.read("/console/students").text
    assert "ended-" not in admin.read("/console/missing").text
    assert admin.get(f"/console/students/{people[1].id}").status_code == 404


@one_engine
@pytest.mark.parametrize("state", [OrderState.OPEN, OrderState.REFUNDING])
def test_person_with_money_on_the_way_waits(
    demo: Context, clock: SettableClock, state: OrderState
) -> None:
    fill_college(demo)
    with demo.db.write() as session:
        session.execute(update(Order).values(state=state))
        waits = session.scalars(select(Order.enrolment_id)).one()
    clock.advance(days=4 * 366)
    purge(demo)
    with demo.db.write() as session:
        assert session.get_one(Enrolment, waits).ended_at is None
        session.execute(update(Order).values(state=OrderState.PAID))
    assert purge(demo)["person"] == 1


def test_money_stays_and_the_user_behind_it_goes(demo: Context, clock: SettableClock) -> None:
    fill_college(demo)
    clock.advance(days=4 * 366)
    purge(demo)
    with demo.db.read() as session:
        order = session.scalars(select(Order)).one()
        user = session.scalars(select(WechatUser)).one()
        assert (order.amount_fen, order.transaction_id) == (2000, "T1")
        assert "openid-of-first" not in user.decrypt_openid(demo.cipher)
        assert session.get_one(Enrolment, order.enrolment_id).name == ""
    assert isinstance(order.id, uuid.UUID)


@one_engine
def test_assessments_and_audit_log_outlive_everybody(demo: Context, clock: SettableClock) -> None:
    fill_college(demo)
    with demo.db.read() as session:
        entries = session.scalar(select(func.count()).select_from(AuditEntry))
    clock.advance(days=4 * 366)
    purge(demo)
    with demo.db.read() as session:
        assert session.scalar(select(func.count()).select_from(ImpactAssessment)) == 1
        assert session.scalar(select(func.count()).select_from(AuditEntry)) == entries
