"""自动通过: what is clean is approved without a person, a share is drawn, its error rate shown."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from models import (
    AuditEntry,
    CollectionStatus,
    DrawnPhoto,
    Enrolment,
    FeatureCode,
    OutboxMessage,
    Photo,
    Review,
    Verdict,
)
from server.context import Context
from server.services.review import automatic
from server.services.review.automatic import approve_clean_passes, bound_share, set_automatic
from server.services.review.decide import reject_photo, undo_review
from server.services.review.sheet import show_sheet
from tests.college import view_as
from tests.console.test_review import one_engine, put_in_queue
from tests.desk import sign_in


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the dice say, from 0 to 99: below the share is drawn for people."""

    def throw(value: int) -> None:
        monkeypatch.setattr(secrets, "randbelow", lambda _: value)

    throw(99)
    return throw


def turn_on(demo: Context, percent: int = 20) -> None:
    set_automatic(demo, view_as(demo, "admin"), is_on=True, draw_percent=percent)


def put_clean(demo: Context, place: int, **changes: Any) -> uuid.UUID:
    photo_id = put_in_queue(demo, place, uploaded_at=demo.now() - dt.timedelta(hours=2))
    with demo.db.write() as session:
        photo = session.get_one(Photo, photo_id)
        row = session.get_one(Enrolment, photo.enrolment_id)
        for name, value in changes.items():
            setattr(row if hasattr(Enrolment, name) and name != "report" else photo, name, value)
    return photo_id


def status(demo: Context, photo_id: uuid.UUID) -> CollectionStatus:
    with demo.db.read() as session:
        photo = session.get_one(Photo, photo_id)
        return session.get_one(Enrolment, photo.enrolment_id).collection_status


@one_engine
def test_nothing_happens_until_a_college_turns_it_on(demo: Context, draw: Any) -> None:
    put_clean(demo, 0)
    assert approve_clean_passes(demo) == 0
    set_automatic(demo, view_as(demo, "admin"), is_on=False, draw_percent=20)
    assert approve_clean_passes(demo) == 0


@one_engine
def test_clean_pass_is_collected_told_and_named_as_automatic(
    app: Flask, demo: Context, draw: Any
) -> None:
    photo_id = put_clean(demo, 0)
    turn_on(demo)
    assert approve_clean_passes(demo) == 1
    assert status(demo, photo_id) is CollectionStatus.COLLECTED
    with demo.db.read() as session:
        review = session.scalars(select(Review)).one()
        entry = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "photo.approve_automatically")
        ).one()
        told = session.scalar(select(func.count()).select_from(OutboxMessage))
    assert review.is_automatic
    assert (entry.staff_id, entry.subject_id) == (None, str(photo_id))
    assert told is not None
    page = sign_in(app, "admin").get(f"/console/students/{review.enrolment_id}").text
    assert "自动通过" in page
    with pytest.raises(Exception, match="没有找到"):
        undo_review(demo, view_as(demo, "admin"), review.id)


@one_engine
@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": Verdict.WARN},
        {"report": {"findings": [{"code": "x", "status": "warn", "message": "x"}]}},
        {"report": {"findings": [], "changes": [{"code": "wall", "message": "x"}]}},
        {"opened_at": dt.datetime(2026, 9, 30, tzinfo=dt.UTC)},
        {"doubted_at": dt.datetime(2026, 9, 30, tzinfo=dt.UTC)},
        {"leased_until": dt.datetime(2027, 9, 30, tzinfo=dt.UTC)},
        {"collection_status": CollectionStatus.REUPLOADED},
        {"register_status": "休学"},
        {"uploaded_at": dt.datetime(2026, 10, 1, 3, 30, tzinfo=dt.UTC)},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_asks_for_a_person_waits_for_one(
    demo: Context, draw: Any, changes: dict[str, Any]
) -> None:
    photo_id = put_clean(demo, 0, **changes)
    turn_on(demo)
    assert approve_clean_passes(demo) == 0
    assert status(demo, photo_id) is not CollectionStatus.COLLECTED


@one_engine
@pytest.mark.parametrize(("source", "approved"), [("camera", 1), ("album", 0), ("", 0)])
def test_photo_for_the_camera_only_says_that_it_came_from_one(
    demo: Context, draw: Any, source: str, approved: int
) -> None:
    photo_id = put_clean(demo, 0)
    with demo.db.write() as session:
        session.get_one(Photo, photo_id).source = source
        session.execute(update(FeatureCode).values(capture_policy="camera_only"))
        session.execute(
            update(Enrolment).values(feature_code_id=select(FeatureCode.id).scalar_subquery())
        )
    turn_on(demo)
    assert approve_clean_passes(demo) == approved


@one_engine
def test_photo_that_two_students_sent_waits_for_a_person(demo: Context, draw: Any) -> None:
    first, second = put_clean(demo, 0), put_clean(demo, 1)
    with demo.db.write() as session:
        session.get_one(Photo, second).sha256 = session.get_one(Photo, first).sha256
    turn_on(demo)
    assert approve_clean_passes(demo) == 0


@one_engine
def test_drawn_ones_are_judged_alone_and_their_rejections_are_the_error_rate(
    app: Flask, demo: Context, draw: Any
) -> None:
    turn_on(demo, percent=20)
    draw(19)
    drawn = [put_clean(demo, place) for place in range(2)]
    assert approve_clean_passes(demo) == 0
    draw(20)
    assert approve_clean_passes(demo) == 0, "the draw about a photo is made once"
    put_clean(demo, 2)
    assert approve_clean_passes(demo) == 1
    reviewer = view_as(demo, "reviewer")
    assert show_sheet(demo, reviewer) == []
    reject_photo(demo, reviewer, drawn[0], reason_codes=["light.dark"], note="")
    with demo.db.read() as session:
        assert session.scalar(select(func.count()).select_from(DrawnPhoto)) == 3
    for path in ("/console/progress", "/console/automatic"):
        page = sign_in(app, "admin").read(path).text
        assert "2 张，已审核 1 张，退回 1 张" in page
        assert "100.0%" in page
    assert "抽查" not in sign_in(app, "finance").read("/console/progress").text


@one_engine
def test_turning_on_asks_first_and_the_share_has_limits(app: Flask, demo: Context) -> None:
    desk = sign_in(app, "admin")
    fields = {"is_on": "yes", "draw_percent": "20"}
    asked = desk.post("/console/automatic", **fields)
    assert "开启自动通过？" in asked.text
    assert not automatic.read_automatic(demo, view_as(demo, "admin")).is_on
    desk.submit("/console/automatic", **fields, confirmed="yes")
    assert automatic.read_automatic(demo, view_as(demo, "admin")).is_on
    for wrong in ("4", "101", "x"):
        assert desk.post("/console/automatic", draw_percent=wrong).status_code == 422
    desk.submit("/console/automatic", draw_percent="50")
    assert not automatic.read_automatic(demo, view_as(demo, "admin")).is_on


def test_bound_is_that_of_clopper_and_pearson() -> None:
    """0 of 59 is the textbook case below 5 %; the others come from tables."""
    assert bound_share(0, 59) == pytest.approx(0.0495, abs=0.0001)
    assert bound_share(1, 10) == pytest.approx(0.3942, abs=0.0001)
    assert bound_share(3, 100) == pytest.approx(0.0757, abs=0.0001)
    assert (bound_share(0, 0), bound_share(2, 2)) == (1.0, 1.0)
