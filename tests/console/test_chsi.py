"""图像采集码 for staff: the policy of a feature code, who lacks one and why, waivers."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import (
    AuditEntry,
    ChsiPolicy,
    ChsiWaiver,
    Enrolment,
    FeatureCode,
    Photo,
    PhotoState,
    Verdict,
    WechatUser,
)
from server.context import Context
from server.gateways.photo_store import hash_bytes
from server.services.chsi.overview import count_codes
from server.services.overview.list_students import StudentFilter, list_students
from server.services.overview.missing import count_reasons
from server.services.overview.why_missing import Why
from tests.college import view_as
from tests.desk import Desk

FORM = {
    "fee": "20",
    "profile": "moe-2017",
    "background": "auto",
    "capture_policy": "camera_only",
    "daily_submissions": "5",
    "opens_at": "",
    "closes_at": "",
}


def add_passed_photo(
    ctx: Context, session: Session, row: Enrolment, *, at: dt.datetime | None = None
) -> uuid.UUID:
    """A photo of this enrolment that has passed; returns its id."""
    user = WechatUser(created_at=ctx.now())
    user.encrypt_openid(f"openid-{row.student_no}", ctx.cipher)
    session.add(user)
    session.flush()
    photo = Photo(
        enrolment_id=row.id,
        user_id=user.id,
        sha256=hash_bytes(row.student_no.encode()),
        size_bytes=1,
        profile="moe-2017",
        state=PhotoState.CHECKED,
        verdict=Verdict.PASS,
        submitted_at=at or ctx.now(),
    )
    session.add(photo)
    session.flush()
    return photo.id


def come_in(ctx: Context, count: int, term: str = "2027-07") -> list[str]:
    """Let the first students have come through a code that requires theirs."""
    with ctx.db.write() as session:
        code = session.scalars(select(FeatureCode)).one()
        code.chsi_policy = ChsiPolicy.REQUIRED
        rows = session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(count)).all()
        for row in rows:
            row.feature_code_id, row.expected_term = code.id, term
        return [str(row.id) for row in rows]


def test_policy_is_chosen_on_the_page_of_the_code(demo: Context, admin: Desk) -> None:
    with demo.db.read() as session:
        code = session.scalars(select(FeatureCode)).one()
    page = admin.read(f"/console/codes/{code.id}")
    assert "必须提供，否则照片不提交审核" in page.text
    for sent, kept in (("required", "required"), ("", "required"), ("off", "off")):
        admin.submit(f"/console/codes/{code.id}", **{**FORM, "chsi_policy": sent})
        with demo.db.read() as session:
            assert session.get_one(FeatureCode, code.id).chsi_policy.value == kept
    answer = admin.post(f"/console/codes/{code.id}", **{**FORM, "chsi_policy": "maybe"})
    assert answer.status_code == 422


def test_figures_and_filter_say_who_lacks_a_code(demo: Context, admin: Desk) -> None:
    ids = come_in(demo, 4)
    admin.submit(f"/console/students/{ids[0]}/chsi/waive", chsi_reason="提前毕业，没有码")
    tally = count_codes(demo, view_as(demo, "admin"))
    assert (tally.total, tally.missing, tally.waived, tally.present) == (4, 3, 1, 0)
    assert "缺图像采集码" in admin.read("/console/").text
    lacking = admin.read("/console/students?chsi=missing")
    assert "20200002" in lacking.text
    assert "20200001" not in lacking.text
    assert "20200001" in admin.read("/console/students?chsi=waived").text


def test_waiver_is_explained_audited_and_ended(demo: Context, admin: Desk) -> None:
    (student,) = come_in(demo, 1)
    path = f"/console/students/{student}"
    admin.submit(f"{path}/chsi/waive", chsi_reason=" ")
    assert "未提供" in admin.read(path).text
    admin.submit(f"{path}/chsi/waive", chsi_reason="延长学制")
    assert "不需要" in admin.read(path).text
    with demo.db.read() as session:
        (waiver,) = session.scalars(select(ChsiWaiver))
        assert waiver.decrypt_reason(demo.cipher) == "延长学制"
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("chsi.%")))
        assert list(acts) == ["chsi.waive"]
    admin.submit(f"{path}/chsi/ask")
    assert "未提供" in admin.read(path).text


def test_missing_list_says_that_only_the_code_is_missing(demo: Context) -> None:
    admin = view_as(demo, "admin")
    come_in(demo, 2)
    wanted = StudentFilter(only_missing=True)
    assert count_reasons(demo, admin, wanted)[Why.NO_CODE] == 0
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
        assert row is not None
        row.fee_settled_at = demo.now()
        row.photo_id = add_passed_photo(demo, session, row)
    assert count_reasons(demo, admin, wanted)[Why.NO_CODE] == 1


def test_photos_too_early_for_graduation_are_found_by_their_terms(demo: Context) -> None:
    soon = demo.now() + dt.timedelta(days=300)
    come_in(demo, 2, term=f"{soon:%Y-%m}")
    admin = view_as(demo, "admin")
    with demo.db.write() as session:
        rows = session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(2)).all()
        for row, days in zip(rows, (100, 1), strict=True):
            at = demo.now() - dt.timedelta(days=days)
            row.photo_id = add_passed_photo(demo, session, row, at=at)
    assert count_codes(demo, admin).old_photos == 1
    found = list_students(demo, admin, StudentFilter(chsi="old_photo")).rows
    assert [row.student_no for row in found] == ["20200001"]
