"""Retention: what goes, what stays, and that nothing acknowledged goes with it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from models import (
    ApiToken,
    DeletionRecord,
    Heartbeat,
    OutboxMessage,
    PaymentNotice,
    Photo,
    PhotoState,
    StaffSession,
    WechatUser,
)
from server.context import Context
from server.gateways.clock import SettableClock
from server.services.upkeep.check_integrity import check_integrity
from server.services.upkeep.purge import purge
from tests.cast import JPEG, Phone
from tests.transfer.college import fill_college

Judge = Callable[..., None]
NOTHING = 0


@pytest.fixture
def clock(demo: Context) -> SettableClock:
    assert isinstance(demo.clock, SettableClock)
    return demo.clock


def other_picture(number: int) -> bytes:
    return JPEG + bytes([number])


def send(phone: Phone, judge: Judge, enrolment: str, data: bytes, verdict: str = "pass") -> str:
    photo_id: str = phone.upload(enrolment, data).json["data"]["id"]
    judge(photo_id, verdict)
    return photo_id


def mark(ctx: Context, photo_id: str, state: PhotoState) -> None:
    """Set the state that a reviewer's decision would set."""
    with ctx.db.write() as session:
        session.execute(
            update(Photo)
            .where(Photo.id == uuid.UUID(photo_id))
            .values(state=state, decided_at=ctx.now())
        )


def keys_of(ctx: Context) -> dict[str, tuple[bool, bool]]:
    """Tell for each photo by its state whether original and standard photo are there."""
    with ctx.db.read() as session:
        photos = session.scalars(select(Photo)).all()
    found = {}
    for photo in photos:
        for key in (photo.original_key, photo.standard_key):
            assert key is None or ctx.photo_store.has(key)
        is_kept = (photo.original_key is not None, photo.standard_key is not None)
        found[f"{photo.state}:{photo.verdict}"] = is_kept
    return found


def test_each_kind_of_photo_goes_or_stays(
    alice: Phone, bob: Phone, judge: Judge, demo: Context, clock: SettableClock
) -> None:
    enrolment = alice.bound()
    send(alice, judge, enrolment, other_picture(1), "fail")
    send(alice, judge, enrolment, other_picture(2))
    collected = send(alice, judge, enrolment, other_picture(3))
    mark(demo, collected, PhotoState.APPROVED)
    rejected = bob.bound(1)
    mark(demo, send(bob, judge, rejected, other_picture(4)), PhotoState.REJECTED)
    clock.advance(days=demo.settings.retention_days - 1)
    early = purge(demo)
    assert early.pop("login") == 2
    assert sum(early.values()) == NOTHING
    bob.sign_in()
    clock.advance(days=2)
    send(bob, judge, rejected, other_picture(5))
    assert (
        purge(demo, is_dry=True)
        == purge(demo)
        == {
            "raw photo of a collected student": 1,
            "closed photo": 3,
            "notice body": 0,
            "forged notice": 0,
            "message fields": 0,
            "login": 0,
            "WeChat user": 0,
            "job": 0,
            "code": 0,
            "person": 0,
        }
    )
    assert keys_of(demo) == {
        "checked:fail": (False, False),
        "superseded:pass": (False, False),
        "approved:pass": (False, True),
        "rejected:pass": (False, False),
        "checked:pass": (True, True),
    }
    assert len(list(demo.photo_store.list_keys())) == 3
    assert sum(purge(demo).values()) == NOTHING
    with demo.db.read() as session:
        records = session.scalars(select(DeletionRecord)).all()
    assert sorted(record.subject_kind for record in records) == ["api_token", *["photo"] * 4]
    problems = {problem.kind for problem in check_integrity(demo, has_to_read_files=True)}
    assert not problems & {"row_without_file", "file_without_row", "file_damaged"}


def test_file_that_another_student_sent_too_stays(
    alice: Phone, bob: Phone, judge: Judge, demo: Context, clock: SettableClock
) -> None:
    mine, theirs = alice.bound(), bob.bound(1)
    withdrawn = send(alice, judge, mine, JPEG)
    kept = send(bob, judge, theirs, JPEG)
    assert alice.call("DELETE", f"/photos/{withdrawn}").status_code == 200
    clock.advance(days=demo.settings.retention_days + 1)
    assert purge(demo)["closed photo"] == 1
    bob.sign_in()
    assert bob.call("GET", f"/photos/{kept}/image").status_code == 200
    with demo.db.read() as session:
        keys = session.scalars(select(Photo.original_key)).all()
    (key,) = [key for key in keys if key]
    assert demo.photo_store.get(key) == JPEG


def test_same_bytes_again_after_they_were_deleted_are_judged_anew(
    alice: Phone, judge: Judge, demo: Context, clock: SettableClock
) -> None:
    enrolment = alice.bound()
    photo_id = send(alice, judge, enrolment, JPEG)
    assert alice.call("DELETE", f"/photos/{photo_id}").status_code == 200
    clock.advance(days=demo.settings.retention_days + 1)
    assert purge(demo)["closed photo"] == 1
    alice.sign_in()
    assert alice.call("GET", f"/photos/{photo_id}/image").status_code == 404
    again = send(alice, judge, enrolment, JPEG)
    assert again == photo_id
    assert alice.call("GET", f"/photos/{photo_id}/image").status_code == 200
    assert keys_of(demo) == {"checked:pass": (True, True)}
    assert sum(purge(demo).values()) == NOTHING


def test_upload_between_forgetting_and_deleting_keeps_its_file(
    alice: Phone, judge: Judge, demo: Context, clock: SettableClock
) -> None:
    """The student sends the same bytes again at the moment between the row and the file."""
    enrolment = alice.bound()
    photo_id = send(alice, judge, enrolment, JPEG)
    assert alice.call("DELETE", f"/photos/{photo_id}").status_code == 200
    clock.advance(days=demo.settings.retention_days + 1)
    alice.sign_in()
    uploads: list[int] = []

    class Hurried(SettableClock):
        """Asked for the time after the rows forgot their files and before the files go."""

        def now(self) -> dt.datetime:
            with demo.db.read() as session:
                has_forgotten = session.scalars(select(Photo.original_key)).one() is None
            if has_forgotten and not uploads:
                uploads.append(alice.upload(enrolment, JPEG).status_code)
            return clock.now()

    hurried = dataclasses.replace(demo, clock=Hurried(clock.now()))
    purge(hurried)
    assert uploads == [202]
    judge(photo_id)
    assert keys_of(demo) == {"checked:pass": (True, True)}
    assert alice.call("GET", f"/photos/{photo_id}/image").status_code == 200


def test_notices_messages_and_logins_lose_what_is_personal(
    demo: Context, clock: SettableClock
) -> None:
    fill_college(demo)
    with demo.db.write() as session:
        session.execute(update(OutboxMessage).values(state="sent"))
        length = session.scalar(select(func.length(PaymentNotice.body_encrypted)))
    clock.advance(days=demo.settings.retention_days + 1)
    done = purge(demo)
    assert done["login"] == 3
    assert done["message fields"] == 1
    with demo.db.read() as session:
        assert session.scalars(select(OutboxMessage)).one().fields == {}
        assert session.scalar(select(func.count()).select_from(ApiToken)) == 0
        assert session.scalar(select(func.count()).select_from(StaffSession)) == 0
        notice = session.scalars(select(PaymentNotice)).one()
    assert done["notice body"] == (length > 64)
    assert notice.outcome is None
    assert sum(purge(demo).values()) == NOTHING


def test_nothing_goes_while_a_backup_runs(
    alice: Phone, judge: Judge, demo: Context, clock: SettableClock
) -> None:
    photo_id = send(alice, judge, alice.bound(), JPEG)
    assert alice.call("DELETE", f"/photos/{photo_id}").status_code == 200
    clock.advance(days=demo.settings.retention_days + 1)
    with demo.db.write() as session:
        session.add(Heartbeat(name="backup", at=clock.now()))
    assert purge(demo) == {}
    assert purge(demo, is_dry=True)["closed photo"] == 1
    clock.advance(minutes=11)
    assert purge(demo)["closed photo"] == 1


def test_who_only_looked_in_is_forgotten_and_may_come_again(
    alice: Phone, bob: Phone, demo: Context, clock: SettableClock
) -> None:
    """Who holds an enrolment is known for as long as that; a visitor, 30 days after the sign-in."""
    alice.bound()
    clock.advance(days=36)
    assert purge(demo)["WeChat user"] == 0
    clock.advance(days=2)
    assert purge(demo, is_dry=True)["WeChat user"] == 1
    assert purge(demo)["WeChat user"] == 1
    assert purge(demo)["WeChat user"] == 0
    with demo.db.read() as session:
        known = [user.decrypt_openid(demo.cipher) for user in session.scalars(select(WechatUser))]
    assert sorted("openid" in one for one in known) == [False, True]
    assert alice.sign_in().call("GET", "/enrolments").json["data"]["items"]
    bob.sign_in().bound(1)
    clock.advance(days=60)
    assert purge(demo)["WeChat user"] == 0
