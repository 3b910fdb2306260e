"""A photo that waits for its verdict: whatever happens around it, somebody takes it up."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from pathlib import Path

import pytest
from sqlalchemy import select, update

from models import DeletionRecord, Enrolment, Photo, PhotoState, Verdict
from server.context import Context
from server.gateways.photo_store import FolderPhotoStore, PhotoStoreUnavailable
from server.gateways.queue import WorkQueue
from server.services.photo.check import MAX_ATTEMPTS, check_next, check_photo
from server.services.photo.keep_file import keep_file
from server.services.photo.queue_wait import QueueFull, estimate_wait_s, refuse_when_full
from server.services.photo.remove_orphans import remove_orphans
from server.services.photo.requeue import requeue_unchecked_photos
from server.services.photo.withdraw import withdraw_photo
from server.services.upkeep.check_integrity import check_integrity
from server.sweepers import claim_round
from tests.cast import JPEG, Phone, assert_refused
from tests.fakes import FakeChecker, FakeExamination


def read_photo(ctx: Context, photo_id: str) -> Photo:
    with ctx.db.read() as session:
        return session.get_one(Photo, uuid.UUID(photo_id))


def upload(phone: Phone, enrolment: str, data: bytes) -> str:
    answer = phone.upload(enrolment, data)
    assert answer.status_code == 202, answer.text
    photo_id: str = answer.json["data"]["id"]
    return photo_id


def test_lost_message_makes_nobody_wait_longer_than_the_others(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    first = upload(alice, enrolment, JPEG + b"1")
    demo.queue.huey.flush()
    upload(alice, enrolment, JPEG + b"2")
    checker = FakeChecker()
    assert check_next(demo, checker)
    assert read_photo(demo, first).verdict is Verdict.PASS
    assert requeue_unchecked_photos(demo) == 0, "the message of the second is still there"
    demo.queue.huey.flush()
    upload(alice, enrolment, JPEG + b"3")
    assert requeue_unchecked_photos(demo) == 1, "although the queue is not empty"
    assert demo.queue.count_waiting() == 2
    assert check_next(demo, checker)
    assert check_next(demo, checker)
    assert not check_next(demo, checker)
    assert len(checker.seen) == 3


def test_photo_in_hand_is_not_judged_by_a_second_worker(alice: Phone, demo: Context) -> None:
    photo_id = upload(alice, alice.bound(), JPEG)

    class Interrupted(FakeChecker):
        def examine(self, data: bytes, **how: str) -> FakeExamination:
            for _ in range(MAX_ATTEMPTS + 1):
                alice.upload(alice.bound(), JPEG)
                assert not check_next(demo, FakeChecker("fail"))
            return super().examine(data, **how)

    assert check_next(demo, Interrupted())
    photo = read_photo(demo, photo_id)
    assert (photo.verdict, photo.check_attempts) == (Verdict.PASS, 1)


def test_store_that_is_away_does_not_count_against_the_photo(alice: Phone, demo: Context) -> None:
    photo_id = upload(alice, alice.bound(), JPEG)
    store = demo.photo_store
    assert isinstance(store, FolderPhotoStore)
    store.folder.rename(store.folder.with_name("away"))
    store.folder.write_bytes(b"a file where the folder should be")
    for _ in range(MAX_ATTEMPTS + 2):
        with pytest.raises(PhotoStoreUnavailable):
            check_next(demo, FakeChecker())
        demo.clock.advance(seconds=26)  # type: ignore[attr-defined]
    store.folder.unlink()
    store.folder.with_name("away").rename(store.folder)
    assert check_next(demo, FakeChecker())
    assert read_photo(demo, photo_id).verdict is Verdict.PASS


def test_photo_without_its_file_is_given_up_and_can_be_sent_again(
    alice: Phone, demo: Context
) -> None:
    enrolment = alice.bound()
    photo_id = upload(alice, enrolment, JPEG)
    demo.photo_store.delete(read_photo(demo, photo_id).original_key or "")
    for _ in range(MAX_ATTEMPTS + 1):
        assert check_next(demo, FakeChecker())
        demo.clock.advance(seconds=26)  # type: ignore[attr-defined]
    assert read_photo(demo, photo_id).verdict is Verdict.FAIL
    assert upload(alice, enrolment, JPEG) == photo_id
    assert check_next(demo, FakeChecker())
    assert read_photo(demo, photo_id).verdict is Verdict.PASS


def age(path: Path, ctx: Context, minutes: int) -> None:
    moment = ctx.now().timestamp() - minutes * 60
    os.utime(path, (moment, moment))


def test_withdrawn_while_it_is_judged_leaves_no_file_for_ever(alice: Phone, demo: Context) -> None:
    photo_id = upload(alice, alice.bound(), JPEG)

    class Withdrawing(FakeChecker):
        def examine(self, data: bytes, **how: str) -> FakeExamination:
            user_id = read_photo(demo, photo_id).user_id
            withdraw_photo(demo, user_id=user_id, photo_id=uuid.UUID(photo_id))
            return super().examine(data, **how)

    assert check_next(demo, Withdrawing())
    assert read_photo(demo, photo_id).state is PhotoState.WITHDRAWN
    store = demo.photo_store
    assert isinstance(store, FolderPhotoStore)
    original = read_photo(demo, photo_id).original_key
    assert len(set(store.list_keys()) - {original}) == 1, "the standard photo of nobody"
    for key in store.list_keys():
        age(store.folder / key, demo, minutes=40)
    (store.folder / "incoming" / "half").write_bytes(b"h")
    age(store.folder / "incoming" / "half", demo, minutes=40)
    problems = {problem.kind for problem in check_integrity(demo, has_to_read_files=True)}
    assert problems == {"file_without_row", "file_unfinished"}
    assert remove_orphans(demo) == 2
    assert list(store.list_keys()) == [original]
    assert list(check_integrity(demo)) == []
    with demo.db.read() as session:
        assert len(session.scalars(select(DeletionRecord)).all()) == 1


def test_young_files_are_left_alone(alice: Phone, demo: Context) -> None:
    store = demo.photo_store
    assert isinstance(store, FolderPhotoStore)
    store.put("originals/ab/abc.bin", b"its row is about to be committed")
    age(store.folder / "originals/ab/abc.bin", demo, minutes=40)
    store.put("originals/ab/abc.bin", b"its row is about to be committed")
    (store.folder / "incoming" / "half").write_bytes(b"h")
    demo.clock.at = dt.datetime.now(dt.UTC)  # type: ignore[attr-defined]
    assert remove_orphans(demo) == 0
    assert list(store.list_keys()) == ["originals/ab/abc.bin"]


def test_file_deleted_while_its_row_is_committed_is_stored_again(demo: Context) -> None:
    with keep_file(demo, "originals/ab/abc.bin", b"face"):
        demo.photo_store.delete("originals/ab/abc.bin")
    assert demo.photo_store.get("originals/ab/abc.bin") == b"face"


def test_photo_judged_after_a_reviewer_opened_the_former_one_does_not_replace_it(
    alice: Phone, demo: Context
) -> None:
    enrolment = alice.bound()
    first = upload(alice, enrolment, JPEG + b"1")
    assert check_next(demo, FakeChecker())
    second = upload(alice, enrolment, JPEG + b"2")
    with demo.db.write() as session:
        session.get_one(Photo, uuid.UUID(first)).opened_at = demo.now()
    assert check_next(demo, FakeChecker())
    assert read_photo(demo, second).state is PhotoState.SUPERSEDED
    with demo.db.read() as session:
        counts = session.get_one(Enrolment, uuid.UUID(enrolment)).photo_id
    assert counts == uuid.UUID(first)


def test_clock_of_another_host_does_not_stop_the_sweepers(demo: Context) -> None:
    demo.clock.advance(hours=1)  # type: ignore[attr-defined]
    assert claim_round(demo, "duty", 5) == 0
    demo.clock.advance(hours=-1)  # type: ignore[attr-defined]
    assert claim_round(demo, "duty", 5) == 0
    assert claim_round(demo, "duty", 5) == 5
    demo.clock.advance(seconds=2)  # type: ignore[attr-defined]
    assert claim_round(demo, "duty", 5) == 3


def test_nobody_is_let_in_whose_verdict_would_be_late(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    for number in range(8):
        upload(alice, enrolment, JPEG + bytes([number]))
    quick = estimate_wait_s(demo)
    demo.clock.advance(seconds=25)  # type: ignore[attr-defined]
    slow = estimate_wait_s(demo)
    assert slow > quick, "they have waited for a while and nothing was judged"
    object.__setattr__(demo.settings, "queue_wait_limit_s", slow - 1)
    with demo.db.read() as session, pytest.raises(QueueFull) as refusal:
        refuse_when_full(session, demo)
    assert 0 < (refusal.value.retry_after_s or 0) <= 60
    assert_refused(alice.upload(enrolment, JPEG + b"9"), 503, "queue_full")
    with demo.db.write() as session:
        waiting = session.scalars(select(Photo.id)).all()
        session.execute(
            update(Photo)
            .where(Photo.id.in_(waiting[:5]))
            .values(state=PhotoState.CHECKED, checked_at=demo.now())
        )
    assert estimate_wait_s(demo) < slow
    with demo.db.read() as session:
        refuse_when_full(session, demo)


def test_check_of_one_photo_takes_only_that(alice: Phone, demo: Context) -> None:
    enrolment = alice.bound()
    first = upload(alice, enrolment, JPEG + b"1")
    second = upload(alice, enrolment, JPEG + b"2")
    assert check_photo(demo, FakeChecker(), uuid.UUID(second))
    assert not check_photo(demo, FakeChecker(), uuid.UUID(second))
    assert read_photo(demo, first).verdict is None


@pytest.mark.parametrize("damage", ["deleted", "overwritten", "only the file, not its journal"])
def test_queue_file_that_is_lost_is_begun_anew(tmp_path: Path, damage: str) -> None:
    web = WorkQueue(f"sqlite:///{tmp_path}/queue.db")
    worker = WorkQueue(f"sqlite:///{tmp_path}/queue.db")
    web.enqueue_photo(uuid.uuid4())
    assert worker.count_waiting() == 1
    files = sorted(tmp_path.glob("queue.db*"))
    if damage == "overwritten":
        (tmp_path / "other").write_bytes(b"not a database" * 1000)
        (tmp_path / "other").replace(tmp_path / "queue.db")
    else:
        for path in files[:1] if damage.startswith("only") else files:
            path.unlink()
    web.enqueue_photo(uuid.uuid4())
    assert worker.count_waiting() >= 1
    assert web.count_waiting() == worker.count_waiting()
    web.huey.storage.close()
    worker.huey.storage.close()
