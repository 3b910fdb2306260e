"""现场采集 in the browser: a student without WeChat before a camera, and a folder of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.rig.portraits import phone_photo_bytes, phone_portrait
from benchmarks.rig.stack import Stack
from tests.browser.people import StaffDesk, find_barriers

pytestmark = [pytest.mark.browser, pytest.mark.long]


def agree(desk: StaffDesk, student_no: str) -> None:
    page = desk.page
    desk.go("/console/onsite")
    page.get_by_label("学号").fill(student_no)
    page.get_by_role("button", name="找到学生").click()
    page.locator('input[name="kind"][value="photo"]').check()
    codes = page.get_by_label("特征码")
    if codes.count():  # other tests give the college more codes
        codes.select_option(label="y0814v · 20.00 元")
    page.get_by_label("核对本人证件").select_option("居民身份证")
    page.get_by_role("button", name="学生已确认，开始拍照").click()


def test_student_before_the_camera_of_the_college(shop: Stack, desk: StaffDesk) -> None:
    [student] = shop.take_students(1)
    page = desk.as_role("admin").page
    desk.go("/console/onsite")
    assert find_barriers(page) == []
    desk.shoot("onsite-find")
    page.get_by_label("学号").fill(student["student_no"])
    page.get_by_role("button", name="找到学生").click()
    expect(page.locator(".consent-text")).to_contain_text("照片")
    assert find_barriers(page) == []
    desk.shoot("onsite-consent")
    assert page.locator("input:checked").count() == 0
    agree(desk, student["student_no"])
    expect(page.locator("#camera")).to_be_visible()
    page.wait_for_function("document.getElementById('camera-view').videoWidth > 0")
    desk.shoot("onsite-camera")
    assert find_barriers(page) == []
    page.get_by_label("核对本人证件").select_option("居民身份证")
    page.get_by_role("button", name="拍照并提交").click()
    expect(page.get_by_role("heading", name="合格")).to_be_visible()
    expect(page.locator("main")).to_contain_text("还没有缴费")
    desk.shoot("onsite-verdict")
    assert find_barriers(page) == []
    page.get_by_role("link", name="学生详情").click()
    page.get_by_label("已收现金").check()
    page.get_by_label("减免原因，或现金收据号").fill("收据 0001")
    page.get_by_role("button", name="确认", exact=True).click()
    expect(page.locator("main")).to_contain_text("已登记现金缴费")
    expect(page.locator("main")).to_contain_text("已上传")
    desk.shoot("onsite-paid-in-cash")
    assert desk.faults == []


def test_folder_of_a_photographer(shop: Stack, desk: StaffDesk, tmp_path: Path) -> None:
    [student] = shop.take_students(1)
    desk.as_role("admin")
    agree(desk, student["student_no"])
    page = desk.page
    photo, shots = tmp_path / "IMG_0001.jpg", tmp_path / "shots.csv"
    picture = phone_portrait().but(seed=2)
    photo.write_bytes(phone_photo_bytes(picture, size=(1200, 1600)))
    shots.write_text(f"file,学号\nIMG_0001.jpg,{student['student_no']}\nIMG_2.jpg,1\n")
    desk.go("/console/onsite/folder")
    assert find_barriers(page) == []
    page.get_by_label("照片和清单").set_input_files([photo, shots])
    page.get_by_role("button", name="上传并核对").click()
    expect(page.locator("main")).to_contain_text("1 张可以写入")
    expect(page.locator("main")).to_contain_text("没有上传这个文件")
    desk.shoot("onsite-folder-plan")
    assert find_barriers(page) == []
    page.get_by_role("button", name="写入这 1 张").click()
    expect(page.get_by_role("status")).to_contain_text("已写入")
    desk.shoot("onsite-folder-done")
    desk.go("/console/onsite/folder")
    assert [each for each in desk.faults if "404" not in each] == []
