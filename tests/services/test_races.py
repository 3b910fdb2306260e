"""Two who come at once on PostgreSQL, each pair in its worst order."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text, update

from models import Batch, Enrolment, FeatureCode, Institution, Photo, PhotoState, Review
from server.context import Context
from server.db import Database
from server.gateways.photo_store import PhotoStore
from server.services.collection import lock_enrolment
from server.services.college.close_batch import close_batch
from server.services.college.codes import FeatureCodeUnknown
from server.services.consent.ask import ConsentWithdrawn
from server.services.consent.decide import Decider, record_consent
from server.services.consent.parts import PHOTO
from server.services.photo.check import check_photo
from server.services.photo.keep_file import delete_unreferenced
from server.services.photo.may_submit import DailyLimitReached
from server.services.photo.submit import submit_photo
from server.services.review.decide import approve_photo
from server.services.review.sheet import approve_sheet, show_sheet
from server.services.roster.plan import plan_import
from server.services.roster.read import read_roster
from server.services.roster.write import apply_import
from server.services.upkeep.purge import purge
from tests.cast import JPEG, Phone
from tests.college import view_as
from tests.console.test_review import put_in_queue
from tests.fakes import FakeChecker
from tests.races import interleave, wait_until_blocked

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
MINUTE = dt.timedelta(minutes=1)


def other_picture(number: int) -> bytes:
    return JPEG + bytes([number])


@dataclasses.dataclass(frozen=True)
class Student:
    """Somebody who is bound, and sends photos."""

    ctx: Context
    enrolment_id: uuid.UUID
    user_id: uuid.UUID

    def withdraw_consent(self) -> None:
        with self.ctx.db.write() as session:
            record_consent(
                session,
                session.get_one(Enrolment, self.enrolment_id),
                PHOTO,
                is_given=False,
                decider=Decider("student", self.user_id),
                at=self.ctx.now(),
            )

    def send(self, data: bytes) -> uuid.UUID:
        return submit_photo(
            self.ctx,
            user_id=self.user_id,
            enrolment_id=self.enrolment_id,
            data=data,
            is_confirmed=True,
        ).photo.id


@pytest.fixture
def student(demo: Context, client: FlaskClient) -> Student:
    enrolment_id = uuid.UUID(Phone(client, "alice").sign_in().bound())
    with demo.db.read() as session:
        row = session.get_one(Enrolment, enrolment_id)
    assert row.wechat_user_id is not None
    return Student(demo, enrolment_id, row.wechat_user_id)


def read_photo(ctx: Context, photo_id: uuid.UUID) -> Photo:
    with ctx.db.read() as session:
        return session.get_one(Photo, photo_id)


@on_postgresql
@pytest.mark.parametrize("at", ["UPDATE photo", "pg_advisory_xact_lock_shared"])
def test_photo_that_comes_again_while_retention_empties_it_is_whole(
    demo: Context, student: Student, at: str
) -> None:
    old = student.send(other_picture(1))
    check_photo(demo, FakeChecker("pass"), old)
    check_photo(demo, FakeChecker("pass"), student.send(other_picture(2)))
    with demo.db.write() as session:
        long_ago = demo.now() - dt.timedelta(days=demo.settings.retention_days + 20)
        moments = {"submitted_at": long_ago, "checked_at": long_ago}
        session.execute(update(Photo).where(Photo.id == old).values(moments))
    assert read_photo(demo, old).state is PhotoState.SUPERSEDED
    sent, purged = interleave(
        demo.db, lambda: student.send(other_picture(1)), lambda: purge(demo), at=at
    )
    assert sent == old, sent
    assert isinstance(purged, dict), purged
    photo = read_photo(demo, old)
    assert photo.original_key is not None
    assert demo.photo_store.has(photo.original_key)
    assert photo.state in {PhotoState.RECEIVED, PhotoState.CHECKED}
    if photo.state is PhotoState.CHECKED:
        assert photo.standard_key is not None
        assert demo.photo_store.has(photo.standard_key)


@dataclasses.dataclass(frozen=True)
class Evening:
    """A batch whose cut-off has passed, and a photo that came in time."""

    ctx: Context
    batch_id: uuid.UUID
    date: dt.date
    photo_id: uuid.UUID

    def close(self) -> None:
        close_batch(self.ctx, institution=None, date=self.date)

    def approve(self) -> uuid.UUID:
        return approve_photo(self.ctx, view_as(self.ctx, "reviewer"), self.photo_id)

    def approve_sheet(self) -> int:
        viewer = view_as(self.ctx, "reviewer")
        shown = [self.photo_id]
        return approve_sheet(self.ctx, viewer, shown=shown, ticked=shown).approved

    def read(self) -> tuple[bool, bool]:
        """Tell whether the student is in this batch, and whether it is closed."""
        with self.ctx.db.read() as session:
            batch = session.get_one(Batch, self.batch_id)
            row = session.scalars(
                select(Enrolment).where(Enrolment.photo_id == self.photo_id)
            ).one()
            return row.batch_id == batch.id, batch.closed_at is not None


@pytest.fixture
def evening(demo: Context) -> Evening:
    with demo.db.read() as session:
        query = select(Batch).where(Batch.cutoff_at > demo.now()).order_by(Batch.cutoff_at)
        batch = session.scalars(query).first()
    assert batch is not None
    photo_id = put_in_queue(demo, 0, uploaded_at=batch.cutoff_at - MINUTE)
    demo.clock.at = batch.cutoff_at + 2 * MINUTE  # type: ignore[attr-defined]
    assert len(show_sheet(demo, view_as(demo, "reviewer"))) == 1
    return Evening(demo, batch.id, batch.date, photo_id)


@on_postgresql
def test_batch_is_closed_behind_an_approval_that_is_under_way(evening: Evening) -> None:
    db = evening.ctx.db
    approved, closed = interleave(db, evening.approve, evening.close, at="INSERT INTO review")
    assert isinstance(approved, uuid.UUID), approved
    assert closed is None
    assert evening.read() == (True, True)


@on_postgresql
def test_sheet_is_approved_before_its_batch_is_closed(evening: Evening) -> None:
    db = evening.ctx.db
    approved, closed = interleave(db, evening.approve_sheet, evening.close, at="INSERT INTO review")
    assert (approved, closed) == (1, None)
    assert evening.read() == (True, True)


@on_postgresql
@pytest.mark.parametrize("way", ["approve", "approve_sheet"])
def test_approval_behind_a_closing_goes_to_the_next_batch(evening: Evening, way: str) -> None:
    db = evening.ctx.db
    closed, approved = interleave(db, evening.close, getattr(evening, way), at="UPDATE batch")
    assert closed is None
    assert not isinstance(approved, Exception), approved
    assert evening.read() == (False, True)


@on_postgresql
def test_same_approval_that_comes_while_the_first_is_written_is_one(evening: Evening) -> None:
    db = evening.ctx.db
    first, second = interleave(db, evening.approve, evening.approve, at="INSERT INTO review")
    assert isinstance(first, uuid.UUID), first
    assert second == first
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(Review)) == 1


@on_postgresql
def test_roster_and_payments_never_wait_for_each_other_in_a_ring(
    demo: Context, owner: Database
) -> None:
    with demo.db.read() as session:
        college = session.scalars(select(Institution)).one()
        rows = session.scalars(select(Enrolment).order_by(Enrolment.id).limit(2)).all()
        centres = {row.id: row.centre.name for row in rows}
    low, high = rows
    with owner.engine.begin() as connection:
        # its new version lies behind the other one: a statement over both finds it last
        touch = text("UPDATE enrolment SET updated_at = now() WHERE id = :id")
        connection.execute(touch, {"id": low.id})
    lines = ["学号,姓名,身份证号,学习中心,减免"]
    for row in (high, low):
        number = row.decrypt_id_number(demo.cipher)
        lines.append(f"{row.student_no},{row.name},{number},{centres[row.id]},建档立卡")
    plan = plan_import(
        demo, college.id, read_roster("\n".join(lines).encode()), can_create_centres=False
    )
    assert not plan.faults, plan.faults
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        # as settle_plain locks the students of several payments: by id
        with demo.db.write() as session:
            lock_enrolment(session, low.id)
            importing = pool.submit(apply_import, demo, college.id, plan)
            wait_until_blocked(demo.db, importing)
            lock_enrolment(session, high.id)
        importing.result(20)
    with demo.db.read() as session:
        settled = session.scalars(select(Enrolment.fee_settled_at).where(Enrolment.id == low.id))
        assert settled.one() is not None


class HangingStore:
    """A store that does not answer to a deletion until it is told to."""

    def __init__(self, store: PhotoStore) -> None:
        self._store = store
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def delete(self, key: str) -> None:
        self.is_asked.set()
        assert self.may_answer.wait(20)
        self._store.delete(key)


class StoreThatTakesTime:
    """A store during whose first ``put`` something else happens."""

    def __init__(self, store: PhotoStore, meanwhile: Callable[[], object]) -> None:
        self._store = store
        self._meanwhile = [meanwhile]

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put(self, key: str, data: bytes) -> None:
        if self._meanwhile:
            self._meanwhile.pop()()
        self._store.put(key, data)


@pytest.mark.engines
@pytest.mark.parametrize("meanwhile", ["withdraws", "sends the last of the day", "code ends"])
def test_what_came_while_the_bytes_were_stored_is_seen(
    demo: Context, student: Student, meanwhile: str
) -> None:
    def let_it_happen() -> None:
        if meanwhile == "withdraws":
            student.withdraw_consent()
        elif meanwhile == "code ends":
            set_codes(demo, is_enabled=False)
        else:
            student.send(other_picture(1))

    set_codes(demo, daily_submissions=1)
    store = StoreThatTakesTime(demo.photo_store, let_it_happen)
    slow = dataclasses.replace(demo, photo_store=store)  # type: ignore[arg-type]
    with pytest.raises((ConsentWithdrawn, DailyLimitReached, FeatureCodeUnknown)):
        dataclasses.replace(student, ctx=slow).send(other_picture(2))
    with demo.db.read() as session:
        sent = session.scalar(select(func.count()).select_from(Photo))
    assert sent == (meanwhile == "sends the last of the day")


def set_codes(ctx: Context, **values: object) -> None:
    with ctx.db.write() as session:
        session.execute(update(FeatureCode).values(**values))


@pytest.fixture
def hanging(demo: Context) -> Iterator[HangingStore]:
    store = HangingStore(demo.photo_store)
    yield store
    store.may_answer.set()


@pytest.mark.engines
def test_store_that_hangs_while_it_deletes_holds_up_nobody_else(
    demo: Context, student: Student, hanging: HangingStore
) -> None:
    slow = dataclasses.replace(demo, photo_store=hanging)  # type: ignore[arg-type]
    key = f"originals/00/{'0' * 64}.bin"
    demo.photo_store.put(key, b"nobody's")
    later = dt.datetime.now(dt.UTC) + MINUTE
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        deleting = pool.submit(delete_unreferenced, slow, key, not_after=later)
        assert hanging.is_asked.wait(10)
        photo_id = student.send(other_picture(1))
        check_photo(demo, FakeChecker("pass"), photo_id)
        hanging.may_answer.set()
        assert deleting.result(10)
    assert not demo.photo_store.has(key)
    assert read_photo(demo, photo_id).state is PhotoState.CHECKED
    assert photo_id


@pytest.mark.engines
def test_bytes_that_come_again_while_they_are_deleted_are_there_afterwards(
    demo: Context, student: Student, hanging: HangingStore
) -> None:
    slow = dataclasses.replace(demo, photo_store=hanging)  # type: ignore[arg-type]
    photo_id = student.send(other_picture(1))
    key = read_photo(demo, photo_id).original_key
    assert key is not None
    with demo.db.write() as session:
        session.execute(update(Photo).values(original_key=None, state=PhotoState.SUPERSEDED))
    later = dt.datetime.now(dt.UTC) + MINUTE
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        deleting = pool.submit(delete_unreferenced, slow, key, not_after=later)
        assert hanging.is_asked.wait(10)
        sending = pool.submit(student.send, other_picture(1))
        threading.Timer(0.3, hanging.may_answer.set).start()
        assert deleting.result(10)
        assert sending.result(10) == photo_id
    assert read_photo(demo, photo_id).original_key == key
    assert demo.photo_store.has(key)
