"""One student from the feature code to 已采集(锁定), by hand: phone page, payment, reviewer."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.people import Phone, StaffDesk
from tests.portraits import phone_photo_bytes, phone_portrait

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("album") / "me.jpg"
    path.write_bytes(phone_photo_bytes())
    return path


def test_from_the_feature_code_to_collected(phone: Phone, desk: StaffDesk, portrait: Path) -> None:
    student = phone.stack.students()[0]
    phone.open("browser-student")
    phone.bind(student)
    phone.expect_status("not_uploaded")
    phone.press("capture-button")
    phone.choose(portrait)
    verdict = phone.find("verdict")
    expect(verdict).to_have_attribute("data-verdict", "pass")
    expect(phone.find("measurement")).to_have_count(5)
    expect(phone.find("standard-image")).to_be_visible()
    phone.shoot("phone-verdict")
    phone.press("continue-button")
    phone.press("pay-button")
    expect(phone.find("pay-amount")).to_have_text("¥20.00")
    phone.shoot("phone-pay")
    phone.press("pay-confirm")
    phone.expect_status("uploaded")
    phone.shoot("phone-uploaded")

    desk.as_role("reviewer")
    desk.page.get_by_role("link", name="审核").first.click()
    desk.shoot("review-queue")
    desk.page.get_by_role("link", name=student["student_no"]).first.click()
    expect(desk.page.locator("img.photo")).to_be_visible()
    desk.shoot("review-photo")
    desk.strike("a")
    expect(desk.page.get_by_text("上一张:已采用")).to_be_visible()
    desk.shoot("review-done")

    phone.press("refresh-button")
    phone.expect_status("collected")
    expect(phone.find("batch")).not_to_have_text("0000-00-00")
    phone.shoot("phone-collected")
    assert phone.faults == []
    assert desk.faults == []


def test_rejected_photo_comes_back_with_its_reason(
    phone: Phone, desk: StaffDesk, portrait: Path, tmp_path: Path
) -> None:
    student = phone.stack.students()[1]
    phone.open("browser-rejected")
    phone.bind(student)
    phone.press("capture-button")
    phone.choose(portrait)
    phone.press("continue-button")
    phone.press("pay-button")
    phone.press("pay-confirm")
    phone.expect_status("uploaded")

    desk.as_role("reviewer")
    desk.go("/console/review")
    desk.page.get_by_role("link", name=student["student_no"]).first.click()
    reason = desk.page.locator("label.reason").first.inner_text()
    desk.strike("1", "r")
    expect(desk.page.get_by_text("上一张:已退回")).to_be_visible()

    phone.press("refresh-button")
    phone.expect_status("reupload_required")
    expect(phone.find("review-reason").first).to_contain_text(reason.split(maxsplit=1)[1][:4])
    phone.shoot("phone-rejected")
    phone.press("recapture-button")
    phone.choose(portrait)
    expect(phone.find("error")).to_contain_text("已被审核退回")
    better = tmp_path / "better.jpg"
    better.write_bytes(phone_photo_bytes(phone_portrait().but(seed=2)))
    phone.choose(better)
    expect(phone.find("verdict")).to_have_attribute("data-verdict", "pass")
    phone.press("continue-button")
    phone.expect_status("reuploaded")


def test_wrong_file_and_wrong_name_are_told(phone: Phone, tmp_path: Path) -> None:
    student = phone.stack.students()[2]
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


def test_phone_turned_sideways_shows_everything(phone: Phone) -> None:
    phone.page.set_viewport_size({"width": 844, "height": 390})
    phone.open("browser-sideways")
    expect(phone.find("code-input")).to_be_visible()
    width = phone.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 844
    phone.shoot("phone-sideways")
