"""调整裁剪: the reviewer moves the crop, the worker makes the photo anew and judges it again."""

from __future__ import annotations

import uuid

import pytest
from flask import Flask
from sqlalchemy import select

from imagecheck.nudge import Nudge
from models import AuditEntry, CropOutcome, CropRequest, Photo, PhotoState, Verdict
from server.context import Context
from server.gateways.photo_store import content_key, hash_bytes
from server.services.photo.remake import MAX_ATTEMPTS, NO_ROOM, remake_next, requeue_crops
from server.services.review.decide import approve_photo
from tests.college import view_as
from tests.console.test_review import one_engine, put_in_queue
from tests.desk import Desk, sign_in
from tests.fakes import FakeChecker

LINES = {
    "head_top_px": 80.0,
    "eye_line_px": 250.0,
    "face_width_px": 220.0,
    "off_centre_px": 2.0,
}
TOO_DARK = {"code": "light.dark", "status": "fail", "message": "脸部太暗。"}


@pytest.fixture
def desk(app: Flask) -> Desk:
    return sign_in(app, "reviewer")


@pytest.fixture
def waiting(demo: Context) -> uuid.UUID:
    """A photo that waits for review, with both its files and its measured lines."""
    photo_id = put_in_queue(demo, 0)
    data, standard = b"\xff\xd8\xff the original", b"\xff\xd8\xff the standard photo"
    sha256 = hash_bytes(standard)
    with demo.db.write() as session:
        photo = session.get_one(Photo, photo_id)
        photo.sha256 = hash_bytes(data)
        photo.original_key = content_key("originals", photo.sha256, ".bin")
        photo.standard_key = content_key("standard", sha256, ".jpg")
        photo.standard_sha256 = sha256
        photo.report = {"findings": [], "measurements": LINES}
        demo.photo_store.put(photo.original_key, data)
        demo.photo_store.put(photo.standard_key, standard)
    return photo_id


def read(demo: Context, photo_id: uuid.UUID) -> tuple[Photo, CropRequest]:
    with demo.db.read() as session:
        last = select(CropRequest).order_by(CropRequest.asked_at.desc(), CropRequest.id.desc())
        return session.get_one(Photo, photo_id), session.scalars(last).first()  # type: ignore[return-value]


def move(desk: Desk, photo_id: uuid.UUID, **fields: str) -> str:
    return desk.submit(f"/console/review/{photo_id}/crop", **fields)


@one_engine
def test_moved_photo_is_made_from_the_original_and_judged_again(
    demo: Context, desk: Desk, waiting: uuid.UUID
) -> None:
    before, _ = read(demo, waiting)
    back = move(desk, waiting, right="4", down="-6", percent="103")
    checker = FakeChecker(verdict="warn", measurements={**LINES, "head_top_px": 69.0})
    assert remake_next(demo, checker)
    assert checker.seen == [b"\xff\xd8\xff the original"]
    assert checker.nudges == [Nudge(4, -6, 103)]
    photo, request = read(demo, waiting)
    assert request.outcome is CropOutcome.MADE
    assert photo.standard_key != before.standard_key
    assert demo.photo_store.get(photo.standard_key or "").endswith(repr(Nudge(4, -6, 103)).encode())
    assert (photo.verdict, photo.state) == (Verdict.WARN, PhotoState.CHECKED)
    assert (photo.crop_right_px, photo.crop_down_px, photo.crop_percent) == (4, -6, 103)
    page = desk.read(back).html
    assert "已按调整重新裁剪并检测" in page
    assert 'name="percent" type="number" min="70" max="140" step="1" value="103"' in page
    with demo.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "photo.crop")).one()
    assert entry.detail == {"right_px": 4, "down_px": -6, "percent": 103}
    move(desk, waiting, reset="yes")
    assert remake_next(demo, checker)
    assert checker.nudges[-1] is None


@one_engine
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"down": "-40"}, "头顶到上边会是 40 像素，应在 50 到 110 像素"),
        ({"right": "40"}, "脸偏离中线会是 42 像素，应在 -24 到 24 像素"),
        ({"percent": "138"}, "脸宽会是 304 像素"),
        ({"right": "x"}, "请填 160 以内的整数"),
        ({"down": "161"}, "请填 160 以内的整数"),
    ],
)
def test_crop_outside_the_bands_is_refused_at_once(
    demo: Context, desk: Desk, waiting: uuid.UUID, fields: dict[str, str], said: str
) -> None:
    if "percent" in fields:
        with demo.db.write() as session:
            photo = session.get_one(Photo, waiting)
            photo.report = {"findings": [], "measurements": {"face_width_px": 220.0}}
    answer = desk.post(f"/console/review/{waiting}/crop", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    assert not remake_next(demo, FakeChecker())


@one_engine
def test_bands_are_kept_against_what_was_moved_before(
    demo: Context, desk: Desk, waiting: uuid.UUID
) -> None:
    """The fields count from the automatic crop; the lines were measured on the moved photo."""
    move(desk, waiting, down="-20")
    assert remake_next(demo, FakeChecker(measurements={**LINES, "head_top_px": 60.0}))
    move(desk, waiting, down="-25")
    assert remake_next(demo, FakeChecker(measurements={**LINES, "head_top_px": 55.0}))
    assert desk.post(f"/console/review/{waiting}/crop", down="-35").status_code == 422


@one_engine
def test_crop_that_would_fail_leaves_the_photo_as_it_is(
    demo: Context, desk: Desk, waiting: uuid.UUID
) -> None:
    before, _ = read(demo, waiting)
    back = move(desk, waiting, down="-6")
    assert remake_next(demo, FakeChecker("fail", [TOO_DARK]))
    after, request = read(demo, waiting)
    assert request.outcome is CropOutcome.REFUSED
    assert (after.standard_key, after.verdict) == (before.standard_key, before.verdict)
    assert "这样裁剪不合格：脸部太暗。" in desk.read(back).html
    move(desk, waiting, down="-7")
    cut_off = {"code": "face.cut_off", "status": "fail", "message": "头离上边太近"}
    assert remake_next(demo, FakeChecker("fail", [cut_off]))
    assert read(demo, waiting)[1].message == NO_ROOM


@one_engine
def test_decision_meanwhile_stands(demo: Context, desk: Desk, waiting: uuid.UUID) -> None:
    """What was approved is what was seen, whatever the worker brings later."""
    before, _ = read(demo, waiting)
    move(desk, waiting, down="-6")
    approve_photo(demo, view_as(demo, "reviewer"), waiting)
    assert remake_next(demo, FakeChecker())
    after, request = read(demo, waiting)
    assert request.outcome is CropOutcome.DROPPED
    assert after.standard_key == before.standard_key
    answer = desk.post(f"/console/review/{waiting}/crop", down="-6")
    assert answer.status_code == 409


@one_engine
def test_request_of_a_killed_worker_is_asked_again_and_ends(
    demo: Context, desk: Desk, waiting: uuid.UUID
) -> None:
    class Killed(FakeChecker):
        def examine(self, data: bytes, **options: object) -> object:  # type: ignore[override]
            raise KeyboardInterrupt

    move(desk, waiting, down="-6")
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(KeyboardInterrupt):
            remake_next(demo, Killed())
        assert not remake_next(demo, FakeChecker()), "it is in hand"
        demo.clock.advance(minutes=1)  # type: ignore[attr-defined]
        assert requeue_crops(demo) == 1
    assert remake_next(demo, FakeChecker())
    assert read(demo, waiting)[1].outcome is CropOutcome.REFUSED
    assert requeue_crops(demo) == 0


@one_engine
def test_photo_in_other_hands_is_not_moved(app: Flask, desk: Desk, waiting: uuid.UUID) -> None:
    sign_in(app, "admin").read(f"/console/review/{waiting}")
    answer = desk.post(f"/console/review/{waiting}/crop", down="-6")
    assert answer.status_code == 409
