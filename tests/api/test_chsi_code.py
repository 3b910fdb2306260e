"""图像采集码: given, exchanged, taken back; required before 已上传; never told to others."""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select, text, update
from werkzeug.test import TestResponse

from models import (
    AuditEntry,
    ChsiCode,
    ChsiPolicy,
    Enrolment,
    FeatureCode,
    Institution,
    index_chsi_code,
)
from server.context import Context
from server.services.chsi.waive import (
    ChsiWaiverUnexplained,
    move_on_without_code,
    waive_code,
)
from server.services.college.batches import ensure_batches
from server.services.upkeep.end_people import end_persons, tidy_database
from tests.cast import JPEG, Phone, assert_refused
from tests.chsi_codes import draw, make_text, pack
from tests.college import view_as

Judge = Callable[..., None]


def set_policy(ctx: Context, policy: ChsiPolicy) -> None:
    with ctx.db.write() as session:
        session.execute(update(FeatureCode).values(chsi_policy=policy))


def give(phone: Phone, enrolment_id: str, code: str | bytes) -> TestResponse:
    path = f"/enrolments/{enrolment_id}/chsi-code"
    if isinstance(code, str):
        body = json.dumps({"text": code})
        return phone.call("PUT", path, data=body, content_type="application/json")
    return phone.call(
        "PUT",
        path,
        data={"picture": (io.BytesIO(code), "shot.png")},
        content_type="multipart/form-data",
    )


def read_codes(ctx: Context) -> list[ChsiCode]:
    with ctx.db.read() as session:
        return list(session.scalars(select(ChsiCode)))


@pytest.fixture
def asked(demo: Context) -> Context:
    set_policy(demo, ChsiPolicy.REQUIRED)
    return demo


def test_scanned_text_is_kept_as_it_is_and_never_in_the_clear(asked: Context, alice: Phone) -> None:
    enrolment_id, code = alice.bound(), f" {make_text()}\n"
    answer = give(alice, enrolment_id, code)
    assert answer.status_code == 200, answer.text
    shown = answer.json["data"]["chsi"]
    assert (shown["policy"], shown["state"], shown["source"]) == ("required", "present", "scan")
    assert code.strip() not in answer.text
    (row,) = read_codes(asked)
    assert row.decrypt_raw(asked.cipher) == code.encode()
    with asked.db.read() as session:
        stored = str(session.execute(text("SELECT * FROM chsi_code")).all())
    assert code.strip()[:20] not in stored


def test_text_and_picture_of_one_code_are_the_same_code(asked: Context, alice: Phone) -> None:
    code, enrolment_id = make_text(), alice.bound()
    give(alice, enrolment_id, code)
    answer = give(alice, enrolment_id, pack(draw(code)))
    assert (answer.status_code, answer.json["data"]["chsi"]["source"]) == (200, "picture")
    assert len(read_codes(asked)) == 1


def test_code_of_ones_own_other_programme_is_refused_with_its_number(
    asked: Context, alice: Phone
) -> None:
    code = make_text()
    first, second = alice.bound(0), alice.bound(1)
    give(alice, first, code)
    answer = give(alice, second, code)
    assert_refused(answer, 409, "chsi_code_taken")
    assert "20200001" in answer.json["message"]
    assert answer.json["data"] == {"enrolment_id": first, "student_no": "20200001"}


def test_code_of_somebody_else_is_refused_and_nothing_told(
    asked: Context, alice: Phone, bob: Phone
) -> None:
    code = make_text()
    give(alice, alice.bound(0), code)
    answer = give(bob, bob.bound(1), code)
    assert_refused(answer, 409, "chsi_code_taken")
    assert "20200001" not in answer.text
    assert not answer.json.get("data")
    assert len(read_codes(asked)) == 1


def test_a_new_code_takes_the_place_of_the_former(asked: Context, alice: Phone) -> None:
    enrolment_id = alice.bound()
    for _ in range(2):
        assert give(alice, enrolment_id, make_text()).status_code == 200
    assert len(read_codes(asked)) == 1


def test_code_is_taken_back_and_may_be_used_again(asked: Context, alice: Phone) -> None:
    code, first, second = make_text(), alice.bound(0), alice.bound(1)
    give(alice, first, code)
    answer = alice.call("DELETE", f"/enrolments/{first}/chsi-code")
    assert answer.json["data"]["chsi"]["state"] == "missing"
    assert give(alice, second, code).status_code == 200


def test_code_that_ended_leaves_no_digest_and_may_be_given_again(
    asked: Context, alice: Phone, bob: Phone
) -> None:
    """Of a person who ended nothing says that the code was theirs, to us either."""
    code, ended = make_text(), uuid.UUID(alice.bound())
    give(alice, str(ended), code)
    with asked.db.write() as session:
        end_persons(asked, session, [session.get_one(Enrolment, ended)], reason="x")
    tidy_database(asked, is_whole=True)
    if asked.db.is_sqlite:
        stored = Path(str(asked.db.url.database)).read_bytes()
        assert index_chsi_code(code, asked.cipher) not in stored
    assert read_codes(asked) == []
    other = bob.bound(1)
    assert give(bob, other, code).status_code == 200
    (row,) = read_codes(asked)
    assert str(row.enrolment_id) == other


@pytest.mark.parametrize("bad", ["", " \n\t", "a" * 2901, "\ud800"])
def test_text_that_is_no_code_is_refused(asked: Context, alice: Phone, bad: str) -> None:
    assert_refused(give(alice, alice.bound(), bad), 422, "chsi_code_unusable")


@pytest.mark.parametrize(
    ("picture", "status", "code"),
    [
        (b"", 415, "chsi_picture_unusable"),
        (b"no picture at all", 415, "chsi_picture_unusable"),
        (b"\xff\xd8\xff" + b"\0" * 500, 415, "chsi_picture_unusable"),
        (b"\xff\xd8\xff" + b"\0" * (10 << 20), 413, "chsi_picture_too_large"),
        (pack(Image.new("L", (300, 300), 255)), 422, "chsi_code_not_found"),
    ],
)
def test_picture_without_a_code_says_what_is_wrong(
    asked: Context, alice: Phone, picture: bytes, status: int, code: str
) -> None:
    answer = give(alice, alice.bound(), picture)
    answer.request.environ["wsgi.input"].close()
    assert_refused(answer, status, code)


def test_code_that_nobody_asks_for_is_refused(demo: Context, alice: Phone) -> None:
    enrolment_id = alice.bound()
    assert alice.enrolment(enrolment_id)["chsi"]["state"] == "off"
    assert_refused(give(alice, enrolment_id, make_text()), 409, "chsi_code_not_wanted")


def wait_for_code(demo: Context, phone: Phone, judge: Judge, place: int = 0) -> str:
    """A photo that has passed where nothing is to pay: only the code is missing."""
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(fee_fen=0))
    enrolment_id = phone.bound(place)
    judge(phone.upload(enrolment_id).json["data"]["id"])
    return enrolment_id


def test_photo_waits_for_a_required_code_and_the_code_moves_no_batch(
    asked: Context, alice: Phone, judge: Judge
) -> None:
    enrolment_id = wait_for_code(asked, alice, judge)
    before = alice.enrolment(enrolment_id)
    assert (before["status"]["value"], before["next_step"]) == ("not_uploaded", "chsi_code")
    asked.clock.advance(days=200)  # type: ignore[attr-defined]
    with asked.db.write() as session:
        for institution in session.scalars(select(Institution)):
            ensure_batches(session, institution, asked.now())
    alice.sign_in()
    late = alice.enrolment(enrolment_id)
    assert late["target_batch"] == before["target_batch"]
    after = give(alice, enrolment_id, make_text()).json["data"]
    assert (after["status"]["value"], after["next_step"]) == ("uploaded", "wait_review")
    assert after["target_batch"] == before["target_batch"]
    with asked.db.read() as session:
        row = session.get_one(Enrolment, uuid.UUID(enrolment_id))
        assert row.uploaded_at == row.photo.submitted_at.replace(microsecond=0)


def test_wanted_code_stops_nobody(demo: Context, alice: Phone, judge: Judge) -> None:
    set_policy(demo, ChsiPolicy.WANTED)
    shown = alice.enrolment(wait_for_code(demo, alice, judge))
    assert (shown["status"]["value"], shown["chsi"]["state"]) == ("uploaded", "missing")


def test_code_that_was_handed_in_is_exchanged_but_not_only_removed(
    asked: Context, alice: Phone, judge: Judge
) -> None:
    enrolment_id = wait_for_code(asked, alice, judge)
    shown = give(alice, enrolment_id, make_text()).json["data"]
    assert shown["chsi"]["can_remove"] is False
    path = f"/enrolments/{enrolment_id}/chsi-code"
    assert_refused(alice.call("DELETE", path), 409, "chsi_code_in_use")
    assert give(alice, enrolment_id, make_text()).json["data"]["status"]["value"] == "uploaded"
    assert alice.call("DELETE", f"/photos/{shown['photo']['id']}").status_code == 200
    assert alice.call("DELETE", path).json["data"]["chsi"]["state"] == "missing"


def test_waiver_lets_a_student_without_a_code_go_on(
    asked: Context, alice: Phone, judge: Judge
) -> None:
    enrolment_id = wait_for_code(asked, alice, judge)
    viewer = view_as(asked, "admin")
    with pytest.raises(ChsiWaiverUnexplained):
        waive_code(asked, viewer, uuid.UUID(enrolment_id), reason=" ")
    waive_code(asked, viewer, uuid.UUID(enrolment_id), reason="延长学制，学信网没有码")
    shown = alice.enrolment(enrolment_id)
    assert (shown["status"]["value"], shown["chsi"]["state"]) == ("uploaded", "waived")
    with asked.db.read() as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "chsi.waive"))
        assert "延长学制" not in str(entry.detail)


def test_who_waited_for_a_code_moves_on_when_it_is_no_longer_required(
    asked: Context, alice: Phone, judge: Judge
) -> None:
    enrolment_id = wait_for_code(asked, alice, judge)
    assert move_on_without_code(asked) == 0
    set_policy(asked, ChsiPolicy.WANTED)
    assert move_on_without_code(asked) == 1
    assert alice.enrolment(enrolment_id)["status"]["value"] == "uploaded"


def test_photo_of_more_than_a_year_before_graduation_is_asked_for_again(
    asked: Context, alice: Phone, judge: Judge
) -> None:
    set_policy(asked, ChsiPolicy.WANTED)
    enrolment_id = wait_for_code(asked, alice, judge)
    soon = asked.now() + dt.timedelta(days=365 + 40)
    with asked.db.write() as session:
        session.get_one(Enrolment, uuid.UUID(enrolment_id)).expected_term = f"{soon:%Y-%m}"
    early = alice.enrolment(enrolment_id)
    assert early["chsi"]["new_photo_from"] == f"{soon.year - 1}-{soon:%m}-01"
    assert (early["next_step"], early["chsi"]["needs_new_photo"]) == ("wait_review", False)
    asked.clock.advance(days=60)  # type: ignore[attr-defined]
    alice.sign_in()
    due = alice.enrolment(enrolment_id)
    assert (due["next_step"], due["status"]["value"]) == ("recapture", "uploaded")
    judge(alice.upload(enrolment_id, JPEG + b"2", confirm="true").json["data"]["id"])
    renewed = alice.enrolment(enrolment_id)
    assert (renewed["next_step"], renewed["chsi"]["needs_new_photo"]) == ("wait_review", False)
