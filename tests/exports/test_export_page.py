"""The page 导出: who may use it, how it asks, how a broken download goes on."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask import Flask

from models import Batch
from server.context import Context
from server.demo import INSTITUTION
from server.services.jobs import run_next_job
from tests.college import collect, found_other_college, make_students
from tests.desk import Desk, sign_in
from tests.page import read_page

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CHOICE = {"naming": "student_no", "use": ["registration", "student_card"]}


@pytest.fixture
def desk(app: Flask) -> Desk:
    return sign_in(app, "admin")


def start(desk: Desk, batch: Batch, **changes: object) -> str:
    answer = desk.post("/console/exports", batch=batch.label, **{**CHOICE, **changes})
    assert answer.status_code == 303, answer.text
    return answer.location


def test_administrator_asks_watches_and_takes_an_export(
    desk: Desk, demo: Context, batch: Batch
) -> None:
    page = desk.read("/console/exports")
    assert f"{batch.label}（5 张，批次未关闭）" in page.text
    address = start(desk, batch)
    waiting = desk.read(address)
    assert "排队中" in waiting.text
    assert 'http-equiv="refresh"' in waiting.html
    run_next_job(demo)
    done = desk.read(address)
    assert "学历注册 5 张、学生证 5 张" in done.text
    assert "refresh" not in done.html
    answer = desk.get(f"{address}/archive.zip")
    assert answer.mimetype == "application/zip"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert len(zipfile.ZipFile(io.BytesIO(answer.data)).namelist()) == 2 * 7 + 1
    log = desk.read("/console/audit")
    for action in ("申请导出", "下载导出文件"):
        assert action in log.text


def test_broken_download_goes_on_where_it_ended(desk: Desk, demo: Context, batch: Batch) -> None:
    address = start(desk, batch) + "/archive.zip"
    run_next_job(demo)
    whole = desk.get(address)
    etag = whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    rest = desk.get(address, headers={"Range": "bytes=1000-", "If-Range": etag})
    assert rest.status_code == 206
    assert rest.headers["Content-Range"] == f"bytes 1000-{len(whole.data) - 1}/{len(whole.data)}"
    assert rest.data == whole.data[1000:]
    part = desk.get(address, headers={"Range": "bytes=10-19"})
    assert part.data == whole.data[10:20]
    changed = desk.get(address, headers={"Range": "bytes=1000-", "If-Range": '"another"'})
    assert (changed.status_code, changed.data) == (200, whole.data)
    beyond = desk.get(address, headers={"Range": f"bytes={len(whole.data)}-"})
    assert beyond.status_code == 416


def test_old_sign_in_gives_the_password_again_and_loses_no_choice(
    desk: Desk, demo: Context, batch: Batch
) -> None:
    address = start(desk, batch)
    run_next_job(demo)
    demo.clock.advance(minutes=30)  # type: ignore[attr-defined]
    refused = desk.get(f"{address}/archive.zip")
    assert refused.location == "/console/confirm"
    answer = desk.post(
        "/console/exports", batch=batch.label, naming="photo_number", use=["online_exam"]
    )
    page = read_page(answer)
    kept = [(e.get("name"), e.get("value")) for e in page.all("input")]
    assert {("naming", "photo_number"), ("use", "online_exam")} <= set(kept)
    fields = {name: value for name, value in kept if value is not None}
    wrong = desk.client.post("/console/exports", data={**fields, "password": "wrong"})
    assert (wrong.status_code, 'value="online_exam"' in wrong.text) == (422, True)
    assert "wrong" not in wrong.text
    done = desk.client.post("/console/exports", data={**fields, "password": "demo-password-1"})
    assert done.location.startswith("/console/exports/")
    assert desk.get(f"{address}/archive.zip").status_code == 200


def test_wrong_choices_say_what_is_missing_and_empty_college_says_so(
    desk: Desk, batch: Batch, demo: Context, app: Flask
) -> None:
    answer = desk.post("/console/exports", batch=batch.label, naming="student_no")
    assert answer.status_code == 422
    assert "至少一种用途" in answer.text
    found_other_college(demo)
    assert "还没有已采集的照片" in sign_in(app, "other-admin").read("/console/exports").text


@pytest.mark.parametrize("username", ["reviewer", "centre1", "finance"])
def test_other_roles_get_nothing(
    app: Flask, desk: Desk, demo: Context, batch: Batch, username: str
) -> None:
    address = start(desk, batch)
    run_next_job(demo)
    stranger = sign_in(app, username)
    for path in ("/console/exports", address, f"{address}/archive.zip"):
        assert stranger.get(path).status_code == 403
    assert stranger.post("/console/exports", batch=batch.label, **CHOICE).status_code == 403
    assert stranger.post(f"{address}/delete").status_code == 403
    assert "/console/exports" in desk.read("/console/students").html
    assert "/console/exports" not in stranger.read("/console/students").html


def test_administrator_of_another_college_sees_no_export_and_no_batch(
    app: Flask, desk: Desk, demo: Context, batch: Batch
) -> None:
    address = start(desk, batch)
    run_next_job(demo)
    found_other_college(demo)
    stranger = sign_in(app, "other-admin")
    for path in (address, f"{address}/archive.zip"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"{address}/delete").status_code == 404
    assert batch.label not in stranger.read("/console/exports").text
    # Both colleges have a batch of this date: it is the stranger's own, and empty.
    assert stranger.post("/console/exports", batch=batch.label, **CHOICE).status_code == 422
    assert desk.get(f"{address}/archive.zip").status_code == 200


def test_deleting_takes_the_archive_away_at_once(desk: Desk, demo: Context, batch: Batch) -> None:
    address = start(desk, batch)
    run_next_job(demo)
    assert desk.post(f"{address}/delete").status_code == 303
    gone = desk.read(address)
    assert "文件已删除" in gone.text
    again = next(e for e in gone.all("a") if e.text == "重新导出").get("href") or ""
    checked = [e for e in desk.read(again).all("input") if e.get("checked") is not None]
    assert {e.get("value") for e in checked} == {"student_no", "registration", "student_card"}
    assert desk.get(f"{address}/archive.zip").status_code == 410
    collect(demo, INSTITUTION, make_students(1, first=37000001))
    again = start(desk, batch)
    desk.post(f"{again}/delete")
    assert "已取消" in desk.read(again).text
