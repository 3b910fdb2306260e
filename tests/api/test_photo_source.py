"""Where a photo came from is kept and said; what was opened is not offered for change."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import update

from models import CollectionStatus, Enrolment, FeatureCode
from server.context import Context
from server.services.review.queue import hold_photo
from tests.cast import Phone
from tests.college import view_as
from tests.desk import sign_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_source_is_kept_and_said_to_the_reviewer(
    app: Flask, alice: Phone, demo: Context, judge: Callable[..., None]
) -> None:
    with demo.db.write() as session:
        session.execute(update(FeatureCode).values(capture_policy="camera_only", fee_fen=0))
    enrolment = alice.bound()
    photo = alice.upload(enrolment, source="album").json["data"]
    assert photo["source"] == "album"
    assert alice.call("GET", "/codes/y0814v").json["data"]["capture_policy"] == "camera_only"
    judge(photo["id"])
    assert alice.upload(enrolment, source="scanner").status_code == 422
    desk = sign_in(app, "reviewer")
    with demo.db.write() as session:
        session.execute(
            update(Enrolment)
            .where(Enrolment.id == uuid.UUID(enrolment))
            .values(
                collection_status=CollectionStatus.UPLOADED,
                uploaded_at=demo.now(),
                photo_id=uuid.UUID(photo["id"]),
            )
        )
    assert "要求现场拍摄，这张来自相册" in desk.read(f"/console/review/{photo['id']}").text


def test_opened_photo_is_not_offered_for_change(
    alice: Phone, demo: Context, judge: Callable[..., None]
) -> None:
    enrolment = alice.bound()
    photo_id = alice.upload(enrolment, source="camera").json["data"]["id"]
    judge(photo_id)
    with demo.db.write() as session:
        session.execute(
            update(Enrolment)
            .where(Enrolment.id == uuid.UUID(enrolment))
            .values(collection_status=CollectionStatus.UPLOADED, uploaded_at=demo.now())
        )
    assert alice.enrolment(enrolment)["photo"]["can_change"] is True
    hold_photo(demo, view_as(demo, "reviewer"), uuid.UUID(photo_id), opens=True)
    assert alice.enrolment(enrolment)["photo"]["can_change"] is False
