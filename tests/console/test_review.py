"""The review queue: who comes first, one reviewer a photo, decisions, undo, and what is told."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from models import (
    CollectionStatus,
    Enrolment,
    OutboxMessage,
    Photo,
    PhotoState,
    Review,
    Verdict,
    WechatUser,
    index_openid,
    new_id,
)
from server.context import Context
from server.gateways.clock import LOCAL_ZONE
from tests.desk import Desk, sign_in

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
MINUTE = dt.timedelta(minutes=1)


def put_in_queue(
    ctx: Context,
    place: int,
    verdict: Verdict = Verdict.PASS,
    *,
    uploaded_at: dt.datetime | None = None,
    codes: tuple[str, ...] = (),
) -> uuid.UUID:
    """Let the student at this place of the roster wait for review; returns the photo."""
    now = ctx.now()
    with ctx.db.write() as session:
        row = session.scalars(
            select(Enrolment).order_by(Enrolment.student_no).offset(place).limit(1)
        ).one()
        user = WechatUser(
            id=new_id(),
            openid_encrypted=b"x",
            openid_index=index_openid(f"student-{place}", ctx.cipher),
            created_at=now,
        )
        session.add(user)
        session.flush()
        photo = Photo(
            enrolment_id=row.id,
            user_id=user.id,
            sha256=f"{place:064d}",
            size_bytes=1,
            profile="moe-2017",
            state=PhotoState.CHECKED,
            submitted_at=now,
            verdict=verdict,
            report={
                "findings": [{"code": code, "status": "warn", "message": code} for code in codes]
            },
        )
        session.add(photo)
        session.flush()
        row.wechat_user_id, row.photo_id = user.id, photo.id
        row.collection_status = CollectionStatus.UPLOADED
        row.uploaded_at = uploaded_at or now
        return photo.id


def next_photo(desk: Desk) -> str:
    return desk.get("/console/review/next").headers["Location"]


def address(photo_id: uuid.UUID) -> str:
    return f"/console/review/{photo_id}"


def status_of(ctx: Context, photo_id: uuid.UUID) -> CollectionStatus:
    with ctx.db.read() as session:
        photo = session.get_one(Photo, photo_id)
        return session.get_one(Enrolment, photo.enrolment_id).collection_status


def messages(ctx: Context) -> list[OutboxMessage]:
    with ctx.db.read() as session:
        return list(session.scalars(select(OutboxMessage)))


def test_near_the_cutoff_comes_first_then_warnings_then_the_oldest(
    app: Flask, demo: Context
) -> None:
    demo.clock.at = dt.datetime(2026, 11, 6, 12, 0, tzinfo=LOCAL_ZONE)  # type: ignore[attr-defined]
    after = dt.datetime(2026, 11, 11, 9, 0, tzinfo=LOCAL_ZONE)
    late_old = put_in_queue(demo, 0, uploaded_at=after)
    late_warned = put_in_queue(demo, 1, Verdict.WARN, uploaded_at=after + MINUTE)
    near_young = put_in_queue(demo, 2, uploaded_at=demo.now())
    near_old = put_in_queue(demo, 3, uploaded_at=demo.now() - MINUTE)
    shown = sign_in(app, "reviewer").read("/console/review").html
    order = [
        uuid.UUID(each) for each in re.findall(r'href="/console/review/([0-9a-f-]{36})"', shown)
    ]
    assert order == [near_old, near_young, late_warned, late_old]


@pytest.mark.engines
def test_two_reviewers_never_hold_the_same_photo(app: Flask, demo: Context) -> None:
    first, second = put_in_queue(demo, 0), put_in_queue(demo, 1, uploaded_at=demo.now() + MINUTE)
    alice, bob = sign_in(app, "reviewer"), sign_in(app, "admin")
    assert next_photo(alice) == address(first)
    assert alice.get(address(first)).status_code == 200
    # while alice looks at the first, the second is loaded for her
    assert "没有其他等待审核的照片" in bob.get("/console/review/next", follow_redirects=True).text
    assert bob.get(address(first)).status_code == 409
    assert bob.post(f"{address(second)}/approve").status_code == 409
    demo.clock.advance(minutes=10, seconds=1)  # type: ignore[attr-defined]
    assert next_photo(bob) == address(first)
    assert alice.post(f"{address(first)}/approve").status_code == 409
    bob.submit(f"{address(first)}/approve")
    assert status_of(demo, first) is CollectionStatus.COLLECTED


@pytest.mark.engines
def test_approval_locks_the_photo_and_a_second_click_is_the_same(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    desk = sign_in(app, "reviewer")
    first = desk.submit(f"{address(photo_id)}/approve")
    assert desk.submit(f"{address(photo_id)}/approve") == first
    with demo.db.read() as session:
        assert len(session.scalars(select(Review)).all()) == 1
        row = session.scalars(select(Enrolment).where(Enrolment.photo_id == photo_id)).one()
        assert row.batch is not None
        assert row.batch.label == "2026-11-10"
    assert [one.template for one in messages(demo)] == ["photo_collected"]


@one_engine
def test_rejection_names_its_reasons_to_the_student(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0, Verdict.WARN, codes=("hair.brows",))
    desk = sign_in(app, "reviewer")
    page = desk.read(address(photo_id)).html
    assert re.search(r'value="hair.brows" data-key="1"', page)
    empty = desk.post(f"{address(photo_id)}/reject", note="  ")
    assert empty.status_code == 422
    assert "请至少选择一个退回原因" in empty.text
    desk.submit(f"{address(photo_id)}/reject", reason=["hair.brows", "no.such"], note="露出眉毛")
    assert status_of(demo, photo_id) is CollectionStatus.REUPLOAD_REQUIRED
    assert messages(demo)[0].fields["thing2"] == "头发遮住眉毛；露出眉毛"
    assert messages(demo)[0].next_attempt_at == demo.now() + MINUTE


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_decision_is_taken_back_within_a_minute_and_nobody_is_told(
    app: Flask, demo: Context, decision: str
) -> None:
    photo_id = put_in_queue(demo, 0)
    desk = sign_in(app, "reviewer")
    done = desk.submit(f"{address(photo_id)}/{decision}", reason="eyes.closed")
    review_id = done.split("done=")[1]
    other = sign_in(app, "admin")
    assert other.post(f"/console/review/decisions/{review_id}/undo").status_code == 404
    demo.clock.advance(seconds=59)  # type: ignore[attr-defined]
    assert desk.submit(f"/console/review/decisions/{review_id}/undo") == address(photo_id)
    assert status_of(demo, photo_id) is CollectionStatus.UPLOADED
    assert messages(demo) == []
    assert desk.get(address(photo_id)).status_code == 200


@one_engine
def test_after_a_minute_a_decision_stands(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    desk = sign_in(app, "reviewer")
    review_id = desk.submit(f"{address(photo_id)}/approve").split("done=")[1]
    demo.clock.advance(seconds=61)  # type: ignore[attr-defined]
    assert desk.post(f"/console/review/decisions/{review_id}/undo").status_code == 409
    assert status_of(demo, photo_id) is CollectionStatus.COLLECTED


@one_engine
def test_contact_sheet_approves_what_is_ticked_and_still_waits(app: Flask, demo: Context) -> None:
    clean = [put_in_queue(demo, place) for place in range(3)]
    put_in_queue(demo, 3, Verdict.WARN)
    desk = sign_in(app, "reviewer")
    shown = re.findall(
        r'name="photo" value="([0-9a-f-]{36})"', desk.read("/console/review/sheet").html
    )
    assert {uuid.UUID(each) for each in shown} == set(clean)
    with demo.db.write() as session:
        session.get_one(Photo, clean[2]).state = PhotoState.WITHDRAWN
    answer = desk.client.get(
        desk.submit("/console/review/sheet", photo=[str(i) for i in clean[1:]])
    )
    assert "已通过 1 张" in answer.text
    assert "1 张已被更换、撤回或由他人审核" in answer.text
    assert status_of(demo, clean[0]) is CollectionStatus.UPLOADED
    assert status_of(demo, clean[1]) is CollectionStatus.COLLECTED


@one_engine
def test_corrected_photo_is_unlocked_with_its_reason_on_record(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    sign_in(app, "reviewer").submit(f"{address(photo_id)}/approve")
    with demo.db.read() as session:
        student = f"/console/students/{session.get_one(Photo, photo_id).enrolment_id}"
    admin = sign_in(app, "admin")
    refused = admin.post(f"{student}/correct", reason="错")
    assert refused.status_code == 422
    assert "至少 4 个字" in refused.text
    admin.submit(f"{student}/correct", reason="照片不是本人")
    page = admin.read(student).text
    assert "勘误解锁" in page
    assert "照片不是本人" in page
    assert status_of(demo, photo_id) is CollectionStatus.REUPLOAD_REQUIRED
    assert admin.post(f"{student}/correct", reason="再来一次吧").status_code == 409


@one_engine
def test_student_cannot_replace_a_photo_that_was_opened(app: Flask, demo: Context) -> None:
    photo_id = put_in_queue(demo, 0)
    sign_in(app, "reviewer").get(address(photo_id))
    with demo.db.read() as session:
        photo: Any = session.get_one(Photo, photo_id)
    assert photo.opened_at == demo.now()
    assert photo.leased_until == demo.now() + dt.timedelta(minutes=10)
