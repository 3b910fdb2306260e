"""The audit log answers who did what to whom, and stays."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from models import AuditEntry, Enrolment, Staff
from server.context import Context
from server.db import Database
from server.services.audit import record_audit
from server.services.upkeep.audit_chain import seal_audit
from tests.college import view_as
from tests.desk import Desk
from tests.page import csrf_of


def note_release(ctx: Context, student_no: str) -> str:
    with ctx.db.write() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.student_no == student_no)).one()
        record_audit(
            session,
            view_as(ctx, "admin"),
            "enrolment.release",
            at=ctx.now(),
            subject_kind="enrolment",
            subject_id=row.id,
            reason="微信号丢失",
            fee_fen={"old": 2000, "new": 1500},
            pay_first=True,
            capture_policy={"old": "camera_or_album", "new": "camera_only"},
            kind="original",
            photos=["a", "b", "c"],
        )
        return str(row.id)


def test_log_names_the_student_links_it_and_speaks_chinese(admin: Desk, demo: Context) -> None:
    enrolment_id = note_release(demo, "20200001")
    note_release(demo, "20200002")
    page = admin.read("/console/audit?student_no=２０２００００１&action=enrolment.release")
    assert "解除绑定 张伟 20200001" in page.text
    assert "原因 微信号丢失；费用（分） 2000 → 1500；先缴费 是" in page.text
    assert "照片来源 拍摄或从相册选择 → 只能现场拍摄；类型 原图；照片 3 张" in page.text
    assert "20200002" not in page.text
    assert f"/console/students/{enrolment_id}" in page.html
    file = admin.get("/console/audit.csv?student_no=20200001").data.decode("utf-8-sig")
    assert file.splitlines()[0] == "时间,操作人,操作,对象,学号,姓名,内容,请求编号"
    assert "admin,解除绑定,学生,20200001,张伟" in file
    assert "照片 a、b、c" in file
    assert "没有符合条件" in admin.read("/console/audit?student_no=nobody").text


def test_refused_sign_in_is_in_the_log_and_not_what_was_typed(
    admin: Desk, app: Flask, demo: Context
) -> None:
    for username in ("finance", "my-secret-password"):
        client = app.test_client()
        token = csrf_of(client.get("/console/sign-in").text)
        fields = {"username": username, "password": "wrong", "csrf_token": token}
        assert client.post("/console/sign-in", data=fields).status_code == 401
    assert "登录失败 finance 地址 127.0.0.1" in admin.read("/console/audit").text
    with demo.db.read() as session:
        kept = session.scalars(select(AuditEntry).where(AuditEntry.action == "session.refuse"))
        entries = kept.all()
    assert len(entries) == 2
    assert all("my-secret" not in f"{one.detail}{one.subject_id}" for one in entries)


@pytest.mark.parametrize("table", ["audit_entry", "audit_seal", "status_change"])
def test_history_refuses_to_be_emptied(demo: Context, owner: Database, table: str) -> None:
    note_release(demo, "20200001")
    seal_audit(demo)
    emptying = "DELETE FROM {}" if demo.db.is_sqlite else "TRUNCATE {} CASCADE"
    with pytest.raises(DatabaseError, match="append-only"), owner.write() as session:
        session.execute(text(emptying.format(table)))


def test_name_of_an_account_is_no_word_to_translate(admin: Desk, demo: Context) -> None:
    """An account may be called like a role."""
    with demo.db.read() as session:
        staff_id = session.scalars(select(Staff.id).where(Staff.username == "reviewer")).one()
    admin.post(f"/console/staff/{staff_id}/reset", confirmed="yes")
    page = admin.read("/console/audit").text
    assert "用户名 reviewer；角色 审核员" in page
