"""Consents over HTTP: none is given before, and taking back is one call, as giving is."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from models import DeletionRecord, Photo, PhotoState
from server.context import Context
from tests.cast import JPEG, Phone, assert_refused


def given(phone: Phone) -> list[str]:
    answer = phone.call("GET", "/consents")
    assert answer.status_code == 200, answer.text
    return [each["kind"] for each in answer.json["data"]["items"] if each["given"]]


def decide(phone: Phone, kind: str, is_given: bool, **more: Any) -> Any:  # noqa: FBT001
    return phone.call("PUT", "/consents", json={"kind": kind, "given": is_given, **more})


def test_binding_gives_the_photo_and_nothing_else(alice: Phone) -> None:
    alice.bound()
    items = alice.call("GET", "/consents").json["data"]["items"]
    assert [each["kind"] for each in items] == [
        *("photo", "student_card", "degree", "online_exam", "cet", "faces"),
    ]
    assert given(alice) == ["photo"]
    assert all(each["title"] and each["text"] for each in items)


def test_each_is_given_and_withdrawn_alone(alice: Phone) -> None:
    alice.bound()
    assert decide(alice, "degree", True).status_code == 200
    assert decide(alice, "faces", True).status_code == 200
    assert given(alice) == ["photo", "degree", "faces"]
    assert decide(alice, "faces", False).status_code == 200
    assert given(alice) == ["photo", "degree"]


def test_refusing_all_others_stands_in_no_way(alice: Phone, judge: Callable[..., None]) -> None:
    enrolment = alice.bound()
    for kind in ("student_card", "degree", "online_exam", "cet", "faces"):
        assert decide(alice, kind, False).status_code == 200
    answer = alice.upload(enrolment, JPEG)
    judge(answer.json["data"]["id"])
    assert alice.enrolment(enrolment)["next_step"] == "pay"


def test_withdrawing_the_photo_ends_it_and_its_files_even_under_review(
    alice: Phone, demo: Context, judge: Callable[..., None]
) -> None:
    enrolment = alice.bound()
    photo_id = alice.upload(enrolment, JPEG).json["data"]["id"]
    judge(photo_id)
    with demo.db.write() as session:
        photo = session.get_one(Photo, uuid.UUID(photo_id))
        photo.opened_at = demo.now()
        keys = [photo.original_key, photo.standard_key]
    assert all(key and demo.photo_store.has(key) for key in keys)
    assert decide(alice, "photo", False).status_code == 200
    assert not any(demo.photo_store.has(key) for key in keys if key)
    with demo.db.read() as session:
        photo = session.get_one(Photo, uuid.UUID(photo_id))
        assert photo.state is PhotoState.WITHDRAWN
        assert session.scalars(select(DeletionRecord)).one().subject_id == photo_id
    assert alice.enrolment(enrolment)["photo"] is None
    assert_refused(alice.upload(enrolment, JPEG), 409, "consent_withdrawn")
    assert decide(alice, "photo", True).status_code == 200
    assert alice.upload(enrolment, JPEG).status_code == 202


def test_what_nobody_asks_for_and_whom_nobody_bound_is_refused(alice: Phone, bob: Phone) -> None:
    enrolment = alice.bound()
    assert_refused(decide(alice, "library", True), 422, "consent_kind_unknown")
    assert_refused(decide(bob, "faces", True), 404, "not_found")
    assert_refused(decide(bob, "faces", True, enrolment_id=enrolment), 404, "not_found")


def test_who_has_bound_two_says_which(alice: Phone) -> None:
    first, second = alice.bound(0), alice.bound(1)
    assert_refused(decide(alice, "faces", True), 422, "enrolment_needed")
    assert decide(alice, "faces", True, enrolment_id=second).status_code == 200
    items = alice.call("GET", "/consents").json["data"]["items"]
    assert [each["enrolment_id"] for each in items if each["kind"] == "faces"] == [first, second]
    assert [each["given"] for each in items if each["kind"] == "faces"] == [False, True]
