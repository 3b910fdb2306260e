"""现场采集: consent on the screen, a photo by staff, a photographer's folder."""

from __future__ import annotations

import datetime as dt
import io
import uuid
import zipfile
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from models import (
    AuditEntry,
    BackgroundJob,
    CollectionStatus,
    ConsentRecord,
    Enrolment,
    FeatureCode,
    Photo,
    PhotoState,
    Staff,
)
from server.context import Context
from server.duties import register_jobs
from server.gateways.clock import to_local
from server.services.jobs import run_next_job
from server.services.money.waivers import waive_for_student
from server.services.onsite.folder import remove_spent_folders
from server.services.photo.check import check_next
from tests.api.test_guardian import make_number
from tests.cast import STUDENTS
from tests.college import view_as
from tests.console.test_review import one_engine
from tests.desk import Desk, sign_in
from tests.fakes import FakeChecker
from tests.page import csrf_of

JPEG = b"\xff\xd8\xff on site "
CARD = "居民身份证"


@pytest.fixture
def centre(app: Flask) -> Desk:
    return sign_in(app, "centre1")


def enrolment(demo: Context, place: int = 0) -> Enrolment:
    with demo.db.read() as session:
        return session.scalars(
            select(Enrolment).where(Enrolment.student_no == STUDENTS[place].student_no)
        ).one()


def code_id(demo: Context) -> str:
    with demo.db.read() as session:
        return str(session.scalars(select(FeatureCode.id)).first())


def agree(demo: Context, desk: Desk, place: int = 0) -> str:
    path = f"/console/onsite/{enrolment(demo, place).id}"
    desk.submit(f"{path}/agree", kind="photo", code=code_id(demo), identity=CARD)
    return path


def send(desk: Desk, path: str, data: bytes, **fields: Any) -> Any:
    token = csrf_of(desk.get("/console/account").text)
    answer = desk.client.post(
        path, data={"csrf_token": token, "photo": (io.BytesIO(data), "camera.jpg"), **fields}
    )
    answer.request.environ["wsgi.input"].close()
    return answer


@one_engine
def test_whole_way_without_any_wechat(demo: Context, centre: Desk) -> None:
    student = enrolment(demo)
    path = centre.submit("/console/onsite", student_no=f" {student.student_no} ")
    page = centre.read(path)
    assert "请学生本人阅读并确认" in page.text
    assert 'name="kind" value="photo"' in page.html
    assert "checked" not in page.html.split("<fieldset>")[1].split("</fieldset>")[0]
    agree(demo, centre)
    assert 'id="camera"' in centre.read(path).html
    answer = send(centre, f"{path}/photo", JPEG, identity=CARD)
    assert answer.status_code == 303
    assert check_next(demo, FakeChecker())
    page = centre.read(answer.location)
    assert "合格" in page.text
    assert "还没有缴费" in page.text
    with demo.db.read() as session:
        photo = session.scalars(select(Photo)).one()
        consent = session.scalars(select(ConsentRecord)).one()
        staff = session.scalars(select(Staff).where(Staff.username == "centre1")).one()
        acts = session.scalars(select(AuditEntry).where(AuditEntry.action.like("onsite.%"))).all()
    assert (photo.user_id, photo.taken_by, photo.source) == (None, staff.id, "staff")
    assert (consent.kind, consent.given_by, consent.staff_id) == ("photo", "staff", staff.id)
    assert [act.detail["identity_seen"] for act in acts] == [CARD, CARD]
    assert enrolment(demo).collection_status is CollectionStatus.NOT_UPLOADED
    finance = view_as(demo, "finance")
    waive_for_student(demo, finance, student.id, reason="收据 0001", is_cash=True)
    assert enrolment(demo).collection_status is CollectionStatus.UPLOADED


@one_engine
def test_photographer_is_named_to_the_reviewer(app: Flask, demo: Context, centre: Desk) -> None:
    path = agree(demo, centre)
    send(centre, f"{path}/photo", JPEG, identity=CARD)
    check_next(demo, FakeChecker())
    waive_for_student(demo, view_as(demo, "finance"), enrolment(demo).id, reason="困难")
    with demo.db.read() as session:
        photo_id = session.scalars(select(Photo.id)).one()
    assert "现场拍摄：" in sign_in(app, "reviewer").get(f"/console/review/{photo_id}").text


@one_engine
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"identity": CARD}, "还没有同意"),
        ({"kind": "photo"}, "请先核对本人的证件"),
        ({"kind": "photo", "identity": "没看"}, "请先核对本人的证件"),
        ({"kind": "photo", "identity": CARD, "code": ""}, "请选择特征码"),
        ({"kind": ["photo", "x"], "identity": CARD}, "告知书里没有这一项"),
    ],
)
def test_agreement_has_no_short_cuts(
    demo: Context, centre: Desk, fields: dict[str, Any], said: str
) -> None:
    path = f"/console/onsite/{enrolment(demo).id}/agree"
    answer = centre.post(path, **{"code": code_id(demo), **fields})
    assert answer.status_code in {409, 422}
    assert said in answer.text
    with demo.db.read() as session:
        assert session.scalars(select(ConsentRecord)).all() == []
        assert session.get_one(Enrolment, enrolment(demo).id).feature_code_id is None


@one_engine
def test_no_photo_without_agreement_or_identity(demo: Context, centre: Desk) -> None:
    path = f"/console/onsite/{enrolment(demo).id}"
    assert send(centre, f"{path}/photo", JPEG, identity=CARD).status_code == 409
    agree(demo, centre)
    assert send(centre, f"{path}/photo", JPEG).status_code == 422
    assert send(centre, f"{path}/photo", b"no photo", identity=CARD).status_code == 415
    with demo.db.read() as session:
        assert session.scalars(select(Photo)).all() == []


@one_engine
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"collection_status": CollectionStatus.COLLECTED}, "照片已采集"),
        ({"register_status": "退学"}, "当前学籍状态不能采集照片"),
    ],
)
def test_nobody_is_photographed_in_vain(
    demo: Context, centre: Desk, changed: dict[str, Any], said: str
) -> None:
    path = agree(demo, centre)
    with demo.db.write() as session:
        session.execute(update(Enrolment).where(Enrolment.id == enrolment(demo).id).values(changed))
    page = centre.read(path)
    assert said in page.text
    assert 'id="camera"' not in page.html
    answer = send(centre, f"{path}/photo", JPEG, identity=CARD)
    assert (answer.status_code, said in answer.text) == (409, True)
    with demo.db.read() as session:
        assert session.scalars(select(Photo)).all() == []


@one_engine
def test_centre_reaches_its_own_students_only(demo: Context, centre: Desk) -> None:
    foreign = enrolment(demo, 1)
    assert centre.post("/console/onsite", student_no=foreign.student_no).status_code == 422
    assert centre.get(f"/console/onsite/{foreign.id}").status_code == 404
    answer = send(centre, f"/console/onsite/{foreign.id}/photo", JPEG, identity=CARD)
    assert answer.status_code == 404


@one_engine
def test_only_the_page_with_the_camera_may_open_one(demo: Context, centre: Desk) -> None:
    path = f"/console/onsite/{enrolment(demo).id}"
    assert "camera=(self)" in centre.get(path).headers["Permissions-Policy"]
    assert "camera=()" in centre.get("/console/onsite").headers["Permissions-Policy"]
    assert "'nonce-" in centre.get(path).headers["Content-Security-Policy"]


def upload(desk: Desk, files: dict[str, bytes]) -> Any:
    token = csrf_of(desk.get("/console/account").text)
    sent = [(io.BytesIO(data), name) for name, data in files.items()]
    answer = desk.client.post("/console/onsite/folder", data={"csrf_token": token, "files": sent})
    answer.request.environ["wsgi.input"].close()
    return answer


def pack(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


def make_folder(demo: Context) -> dict[str, bytes]:
    foreign, own = STUDENTS[1].student_no, STUDENTS[0].student_no
    unasked = STUDENTS[3].student_no
    lines = [
        "file,学号",
        f"img_0001.JPG,{own}",
        f"IMG_0002.jpg,{foreign}",
        f"IMG_0003.jpg,{unasked}",
        f"IMG_0009.jpg,{own}",
        f"IMG_0004.jpg,{own}",
        "IMG_0005.jpg,99999999",
    ]
    return {
        "DCIM/IMG_0001.jpg": JPEG + b"1",
        "DCIM/IMG_0002.jpg": JPEG + b"2",
        "DCIM/IMG_0003.jpg": JPEG + b"3",
        "DCIM/IMG_0004.jpg": b"no photo at all",
        "DCIM/IMG_0005.jpg": JPEG + b"5",
        "DCIM/IMG_0006.jpg": JPEG + b"6",
        "__MACOSX/DCIM/._IMG_0001.jpg": b"x",
        "list.csv": "\n".join(lines).encode("gb18030"),
    }


@one_engine
@pytest.mark.parametrize("kind", ["zip", "files"])
def test_folder_shows_who_gets_which_before_anything_is_written(
    demo: Context, centre: Desk, kind: str
) -> None:
    agree(demo, centre)
    files = make_folder(demo)
    del files["__MACOSX/DCIM/._IMG_0001.jpg"]
    answer = upload(centre, {"a.zip": pack(make_folder(demo))} if kind == "zip" else files)
    assert answer.status_code == 303, answer.text
    page = centre.read(answer.location)
    for said in (
        "1 张可以写入",
        "6 行有问题",
        "不属于你的学习中心",
        "学生还没有特征码",
        "没有上传这个文件",
        "不是照片",
        "清单里没有这张照片",
    ):
        assert said in page.text, said
    with demo.db.read() as session:
        assert session.scalars(select(Photo)).all() == []
    register_jobs()
    centre.submit(f"{answer.location}/confirm")
    centre.submit(f"{answer.location}/confirm")
    assert run_next_job(demo)
    assert not run_next_job(demo)
    with demo.db.read() as session:
        photo = session.scalars(select(Photo)).one()
        job = session.scalars(select(BackgroundJob).where(BackgroundJob.kind != "export")).one()
    assert (photo.enrolment_id, photo.source) == (enrolment(demo).id, "staff")
    assert photo.state is PhotoState.RECEIVED
    assert demo.photo_store.get(photo.original_key or "") == JPEG + b"1"
    assert job.file_key is None
    assert [key for key in demo.photo_store.list_keys() if key.startswith("onsite/")] == []
    assert "已写入" in centre.read(answer.location).text


@one_engine
@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["IMG_0001.jpg,{0}", "IMG_0001.jpg,{2}"], "同一张照片在清单里给了几个学生"),
        (["IMG_0001.jpg,{0}", "IMG_0001.jpg,99999999"], "同一张照片在清单里给了几个学生"),
        (["IMG_0001.jpg,{0}", "IMG_0002.jpg,{0}"], "同一个学号在清单里有几张照片"),
    ],
)
def test_folder_that_leaves_open_who_is_who_gives_nobody_a_photo(
    demo: Context, app: Flask, lines: list[str], said: str
) -> None:
    desk = sign_in(app, "admin")
    for place in (0, 2):
        agree(demo, desk, place)
    numbers = [student.student_no for student in STUDENTS]
    shots = "\n".join(["file,学号", *lines]).format(*numbers)
    names = ("IMG_0001.jpg", "IMG_0002.jpg")
    files = {name: JPEG + name.encode() for name in names} | {"list.csv": shots.encode()}
    page = desk.read(upload(desk, files).location)
    assert said in page.text
    assert "0 张可以写入" in page.text


@one_engine
def test_child_is_not_asked_before_the_guardian_has_signed(demo: Context, centre: Desk) -> None:
    birth = to_local(demo.now()).date() - dt.timedelta(days=12 * 366)
    with demo.db.write() as session:
        row = session.get_one(Enrolment, enrolment(demo).id)
        row.encrypt_id_number(make_number(birth), demo.cipher)
    path = f"/console/onsite/{row.id}"
    page = centre.read(path)
    assert "学生已确认，开始拍照" not in page.text
    assert f'href="/console/students/{row.id}/rights#guardian"' in page.html
    said = centre.post(f"{path}/agree", kind="photo", code=code_id(demo), identity=CARD)
    assert (said.status_code, "本页填写" in said.text) == (409, False)
    centre.submit(
        f"/console/students/{row.id}/rights",
        act="guardian",
        guardian_name="林芳",
        guardian_relation="母亲",
        identity_seen="身份证原件",
    )
    agree(demo, centre)
    assert "拍照并提交" in centre.read(path).text


@one_engine
def test_files_lie_encrypted_and_a_day_at_most(demo: Context, centre: Desk) -> None:
    agree(demo, centre)
    location = upload(centre, {"a.zip": pack(make_folder(demo))}).location
    keys = [key for key in demo.photo_store.list_keys() if key.startswith("onsite/")]
    assert len(keys) == 5
    assert all(JPEG not in demo.photo_store.get(key) for key in keys)
    assert remove_spent_folders(demo) == 0
    demo.clock.advance(hours=25)  # type: ignore[attr-defined]
    assert remove_spent_folders(demo) == 1
    assert [key for key in demo.photo_store.list_keys() if key.startswith("onsite/")] == []
    assert location.startswith("/console/onsite/folder/")


@one_engine
@pytest.mark.parametrize(
    "files",
    [
        {"a.jpg": JPEG},
        {"a.csv": b"file,\xe5\xad\xa6\xe5\x8f\xb7\n"},
        {"a.zip": b"no zip"},
        {"a.csv": b"a,1", "b.csv": b"a,1"},
        {"a.csv": b"\xff\xff\xff\xff"},
    ],
    ids=["no list", "empty list", "no zip", "two lists", "no text"],
)
def test_folder_that_cannot_be_read_is_refused_in_words(
    demo: Context, centre: Desk, files: dict[str, bytes]
) -> None:
    answer = upload(centre, files)
    assert answer.status_code == 422
    assert [key for key in demo.photo_store.list_keys() if key.startswith("onsite/")] == []


@one_engine
def test_folder_is_its_owners_alone(app: Flask, demo: Context, centre: Desk) -> None:
    agree(demo, centre)
    location = upload(centre, {"a.zip": pack(make_folder(demo))}).location
    assert sign_in(app, "admin").get(location).status_code == 404
    assert uuid.UUID(location.rsplit("/", 1)[-1])
    centre.submit(f"{location}/discard")
    assert centre.post(f"{location}/confirm").status_code == 409
