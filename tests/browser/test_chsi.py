"""A required 图像采集码 from the scan to 学信网可见: phone, reviewer, handover, the way back."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.rig.portraits import phone_photo_bytes
from tests.browser.people import Phone, StaffDesk
from tests.chsi_codes import look, make_text

pytestmark = [pytest.mark.browser, pytest.mark.long]

CODE = "chsi26"
RECEIVER = "华北图像采集中心"


def scan(phone: Phone, text: str) -> None:
    phone.page.evaluate("text => window.__host.scan(text)", text)
    phone.press("chsi-scan")


def as_another(desk: StaffDesk, account: str) -> None:
    desk.page.context.clear_cookies()
    desk.as_role(account)


def ask_for_codes(desk: StaffDesk) -> None:
    """An entrance of its own, so that the other students of the demo are asked for nothing."""
    desk.as_role("admin")
    desk.go("/console/codes/new")
    desk.page.get_by_label("特征码", exact=True).fill(CODE)
    desk.page.get_by_label("图像采集码").select_option("required")
    desk.page.get_by_role("button", name="新建").click()
    expect(desk.page.get_by_role("heading", name=f"特征码 {CODE}")).to_be_visible()


def hand_over(desk: StaffDesk) -> zipfile.ZipFile:
    desk.go("/console/exports")
    desk.page.get_by_label("图像采集码").check()
    desk.page.get_by_label("接收方").fill(RECEIVER)
    desk.page.get_by_label("用途说明").fill("2026 年秋季学历注册图像上报")
    desk.page.get_by_role("button", name="开始导出").click()
    link = desk.page.get_by_role("link", name="下载")
    expect(link.first).to_be_visible(timeout=60_000)
    with desk.page.expect_download() as waiting:
        link.first.click()
    return zipfile.ZipFile(waiting.value.path())


def bring_back(desk: StaffDesk, folder: Path, serial: str) -> None:
    """The unit's list, its columns mapped by hand."""
    path = folder / "结果.csv"
    path.write_text(f"编号,状态,日期\n{serial},比对通过,2026-11-27\n", encoding="gb18030")
    desk.go("/console/handovers")
    desk.shoot("handovers", is_whole=True)
    desk.page.get_by_label("清单文件").set_input_files(path)
    desk.page.get_by_role("button", name="上传").click()
    desk.page.get_by_label("用什么找学生").select_option("serial")
    desk.page.get_by_label("它在哪一列").select_option("0")
    desk.page.get_by_label("序号属于哪一次交接").select_option(index=1)
    desk.page.get_by_label("结果在哪一列").select_option("1")
    desk.page.get_by_label("日期在哪一列").select_option("2")
    desk.page.get_by_role("button", name="下一步").click()
    desk.page.get_by_label("“比对通过”表示").select_option("visible")
    desk.shoot("handover-list", is_whole=True)
    desk.page.get_by_role("button", name="登记这些结果").click()
    expect(desk.page.get_by_text("登记了 1 条新结果")).to_be_visible()


def test_required_code_from_the_scan_to_visible(
    phone: Phone, desk: StaffDesk, tmp_path: Path
) -> None:
    portrait = tmp_path / "me.jpg"
    portrait.write_bytes(phone_photo_bytes())
    student, other, text = phone.take_student(), phone.take_student(), make_text()
    ask_for_codes(desk)

    phone.open("browser-chsi")
    phone.bind(student, CODE)
    phone.press("capture-button")
    phone.choose(portrait)
    phone.press("continue-button")
    phone.pay()
    expect(phone.find("chsi-button")).to_be_visible()
    phone.expect_status("not_uploaded")
    phone.shoot("phone-chsi-asked")
    phone.press("chsi-button")
    expect(phone.find("chsi-scan")).to_be_visible()
    phone.shoot("phone-chsi-page")
    scan(phone, text)
    phone.expect_status("uploaded")
    phone.shoot("phone-chsi-given")
    phone.press("chsi-link")
    expect(phone.find("chsi-state")).to_contain_text("已提供")
    phone.shoot("phone-chsi-there")

    phone.open("browser-chsi")
    phone.bind(other, CODE)
    phone.press("chsi-link")
    scan(phone, text)
    expect(phone.find("error")).to_contain_text(student["student_no"])
    phone.shoot("phone-chsi-refused")

    as_another(desk, "reviewer")
    desk.go("/console/review")
    desk.page.get_by_role("link", name=student["student_no"]).first.click()
    desk.strike("a")
    expect(desk.page.get_by_text("上一张：已通过")).to_be_visible()

    as_another(desk, "admin")
    archive = hand_over(desk)
    rows = list(csv.DictReader(io.StringIO(archive.read("学历注册/清单.csv").decode("utf-8-sig"))))
    assert [look(archive.read(f"学历注册/{row['图像采集码']}")).text for row in rows] == [text]
    bring_back(desk, tmp_path, rows[0]["文件"].removesuffix(".jpg"))
    desk.page.get_by_role("link", name=RECEIVER).or_(
        desk.page.locator("table a").first
    ).first.click()
    desk.shoot("handover", is_whole=True)

    phone.page.evaluate("window.__host.pages()")
    phone.open("browser-chsi")
    phone.page.get_by_text(student["student_no"]).first.tap()
    expect(phone.find("chsi-result")).to_have_attribute("data-value", "visible")
    phone.expect_status("collected")
    phone.shoot("phone-chsi-visible")
    assert phone.list_faults() == []
    assert desk.faults == []
