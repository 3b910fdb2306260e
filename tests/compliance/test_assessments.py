"""The impact assessment: signed before a purpose begins, in versions that stay."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select

from models import AuditEntry, ImpactAssessment, Institution
from server.context import Context
from server.services.compliance.assessments import (
    FACES,
    PHOTO,
    QUESTIONS,
    AssessmentMissing,
    has_current_assessment,
    receiver_purpose,
    require_assessment,
)
from tests.desk import Desk, sign_in

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGE = "/console/assessments"
ANSWERS = dict.fromkeys(QUESTIONS, "已逐项评估，风险可控，措施有效。")


def sign(desk: Desk, receivers: str = "", **covers: str) -> None:
    desk.submit(PAGE, **ANSWERS, **covers, receivers=receivers, confirmed="yes")


def covers(ctx: Context, institution: Institution, purpose: str) -> bool:
    with ctx.db.read() as session:
        return has_current_assessment(session, institution.id, purpose)


@one_engine
def test_newest_version_alone_says_what_may_be_turned_on(
    admin: Desk, demo: Context, institution: Institution
) -> None:
    assert not covers(demo, institution, FACES)
    with demo.db.read() as session, pytest.raises(AssessmentMissing):
        require_assessment(session, institution.id, FACES)
    sign(admin, covers_photo="yes", covers_faces="yes", receivers="图像 采集单位\n\n印刷厂")
    assert covers(demo, institution, PHOTO)
    assert covers(demo, institution, FACES)
    assert covers(demo, institution, receiver_purpose("图像 采集单位"))
    assert not covers(demo, institution, receiver_purpose("别的单位"))
    sign(admin, covers_photo="yes")
    assert not covers(demo, institution, FACES)
    with demo.db.read() as session:
        rows = session.scalars(select(ImpactAssessment).order_by(ImpactAssessment.version)).all()
        entries = session.scalars(
            select(AuditEntry).where(AuditEntry.action == "assessment.sign")
        ).all()
    assert [row.version for row in rows] == [1, 2]
    assert "个人信息处理者：北京示范大学网络教育学院" in rows[0].facts[0]
    assert len(entries) == 2


@one_engine
@pytest.mark.parametrize("left_out", QUESTIONS)
def test_each_question_left_empty_refuses_the_signature(
    admin: Desk, demo: Context, left_out: str
) -> None:
    answer = admin.post(PAGE, **{**ANSWERS, left_out: " "}, covers_photo="yes", confirmed="yes")
    assert answer.status_code == 422
    assert re.findall(r'id="e-(\w+)"', answer.text) == [left_out]
    with demo.db.read() as session:
        assert session.scalars(select(ImpactAssessment)).all() == []


@one_engine
def test_nothing_assessed_is_refused_and_signing_asks_first(admin: Desk, demo: Context) -> None:
    assert admin.post(PAGE, **ANSWERS, confirmed="yes").status_code == 422
    assert "签署后不能修改" in admin.post(PAGE, **ANSWERS, covers_photo="yes").text
    with demo.db.read() as session:
        assert session.scalars(select(ImpactAssessment)).all() == []


@one_engine
def test_form_begins_with_the_settings_and_later_with_the_last_answers(
    admin: Desk, app: Flask
) -> None:
    page = admin.read(PAGE).text
    assert "特征码：y0814v" in page
    assert "还没有签署过" in page
    sign(admin, covers_photo="yes")
    page = admin.read(PAGE).text
    assert "第 1 版 现行" in page
    assert ANSWERS["risks"] in page
    assert sign_in(app, "reviewer").get(PAGE).status_code == 403
