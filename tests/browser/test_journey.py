"""One student from the scanned code to 已采集(锁定), by hand: mini-program, payment, reviewer."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.rig.portraits import phone_photo_bytes, phone_portrait
from tests.browser.people import Phone, StaffDesk

pytestmark = pytest.mark.browser
SMALL_PHONE = (1200, 1600)
"""Width and height in pixels; what a browser makes of twelve megapixels is seen by its camera."""


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("album") / "me.jpg"
    path.write_bytes(phone_photo_bytes(size=SMALL_PHONE))
    return path


def test_from_the_scanned_code_to_collected(phone: Phone, desk: StaffDesk) -> None:
    """The way of a poster: scene, identity, live camera, verdict, fee, review."""
    student = phone.take_student()
    phone.open("browser-student", privacy="", scene="y0814v")
    expect(phone.find("code-input")).to_have_value("y0814v")
    phone.press("code-button")
    expect(phone.find("college-name")).to_have_text("北京示范大学网络教育学院")
    phone.press("code-continue")
    phone.fill_identity(student)
    phone.expect_status("not_uploaded")
    phone.press("capture-button")
    phone.allow_messages("camera-button")
    phone.press("camera-button")
    phone.press("privacy-agree")
    phone.press("permission-allow")
    expect(phone.find("camera-shutter")).to_be_enabled()
    phone.press("camera-shutter")
    phone.press("upload-button")
    expect(phone.find("verdict")).to_have_attribute("data-verdict", re.compile("pass|warn"))
    expect(phone.find("overlay")).to_be_visible()
    phone.press("overlay-toggle")
    expect(phone.find("overlay")).to_be_hidden()
    phone.press("details")
    expect(phone.find("measurement")).to_have_count(5)
    expect(phone.find("standard-image")).to_be_visible()
    phone.shoot("phone-verdict")
    phone.press("continue-button")
    phone.press("pay-button")
    expect(phone.find("pay-amount")).to_have_text("¥20.00")
    phone.shoot("phone-pay")
    phone.press("pay-confirm")
    phone.expect_status("uploaded")
    phone.press("messages-button")
    phone.press("subscribe-allow")
    expect(phone.find("toast")).to_contain_text("通知")
    phone.shoot("phone-uploaded")

    desk.as_role("reviewer")
    desk.page.get_by_role("link", name="审核").first.click()
    desk.shoot("review-queue")
    desk.page.get_by_role("link", name=student["student_no"]).first.click()
    expect(desk.page.locator("img.photo")).to_be_visible()
    desk.shoot("review-photo")
    desk.strike("a")
    expect(desk.page.get_by_text("上一张：已通过")).to_be_visible()
    desk.shoot("review-done")

    phone.press("refresh-button")
    phone.expect_status("collected")
    expect(phone.find("batch")).not_to_have_text("0000-00-00")
    phone.shoot("phone-collected")
    assert phone.list_faults() == []
    assert desk.faults == []


def test_rejected_photo_comes_back_with_its_reason(
    phone: Phone, desk: StaffDesk, portrait: Path, tmp_path: Path
) -> None:
    student = phone.take_student()
    phone.open("browser-rejected")
    phone.bind(student)
    phone.press("capture-button")
    phone.choose(portrait)
    phone.press("continue-button")
    phone.pay()
    phone.expect_status("uploaded")

    desk.as_role("reviewer")
    desk.go("/console/review")
    desk.page.get_by_role("link", name=student["student_no"]).first.click()
    reason = desk.page.locator("label.reason").first.inner_text()
    desk.strike("1", "r")
    expect(desk.page.get_by_text("上一张：已退回")).to_be_visible()

    phone.press("refresh-button")
    phone.expect_status("reupload_required")
    expect(phone.find("review-reason").first).to_contain_text(reason.split(maxsplit=1)[1][:4])
    phone.shoot("phone-rejected")
    phone.press("recapture-button")
    phone.choose(portrait)
    expect(phone.find("error")).to_contain_text("已被审核退回")
    phone.press("again-button")
    better = tmp_path / "better.jpg"
    better.write_bytes(phone_photo_bytes(phone_portrait().but(seed=2), size=SMALL_PHONE))
    phone.choose(better)
    expect(phone.find("verdict")).to_have_attribute("data-verdict", "pass")
    phone.press("continue-button")
    phone.expect_status("reuploaded")
    assert phone.list_faults() == []


@pytest.mark.long
def test_failing_photo_is_taken_again_and_withdrawn(phone: Phone, tmp_path: Path) -> None:
    dark = tmp_path / "dark.jpg"
    dark.write_bytes(
        phone_photo_bytes(phone_portrait().but(mouth_open=1.0, roll_deg=20), size=SMALL_PHONE)
    )
    good = tmp_path / "good.jpg"
    good.write_bytes(phone_photo_bytes(phone_portrait().but(seed=5), size=SMALL_PHONE))
    phone.open("browser-again")
    phone.bind(phone.take_student())
    phone.press("capture-button")
    phone.choose(dark)
    expect(phone.find("verdict")).to_have_attribute("data-verdict", "fail")
    expect(phone.find("finding").first).to_be_visible()
    phone.shoot("phone-fail")
    phone.press("retake-button")
    phone.choose(good)
    phone.press("continue-button")
    phone.press("later-button")
    phone.press("withdraw-button")
    expect(phone.find("modal")).to_contain_text("撤回")
    phone.press("modal-confirm")
    expect(phone.find("recapture-button")).to_be_visible()
    phone.expect_status("not_uploaded")
    assert phone.list_faults() == []


def test_wrong_file_and_wrong_name_are_told(phone: Phone, tmp_path: Path) -> None:
    student = phone.take_student()
    phone.open("browser-wrong")
    phone.bind({**student, "name": "错名"})
    expect(phone.find("error")).to_have_attribute("data-code", "identity_mismatch")
    phone.find("name-input").fill(student["name"])
    phone.press("bind-button")
    phone.press("capture-button")
    notes = tmp_path / "notes.jpg"
    notes.write_text("no picture")
    phone.choose(notes)
    expect(phone.find("error")).to_be_visible()
    phone.shoot("phone-wrong-file")
    assert phone.list_faults() == []


@pytest.mark.long
def test_student_with_a_new_wechat_goes_on_once_released(phone: Phone, desk: StaffDesk) -> None:
    """A lost phone is not the end: refused, released at the centre's desk, bound again."""
    student = phone.take_student()
    phone.open("lost-wechat")
    phone.bind(student)
    phone.expect_status("not_uploaded")
    phone.open("new-wechat")
    phone.bind(student)
    expect(phone.find("error")).to_contain_text("已由其他微信账号绑定")
    expect(phone.find("error")).to_contain_text("还可以试 4 次")
    expect(phone.find("error")).to_contain_text("咨询：")

    desk.as_role("admin").go(f"/console/students?text={student['student_no']}")
    desk.page.get_by_role("link", name=student["student_no"]).click()
    desk.page.get_by_label("如何核对身份").select_option(label="身份证原件")
    desk.page.get_by_label("原因", exact=True).fill("手机丢失，换了新的微信号")
    desk.shoot("release")
    desk.page.get_by_role("button", name="解除绑定").click()
    expect(desk.page.get_by_text("已解除绑定。")).to_be_visible()

    phone.press("bind-button")
    phone.expect_status("not_uploaded")
    phone.open("lost-wechat")
    expect(phone.find("status-label")).to_have_count(0)
    assert desk.faults == []
