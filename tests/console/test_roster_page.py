from __future__ import annotations

import functools
import io
import struct
import uuid
import zipfile
from pathlib import Path

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from models import AuditEntry, BackgroundJob, Enrolment, LearningCentre
from server.context import Context
from server.services.jobs import claim_next_job, finish_job, run_next_job
from server.services.roster.columns import COLUMNS
from server.services.roster.jobs import register_roster_jobs
from server.services.roster.read_sheet import MAX_UNPACKED_BYTES
from server.services.roster.uploads import remove_spent_rosters
from tests.cast import Phone
from tests.desk import Desk

ID_NUMBER = "110101199003070038"
GOOD = f"30000001,欧阳娜,{ID_NUMBER},专升本,法学,直属学习中心,2020 秋,2023 春,在籍"
MOVED = "20200001,张伟,110101199003070011,专升本,工商管理,直属学习中心,2020 秋,2023 春,休学"


one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what does not depend on the database."""


@pytest.fixture(autouse=True)
def _handlers() -> None:
    register_roster_jobs()


def as_csv(*lines: str) -> bytes:
    return "\r\n".join([",".join(COLUMNS), *lines]).encode()


def upload(desk: Desk, data: bytes, name: str = "名单.csv", **form: str) -> str:
    return desk.submit("/console/roster", file=(io.BytesIO(data), name), **form)


def work(ctx: Context) -> None:
    while run_next_job(ctx):
        pass


def count_students(ctx: Context) -> int:
    with ctx.db.read() as session:
        return session.scalar(select(func.count()).select_from(Enrolment)) or 0


def kept_files(ctx: Context) -> list[str]:
    return [key for key in ctx.photo_store.list_keys() if key.startswith("rosters/")]


def test_roster_is_checked_shown_confirmed_and_imported(admin: Desk, demo: Context) -> None:
    page = upload(admin, as_csv(GOOD, MOVED))
    assert "等待核对" in admin.read(page).text
    assert 'http-equiv="refresh"' in admin.get(page).text
    work(demo)
    shown = admin.read(page).text
    assert "1 新增" in shown
    assert "1 有变化" in shown
    assert "在籍 → 休学 1 人" in shown
    assert "第 3 行 20200001 学籍状态：在籍 → 休学" in shown
    assert ID_NUMBER not in admin.get(page).text
    assert count_students(demo) == 60
    admin.submit(f"{page}/confirm")
    work(demo)
    assert "已导入：新增 1 人，更新 1 人" in admin.read(page).text
    assert count_students(demo) == 61
    with demo.db.read() as session:
        person = session.scalars(select(Enrolment).where(Enrolment.student_no == "20200001")).one()
        actions = session.scalars(select(AuditEntry.action)).all()
    assert person.register_status == "休学"
    assert {"roster.upload", "roster.import"} <= set(actions)
    assert kept_files(demo) == []


@one_engine
@pytest.mark.engines
def test_second_click_on_confirm_imports_once(admin: Desk, demo: Context) -> None:
    page = upload(admin, as_csv(GOOD))
    work(demo)
    admin.submit(f"{page}/confirm")
    admin.submit(f"{page}/confirm")
    work(demo)
    admin.submit(f"{page}/confirm")
    work(demo)
    assert count_students(demo) == 61
    assert "已导入" in admin.read(page).text


@one_engine
def test_errors_are_listed_by_row_and_nothing_can_be_confirmed(admin: Desk, demo: Context) -> None:
    wrong = GOOD.replace("30000001", "30000002").replace(ID_NUMBER, ID_NUMBER[:-1] + "9")
    page = upload(admin, as_csv(GOOD, wrong, wrong.replace("直属", "月球")))
    work(demo)
    shown = admin.read(page).text
    assert "第 3 行 身份证号" in shown
    assert "第 4 行 学习中心 没有学习中心“月球学习中心”" in shown
    assert "确认导入" not in shown
    assert admin.post(f"{page}/confirm").status_code == 409
    errors = admin.get(f"{page}/errors.csv")
    assert errors.data.decode("utf-8-sig").splitlines()[0] == "行,列,问题"
    assert len(errors.data.splitlines()) == 5
    assert kept_files(demo) == [f"rosters/{page.rsplit('/', 1)[1]}/faults"]
    assert count_students(demo) == 60


@one_engine
def test_unknown_centres_are_created_only_with_the_box_ticked(admin: Desk, demo: Context) -> None:
    line = GOOD.replace("直属", "月球")
    page = upload(admin, as_csv(line), create_centres="yes")
    work(demo)
    assert "将新建学习中心：月球学习中心" in admin.read(page).text
    admin.submit(f"{page}/confirm")
    work(demo)
    with demo.db.read() as session:
        assert "月球学习中心" in session.scalars(select(LearningCentre.name)).all()


@one_engine
def test_file_is_kept_encrypted_and_forgotten_after_a_day(
    admin: Desk, demo: Context, tmp_path: Path
) -> None:
    upload(admin, as_csv(GOOD))
    work(demo)
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ID_NUMBER.encode() not in stored
    assert remove_spent_rosters(demo) == 0
    demo.clock.advance(days=1, seconds=1)  # type: ignore[attr-defined]
    assert remove_spent_rosters(demo) == 1
    assert kept_files(demo) == []
    with demo.db.read() as session:
        job = session.scalars(select(BackgroundJob)).one()
    assert job.state == "cancelled"
    assert "first_new" not in job.result


@one_engine
def test_discarded_roster_leaves_nothing(admin: Desk, demo: Context) -> None:
    page = upload(admin, as_csv(GOOD))
    admin.submit(f"{page}/discard")
    work(demo)
    assert kept_files(demo) == []
    assert "已放弃" in admin.read(page).text
    assert admin.post(f"{page}/confirm").status_code == 409


@pytest.mark.engines
def test_two_administrators_with_the_same_students_lose_nothing(
    admin: Desk, other_admin: Desk, demo: Context
) -> None:
    first, second = upload(admin, as_csv(GOOD)), upload(other_admin, as_csv(GOOD, MOVED))
    work(demo)
    admin.submit(f"{first}/confirm")
    other_admin.submit(f"{second}/confirm")
    work(demo)
    assert count_students(demo) == 61
    shown = other_admin.read(second)
    assert "被改动过" in shown.error
    other_admin.submit(f"{second}/confirm")
    work(demo)
    assert "已导入：新增 0 人，更新 1 人" in other_admin.read(second).text


@pytest.mark.engines
def test_killed_worker_is_followed_by_another_that_imports_once(admin: Desk, demo: Context) -> None:
    page = upload(admin, as_csv(GOOD))
    work(demo)
    admin.submit(f"{page}/confirm")
    claimed = claim_next_job(demo)
    assert claimed is not None
    assert not run_next_job(demo)
    demo.clock.advance(seconds=31)  # type: ignore[attr-defined]
    work(demo)
    assert count_students(demo) == 61
    # the first one wakes up again after all
    with demo.db.write() as session:
        session.get_one(BackgroundJob, claimed.id).state = "queued"
    work(demo)
    finish_job(demo, claimed.id, state="done")
    assert count_students(demo) == 61
    assert "已导入" in admin.read(page).text


def test_another_person_under_a_used_number_is_confirmed_row_by_row(
    admin: Desk, app: Flask, demo: Context
) -> None:
    phone = Phone(app.test_client(), "first").sign_in()
    enrolment_id = phone.bound()
    phone.upload(enrolment_id)
    other = GOOD.replace("30000001", "20200001")
    page = upload(admin, as_csv(other))
    work(demo)
    shown = admin.read(page).text
    assert "第 2 行 20200001：张伟 → 欧阳娜，是另一个人" in shown
    refused = admin.post(f"{page}/confirm")
    assert (refused.status_code, "逐行确认" in refused.text) == (422, True)
    admin.submit(f"{page}/confirm", replaced="20200001")
    work(demo)
    assert "已导入：新增 0 人，更新 1 人" in admin.read(page).text
    with demo.db.read() as session:
        row = session.get_one(Enrolment, uuid.UUID(enrolment_id))
    assert (row.name, row.wechat_user_id, row.photo_id) == ("欧阳娜", None, None)
    assert phone.call("GET", f"/enrolments/{enrolment_id}").status_code == 401
    second = Phone(app.test_client(), "second").sign_in()
    assert second.bind(name="欧阳娜", id_number=ID_NUMBER).status_code == 200


def make_far_cell() -> bytes:
    book = openpyxl.Workbook()
    book.worksheets[0]["A1"] = "near"
    book.worksheets[0]["XFD1048576"] = "far"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@functools.cache
def make_bomb() -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member,
    ):
        for _ in range(MAX_UNPACKED_BYTES // (1 << 20) + 2):
            member.write(bytes(1 << 20))
    return out.getvalue()


def make_protected() -> bytes:
    """What Excel writes with a password: an OLE container with these streams and no workbook."""
    none, end = 0xFFFFFFFF, 0xFFFFFFFE
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<10I", 0, 1, 1, 0, 4096, end, 0, end, 0, 0)
    fat = struct.pack("<2I", 0xFFFFFFFD, end)
    folder = b""
    for place, name in enumerate(["Root Entry", "EncryptedPackage", "EncryptionInfo"]):
        kind, right, child = (5, none, 1) if place == 0 else (2, 2 if place == 1 else none, none)
        folder += name.encode("utf-16-le").ljust(64, b"\0")
        folder += struct.pack("<HBB3I", 2 * len(name) + 2, kind, 1, none, right, child)
        folder += bytes(36) + struct.pack("<IQ", end, 0)
    return b"".join(
        part.ljust(512, filler)
        for part, filler in ((header, b"\xff"), (fat, b"\xff"), (folder, b"\0"))
    )


@one_engine
@pytest.mark.parametrize(
    ("make", "word"),
    [
        (make_far_cell, "内容异常或太大"),
        (make_bomb, "解压后太大"),
        (make_protected, "密码"),
        (lambda: b"\xff\xd8\xff no roster", "这是图片"),
        (lambda: b"\x81\xff no roster \xff", "无法识别"),
        ("姓名,电话\r\n张伟,1".encode, "缺少这些列：学号、身份证号、学习中心"),
    ],
    ids=["far-cell", "bomb", "password", "picture", "no-encoding", "header"],
)
def test_hostile_or_wrong_file_harms_one_upload(
    admin: Desk, demo: Context, make: object, word: str
) -> None:
    page = upload(admin, make(), "x.xlsx")  # type: ignore[operator]
    work(demo)
    assert word in admin.read(page).error
    assert kept_files(demo) == [] or remove_spent_rosters(demo) == 1
    assert kept_files(demo) == []


@one_engine
def test_no_file_an_empty_one_and_one_too_large_are_told_at_once(admin: Desk) -> None:
    for form in ({}, {"file": (io.BytesIO(b""), "empty.csv")}):
        answer = admin.post("/console/roster", **form)
        assert answer.status_code == 422
        assert "空" in answer.text
    answer = admin.post("/console/roster", file=(io.BytesIO(bytes((30 << 20) + 1)), "big.csv"))
    assert answer.status_code == 422
    assert "30 MB" in answer.text


@one_engine
def test_template_is_a_roster_without_students(admin: Desk, demo: Context) -> None:
    template = admin.get("/console/roster/template.xlsx").data
    page = upload(admin, template, "template.xlsx")
    work(demo)
    assert "没有学生" in admin.read(page).error
    book = openpyxl.load_workbook(io.BytesIO(template))
    sheet = book.worksheets[0]
    sheet.append(GOOD.split(","))
    out = io.BytesIO()
    book.save(out)
    page = upload(admin, out.getvalue(), "filled.xlsx")
    work(demo)
    assert "1 新增" in admin.read(page).text


@one_engine
def test_roster_belongs_to_administrators(reviewer: Desk) -> None:
    assert reviewer.get("/console/roster").status_code == 403
    assert reviewer.post("/console/roster").status_code == 403
