from __future__ import annotations

import concurrent.futures
import contextlib
import datetime as dt
import io
import uuid
from collections.abc import Callable
from tempfile import SpooledTemporaryFile

import pytest
from sqlalchemy import event, select, update
from werkzeug.datastructures import FileStorage
from werkzeug.test import create_environ, encode_multipart

from benchmarks.rig.portraits import heic_bytes
from benchmarks.rig.stack import wait_until
from models import Enrolment, FeatureCode, Photo, RefusedUpload, StatusChange
from server.context import Context
from server.gateways.photo_store import FolderPhotoStore, hash_bytes
from server.request_body import FormRequest
from server.services.photo.refused import Refusal, RefusalNotes
from server.services.photo.requeue import requeue_unchecked_photos
from server.sizes import MAX_BODY_BYTES, MAX_PHOTO_BYTES
from tests.cast import JPEG, Phone, assert_refused
from tests.console.test_review_people import count_statements

Judge = Callable[..., None]


def settle_fee(ctx: Context) -> None:
    with ctx.db.write() as session:
        session.execute(update(Enrolment).values(fee_settled_at=ctx.now()))


def test_upload_is_stored_recorded_and_queued_before_it_is_acknowledged(
    alice: Phone, demo: Context
) -> None:
    answer = alice.upload(alice.bound())
    assert answer.status_code == 202
    data = answer.json["data"]
    assert data["verdict"] is None
    assert data["estimate_s"] >= 1
    assert alice.call("GET", data["poll"].removeprefix("/api/v1")).json["data"]["id"] == data["id"]
    with demo.db.read() as session:
        photo = session.scalars(select(Photo)).one()
    assert photo.sha256 == hash_bytes(JPEG)
    assert demo.photo_store.get(photo.original_key or "") == JPEG
    assert demo.queue.count_waiting() == 1


def test_upload_costs_the_database_seven_statements_and_one_commit(
    alice: Phone, demo: Context
) -> None:
    enrolment = alice.bound()
    alice.upload(enrolment)
    commits: list[object] = []
    event.listen(demo.db.engine, "commit", commits.append)
    with count_statements(demo) as statements:
        answer = alice.upload(enrolment, JPEG + b"another", source="camera")
    assert (answer.status_code, answer.json["data"]["source"]) == (202, "camera")
    asked = [each for each in statements if not each.startswith("BEGIN")]
    assert len(asked) <= 7, "on the last evening everybody waits for these"
    assert len(commits) == 1, "each is a wait for the disk"


def test_verdict_comes_with_findings_picture_and_lines(alice: Phone, judge: Judge) -> None:
    enrolment = alice.bound()
    photo_id = alice.upload(enrolment).json["data"]["id"]
    judge(photo_id)
    data = alice.call("GET", f"/photos/{photo_id}").json["data"]
    assert (data["state"], data["verdict"]) == ("checked", "pass")
    assert data["measurements"]["head_top_px"] == 80.0
    image = alice.call("GET", f"/photos/{photo_id}/image")
    assert image.mimetype == "image/jpeg"
    assert alice.call("GET", f"/photos/{photo_id}/overlay").mimetype == "image/svg+xml"
    assert alice.enrolment(enrolment)["next_step"] == "pay"


def test_failed_photo_asks_for_another_one(alice: Phone, judge: Judge) -> None:
    enrolment = alice.bound()
    judge(alice.upload(enrolment).json["data"]["id"], "fail")
    data = alice.enrolment(enrolment)
    assert (data["next_step"], data["status"]["value"]) == ("recapture", "not_uploaded")


def test_paid_and_passed_is_uploaded_in_either_order(
    alice: Phone, judge: Judge, demo: Context
) -> None:
    enrolment = alice.bound()
    settle_fee(demo)
    judge(alice.upload(enrolment).json["data"]["id"])
    data = alice.enrolment(enrolment)
    assert data["status"] == {"value": "uploaded", "label": "已上传"}
    assert data["next_step"] == "wait_review"
    assert [step["status"]["value"] for step in data["history"]] == ["not_uploaded", "uploaded"]


@pytest.mark.engines
def test_same_bytes_twice_are_one_photo(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    first = alice.upload(enrolment).json["data"]["id"]
    assert alice.upload(enrolment).json["data"]["id"] == first
    with demo.db.read() as session:
        assert len(session.scalars(select(Photo)).all()) == 1


def test_newer_passing_photo_replaces_until_it_is_opened(
    alice: Phone, judge: Judge, demo: Context
) -> None:
    enrolment = alice.bound()
    settle_fee(demo)
    first = alice.upload(enrolment).json["data"]["id"]
    judge(first)
    second = alice.upload(enrolment, JPEG + b"2").json["data"]["id"]
    judge(second)
    assert alice.call("GET", f"/photos/{first}").json["data"]["state"] == "superseded"
    assert alice.enrolment(enrolment)["photo"]["id"] == second
    with demo.db.write() as session:
        session.execute(update(Photo).values(opened_at=demo.now()))
    assert_refused(alice.upload(enrolment, JPEG + b"3"), 409, "photo_under_review")
    assert_refused(alice.call("DELETE", f"/photos/{second}"), 409, "photo_under_review")


def test_failing_second_try_leaves_the_first_in_place(
    alice: Phone, judge: Judge, demo: Context
) -> None:
    enrolment = alice.bound()
    settle_fee(demo)
    judge(alice.upload(enrolment).json["data"]["id"])
    judge(alice.upload(enrolment, JPEG + b"2").json["data"]["id"], "fail")
    assert alice.enrolment(enrolment)["status"]["value"] == "uploaded"


def test_withdrawn_photo_no_longer_counts_and_may_come_back(
    alice: Phone, judge: Judge, demo: Context
) -> None:
    enrolment = alice.bound()
    settle_fee(demo)
    photo_id = alice.upload(enrolment).json["data"]["id"]
    judge(photo_id)
    data = alice.call("DELETE", f"/photos/{photo_id}").json["data"]
    assert (data["status"]["value"], data["next_step"]) == ("not_uploaded", "capture")
    assert alice.upload(enrolment).json["data"]["state"] == "checked"
    assert alice.enrolment(enrolment)["status"]["value"] == "uploaded"
    with demo.db.read() as session:
        events = session.scalars(select(StatusChange.event).order_by(StatusChange.id)).all()
    assert events[-3:] == ["submitted", "withdrawn", "submitted"]


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "photo_empty"),
        (b"%PDF-1.7 not a photo", 415, "photo_type_unsupported"),
        (b"GIF89a" + b"\0" * 50, 415, "photo_type_unsupported"),
        (b"\0\0\0\x18ftypisom" + b"\0" * 50, 415, "photo_type_unsupported"),
        (JPEG + b"\0" * MAX_PHOTO_BYTES, 413, "photo_too_large"),
    ],
    ids=["empty", "pdf", "gif", "film", "11MB"],
)
def test_unusable_upload_is_refused_and_leaves_nothing(
    alice: Phone, demo: Context, data: bytes, status: int, code: str
) -> None:
    assert_refused(alice.upload(alice.bound(), data), status, code)
    assert list(demo.photo_store.list_keys()) == []
    with demo.db.read() as session:
        assert session.scalars(select(Photo)).all() == []


def test_refused_types_are_told_apart(alice: Phone) -> None:
    sent = (b"%PDF-1.7", b"GIF89a", b"\0\0\0\x18ftypisom", b"<html>")
    enrolment = alice.bound()
    messages = [alice.upload(enrolment, data + bytes(50)).json["message"] for data in sent]
    assert len(set(messages)) == len(sent)
    assert "PDF" in messages[0]
    assert "GIF" in messages[1]
    assert "视频" in messages[2]


def test_photo_of_an_iphone_is_taken_as_it_is(alice: Phone) -> None:
    assert alice.upload(alice.bound(), heic_bytes()).status_code in (200, 202)


def test_missing_file_field_is_named(alice: Phone) -> None:
    enrolment = alice.bound()
    answer = alice.call("POST", f"/enrolments/{enrolment}/photos")
    assert_refused(answer, 422, "invalid_request")
    assert answer.json["message"].endswith("photo")


def test_other_peoples_photos_do_not_exist(alice: Phone, bob: Phone, judge: Judge) -> None:
    enrolment = alice.bound()
    photo_id = alice.upload(enrolment).json["data"]["id"]
    judge(photo_id)
    for path in ("", "/image", "/overlay"):
        assert_refused(bob.call("GET", f"/photos/{photo_id}{path}"), 404, "not_found")
    assert_refused(bob.call("DELETE", f"/photos/{photo_id}"), 404, "not_found")
    assert_refused(bob.upload(enrolment), 404, "not_found")
    assert_refused(bob.call("POST", f"/enrolments/{enrolment}/order"), 404, "not_found")


def test_ten_submissions_a_day_then_tomorrow(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    for number in range(10):
        assert alice.upload(enrolment, JPEG + bytes([number])).status_code == 202
    answer = alice.upload(enrolment, JPEG + b"eleventh")
    assert_refused(answer, 429, "daily_limit")
    assert 0 < int(answer.headers["Retry-After"]) <= 86400
    assert alice.upload(enrolment, JPEG + bytes([3])).status_code == 202
    demo.clock.advance(hours=13)  # type: ignore[attr-defined]
    assert alice.upload(enrolment, JPEG + b"eleventh").status_code == 202


def test_code_that_wants_payment_first_refuses_the_photo(alice: Phone, demo: Context) -> None:
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(pay_first=True))
    enrolment = alice.bound()
    assert alice.enrolment(enrolment)["next_step"] == "pay"
    assert_refused(alice.upload(enrolment), 402, "payment_required")


def test_store_that_cannot_be_written_loses_nothing(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    store = demo.photo_store
    assert isinstance(store, FolderPhotoStore)
    store.folder.parent.mkdir(parents=True, exist_ok=True)
    store.folder.write_bytes(b"a file where the folder should be")
    answer = alice.upload(enrolment)
    assert_refused(answer, 503, "store_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    store.folder.unlink()
    assert alice.upload(enrolment).status_code == 202


def test_full_queue_asks_to_come_back(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(daily_submissions=2000))
    object.__setattr__(demo.settings, "queue_limit", 2)
    alice.upload(enrolment, JPEG + b"1")
    alice.upload(enrolment, JPEG + b"2")
    answer = alice.upload(enrolment, JPEG + b"3")
    assert_refused(answer, 503, "queue_full")
    assert int(answer.headers["Retry-After"]) > 0


def test_who_comes_in_the_moment_of_a_refusal_is_refused_unread(
    alice: Phone, demo: Context
) -> None:
    enrolment = alice.bound()
    demo.clock.advance(seconds=1)  # type: ignore[attr-defined]
    object.__setattr__(demo.settings, "queue_limit", 1)
    alice.upload(enrolment)
    assert_refused(alice.upload(enrolment, JPEG + b"2"), 503, "queue_full")
    with count_statements(demo) as statements:
        answer = alice.upload(enrolment, JPEG + b"3")
    assert_refused(answer, 503, "queue_full")
    assert answer.headers["Retry-After"]
    assert not any("FROM photo" in each for each in statements)
    object.__setattr__(demo.settings, "queue_limit", 2)
    assert_refused(alice.upload(enrolment, JPEG + b"4"), 503, "queue_full")
    demo.clock.advance(seconds=0.3)  # type: ignore[attr-defined]
    assert alice.upload(enrolment, JPEG + b"4").status_code == 202


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_crowd_that_is_refused_at_once_is_written_down_together(
    alice: Phone, demo: Context
) -> None:
    enrolment = uuid.UUID(alice.bound())
    with demo.db.read() as session:
        owner = session.get_one(Enrolment, enrolment).wechat_user_id
    assert owner is not None
    commits: list[object] = []
    event.listen(demo.db.engine, "commit", commits.append)
    users, notes = [*[uuid.uuid4()] * 6, *[owner] * 6], RefusalNotes()
    with concurrent.futures.ThreadPoolExecutor(len(users)) as pool, demo.db.write():
        # who has the turn waits as long as this transaction lasts
        for user in users:
            pool.submit(notes.note, demo, Refusal(user, enrolment, demo.now()))
        others = len(users) - 1
        wait_until(lambda: len(notes._waiting) == others, 20, "the others wait")
    with demo.db.read() as session:
        assert len(session.scalars(select(RefusedUpload)).all()) == 1
    assert len(commits) == 2, "one for each is what a crowd waits for"


def test_sweeper_puts_back_what_a_killed_worker_left(alice: Phone, demo: Context) -> None:
    alice.upload(alice.bound())
    demo.queue.huey.flush()
    assert requeue_unchecked_photos(demo) == 1
    assert requeue_unchecked_photos(demo) == 0, "it is in the queue again"
    demo.queue.huey.flush()
    with demo.db.write() as session:
        session.execute(update(Photo).values(check_started_at=demo.now()))
    assert requeue_unchecked_photos(demo) == 0, "a worker has it in hand"
    demo.clock.advance(seconds=26)  # type: ignore[attr-defined]
    assert requeue_unchecked_photos(demo) == 1


def test_photo_that_kills_its_checker_again_and_again_is_unreadable(
    alice: Phone, judge: Judge, demo: Context
) -> None:
    photo_id = alice.upload(alice.bound()).json["data"]["id"]
    with demo.db.write() as session:
        session.execute(update(Photo).values(check_attempts=5))
    judge(photo_id)
    data = alice.call("GET", f"/photos/{photo_id}").json["data"]
    assert data["verdict"] == "fail"
    assert data["findings"][0]["code"] == "file.unreadable"


@pytest.mark.parametrize(
    ("size_bytes", "kind"), [(MAX_PHOTO_BYTES, io.BytesIO), (MAX_BODY_BYTES, SpooledTemporaryFile)]
)
def test_form_keeps_a_photo_in_memory_and_puts_a_folder_of_them_on_the_disk(
    size_bytes: int, kind: type
) -> None:
    photo = FileStorage(io.BytesIO(bytes(size_bytes)), "a.jpg")
    boundary, body = encode_multipart({"photo": photo})
    sent = create_environ(
        method="POST", data=body, content_type=f"multipart/form-data; boundary={boundary}"
    )
    with contextlib.closing(FormRequest(sent).files["photo"]) as file:
        assert isinstance(file.stream, kind)
        assert len(file.read()) == size_bytes


def test_late_photo_rolls_over_to_the_next_batch(alice: Phone, judge: Judge, demo: Context) -> None:
    enrolment = alice.bound()
    settle_fee(demo)
    demo.clock.at = dt.datetime(2026, 11, 10, 15, 59, 59, tzinfo=dt.UTC)  # type: ignore[attr-defined]
    assert alice.sign_in().enrolment(enrolment)["target_batch"] == "2026-11-10"
    demo.clock.advance(seconds=1)  # type: ignore[attr-defined]
    judge(alice.upload(enrolment).json["data"]["id"])
    assert alice.enrolment(enrolment)["target_batch"] == "2027-05-10"
