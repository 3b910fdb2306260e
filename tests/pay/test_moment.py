"""Our lateness moves nobody to the next batch (DESIGN: batches)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from models import Batch, Enrolment, FeatureCode, Photo, RefusedUpload
from server.context import Context
from server.services.college.batches import find_target_batch
from server.services.college.close_batch import close_batch
from server.services.photo.check import check_photo
from server.services.review.decide import approve_photo
from server.services.viewer import Viewer
from tests.cast import JPEG, Phone, assert_refused
from tests.college import view_as
from tests.fakes import FakeChecker, FakeExamination
from tests.pay.small_wechat import SmallWechat
from tests.pay.test_order_life import advance, open_order
from tests.services.test_batches import local

AUTUMN, SPRING = "2026-11-10", "2027-05-10"
LAST_MINUTE = "2026-11-10T23:59:30+08:00"
Notify = Callable[..., Any]


def go_to(ctx: Context, text: str) -> None:
    ctx.clock.at = local(text).astimezone(dt.UTC)  # type: ignore[attr-defined]


def judge(ctx: Context, photo_id: str, verdict: str = "pass") -> None:
    check_photo(ctx, FakeChecker(verdict), uuid.UUID(photo_id))


def send(phone: Phone, enrolment_id: str, data: bytes, **form: str) -> Any:
    answer = phone.call(
        "POST",
        f"/enrolments/{enrolment_id}/photos",
        data={"photo": (io.BytesIO(data), "p.jpg"), **form},
        content_type="multipart/form-data",
    )
    answer.request.environ["wsgi.input"].close()
    return answer


class DyingChecker(FakeChecker):
    """Says no more than that the check did not end."""

    def examine(self, data: bytes, **options: Any) -> FakeExamination:
        found = super().examine(data, **options)
        return dataclasses.replace(found, report=found.report | {"unfinished": True})


@pytest.fixture(autouse=True)
def last_day(demo: Context) -> None:
    """All of it happens around the autumn's cut-off; the phones sign in on that day."""
    go_to(demo, "2026-11-10 12:00:00")


@pytest.fixture
def waiting(alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context) -> str:
    """Alice's enrolment: paid in time, photo waits for review, its batch is the autumn's."""
    go_to(demo, "2026-11-10 12:00:00")
    number = open_order(alice, ready)["out_trade_no"]
    paid = wechat.pay(number, success_time="2026-11-10T12:00:00+08:00")
    assert notify(paid).status_code == 204
    assert alice.enrolment(ready)["target_batch"] == AUTUMN
    return ready


@pytest.mark.parametrize("way", ["alone", "together"])
def test_payment_before_the_cutoff_counts_however_late_we_learn_of_it(
    way: str, alice: Phone, ready: str, wechat: SmallWechat, notify: Notify, demo: Context
) -> None:
    go_to(demo, "2026-11-10 23:30:00")
    number = open_order(alice, ready)["out_trade_no"]
    payment = wechat.pay(number, success_time=LAST_MINUTE)
    go_to(demo, "2026-11-11 09:00:00")
    if way == "alone":
        answer = alice.call("GET", f"/orders/{number}")
        assert answer.json["data"]["state"] == "paid"
    else:
        assert notify(payment).status_code == 204
    data = alice.enrolment(ready)
    assert (data["status"]["value"], data["target_batch"]) == ("uploaded", AUTUMN)


def test_photo_of_the_last_second_counts_however_late_it_is_judged(
    alice: Phone, demo: Context
) -> None:
    enrolment_id = alice.bound()
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(fee_settled_at=demo.now()))
    go_to(demo, "2026-11-10 23:59:59.800")
    answer = alice.upload(enrolment_id)
    advance(demo, hours=7)
    judge(demo, answer.json["data"]["id"])
    assert alice.enrolment(enrolment_id)["target_batch"] == AUTUMN


def test_photo_that_came_after_the_cutoff_is_in_the_next_batch(alice: Phone, demo: Context) -> None:
    enrolment_id = alice.bound()
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(fee_settled_at=demo.now()))
    go_to(demo, "2026-11-11 00:00:00")
    judge(demo, alice.upload(enrolment_id).json["data"]["id"])
    assert alice.enrolment(enrolment_id)["target_batch"] == SPRING


@pytest.mark.parametrize(
    ("minutes", "batch"), [([59], AUTUMN), ([50, 50], AUTUMN), ([61], SPRING), ([50, 61], SPRING)]
)
def test_try_that_we_refused_counts_when_it_is_repeated_within_the_hour(
    minutes: list[int], batch: str, alice: Phone, demo: Context
) -> None:
    enrolment_id = alice.bound()
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(fee_settled_at=demo.now()))
        session.execute(update(FeatureCode).values(closes_at=local("2026-11-10 23:59:59")))
    go_to(demo, "2026-11-10 23:59:50")
    fill_queue(demo, enrolment_id)
    assert_refused(alice.upload(enrolment_id), 503, "queue_full")
    for pause in minutes[:-1]:
        advance(demo, minutes=pause)
        assert_refused(alice.upload(enrolment_id, JPEG + b"?"), 503, "queue_full")
    advance(demo, minutes=minutes[-1])
    with demo.db.write() as session:
        session.execute(delete(Photo))
    answer = alice.upload(enrolment_id, JPEG + b"another one")
    if batch == SPRING:
        assert_refused(answer, 409, "feature_code_closed")
        return
    judge(demo, answer.json["data"]["id"])
    assert alice.enrolment(enrolment_id)["target_batch"] == batch
    with demo.db.read() as session:
        assert session.scalars(select(RefusedUpload)).all() == [], "used up"


def fill_queue(ctx: Context, enrolment_id: str) -> None:
    """Let so many photos wait that a new one would wait too long."""
    with ctx.db.write() as session:
        mine = session.get_one(Enrolment, uuid.UUID(enrolment_id))
        other = session.scalars(select(Enrolment.id).where(Enrolment.id != mine.id)).first()
        common = {"enrolment_id": other, "user_id": mine.wechat_user_id, "size_bytes": 1}
        session.execute(
            insert(Photo),
            [
                common
                | {"sha256": f"{place:064x}", "profile": "moe-2017", "submitted_at": ctx.now()}
                for place in range(130)
            ],
        )


def test_photo_on_which_our_checker_died_counts_when_another_one_follows(
    alice: Phone, demo: Context
) -> None:
    enrolment_id = alice.bound()
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(fee_settled_at=demo.now()))
    go_to(demo, "2026-11-10 23:59:00")
    first = alice.upload(enrolment_id).json["data"]["id"]
    advance(demo, minutes=30)
    check_photo(demo, DyingChecker("fail"), uuid.UUID(first))
    advance(demo, minutes=40)
    judge(demo, alice.upload(enrolment_id, JPEG + b"2").json["data"]["id"])
    assert alice.enrolment(enrolment_id)["target_batch"] == AUTUMN


def test_photo_that_was_simply_bad_gives_no_second_chance(alice: Phone, demo: Context) -> None:
    enrolment_id = alice.bound()
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(fee_settled_at=demo.now()))
    go_to(demo, "2026-11-10 23:59:00")
    judge(demo, alice.upload(enrolment_id).json["data"]["id"], "fail")
    advance(demo, minutes=10)
    judge(demo, alice.upload(enrolment_id, JPEG + b"2").json["data"]["id"])
    assert alice.enrolment(enrolment_id)["target_batch"] == SPRING


def test_replacing_after_the_cutoff_is_asked_before_it_costs_the_place(
    alice: Phone, waiting: str, demo: Context
) -> None:
    go_to(demo, "2026-11-11 00:00:10")
    same = alice.upload(waiting)
    assert same.status_code == 200, "the same bytes change nothing"
    refused = send(alice, waiting, JPEG + b"new")
    assert_refused(refused, 409, "would_lose_batch")
    assert refused.json["data"]["batch"] == AUTUMN
    assert refused.json["data"]["next_batch"] == SPRING
    assert alice.enrolment(waiting)["target_batch"] == AUTUMN
    sent = send(alice, waiting, JPEG + b"new", confirm="true")
    assert sent.status_code == 202, sent.text
    judge(demo, sent.json["data"]["id"])
    assert alice.enrolment(waiting)["target_batch"] == SPRING


def test_withdrawing_after_the_cutoff_is_asked_before_it_costs_the_place(
    alice: Phone, waiting: str, demo: Context
) -> None:
    photo_id = alice.enrolment(waiting)["photo"]["id"]
    go_to(demo, "2026-11-11 00:00:10")
    refused = alice.call("DELETE", f"/photos/{photo_id}")
    assert_refused(refused, 409, "would_lose_batch")
    assert refused.json["data"]["batch"] == AUTUMN
    no = alice.call("DELETE", f"/photos/{photo_id}", json={"confirm": False})
    assert_refused(no, 409, "would_lose_batch")
    done = alice.call("DELETE", f"/photos/{photo_id}", json={"confirm": True})
    assert done.json["data"]["status"]["value"] == "not_uploaded"


def test_nobody_is_asked_before_the_cutoff(alice: Phone, waiting: str, demo: Context) -> None:
    go_to(demo, "2026-11-10 23:59:59")
    assert send(alice, waiting, JPEG + b"new").status_code == 202


def test_second_photo_after_the_cutoff_is_asked_while_the_first_one_is_checked(
    alice: Phone, demo: Context
) -> None:
    enrolment_id = alice.bound()
    with demo.db.write() as session:
        session.execute(update(Enrolment).values(fee_settled_at=demo.now()))
    go_to(demo, "2026-11-10 23:59:50")
    assert alice.upload(enrolment_id).status_code == 202
    go_to(demo, "2026-11-11 00:00:10")
    assert_refused(send(alice, enrolment_id, JPEG + b"2"), 409, "would_lose_batch")


def test_approval_and_closing_wait_for_each_other(
    alice: Phone, waiting: str, demo: Context
) -> None:
    """Whoever is first: no photo is ever locked into a batch that was closed before."""
    if demo.db.is_sqlite:
        pytest.skip("SQLite has one writer at a time")
    go_to(demo, "2026-11-11 08:00:00")
    reviewer: Viewer = view_as(demo, "reviewer")
    photo_id = uuid.UUID(alice.enrolment(waiting)["photo"]["id"])
    closing = threading.Event()
    with demo.db.write() as session:
        batch = session.scalars(
            select(Batch).where(Batch.date == dt.date(2026, 11, 10)).with_for_update()
        ).one()
        approving = threading.Thread(target=lambda: approve_photo(demo, reviewer, photo_id))
        approving.start()
        closing.wait(0.3)
        assert approving.is_alive(), "the approval waits for the batch that is being closed"
        batch.closed_at = demo.now()
    approving.join(60)
    with demo.db.read() as session:
        row = session.get_one(Enrolment, uuid.UUID(waiting))
        assert session.get_one(Batch, row.batch_id).label == SPRING
    # and the other way round: what is being approved keeps its batch open
    with demo.db.write() as session:
        spring = session.get_one(Enrolment, uuid.UUID(waiting))
        spring.batch_id = None
        target = find_target_batch(session, spring, demo.now(), is_locked=True)
        assert target is not None
        go_to(demo, "2027-06-01 08:00:00")
        closer = threading.Thread(
            target=lambda: close_batch(demo, institution=None, date=dt.date(2027, 5, 10))
        )
        closer.start()
        closing.wait(0.3)
        assert closer.is_alive(), "closing waits for the approval"
    closer.join(60)
