"""What goes wrong on a phone: no network, a second tap, an order that WeChat closed."""

from pathlib import Path

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.people import Phone
from tests.portraits import jpeg_bytes

pytestmark = pytest.mark.browser


def find_barriers(phone: Phone) -> list[str]:
    """What keeps people with a screen reader or weak eyes from this page."""
    found = Axe().run(phone.page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['target']}" for each in found]


def test_no_network_second_taps_and_a_closed_order_lose_nothing(
    phone: Phone, tmp_path: Path
) -> None:
    sandbox = phone.stack.sandbox_url
    portrait = tmp_path / "me.jpg"
    portrait.write_bytes(jpeg_bytes())
    phone.page.goto(f"{sandbox}/phone")
    expect(phone.find("login-button")).to_be_visible()
    assert find_barriers(phone) == []
    phone.open("browser-troubles")
    phone.bind(phone.stack.students()[3])
    phone.press("capture-button")
    phone.find("photo-file").set_input_files(portrait)
    phone.page.context.set_offline(True)
    phone.press("upload-button")
    expect(phone.find("error")).to_contain_text("网络")
    phone.page.context.set_offline(False)
    expect(phone.find("offline")).to_be_hidden()
    phone.press("upload-button")
    expect(phone.find("verdict")).to_be_visible()
    expect(phone.find("overlay")).to_be_visible()
    assert find_barriers(phone) == []
    phone.press("continue-button")

    phone.find("pay-button").dblclick()
    number = phone.find("out-trade-no").inner_text()
    phone.press("pay-cancel")
    expect(phone.find("toast")).to_contain_text("已取消支付")
    httpx.post(f"{sandbox}/control/clock", json={"advance_s": 7200}, timeout=20)
    phone.press("pay-button")
    phone.press("pay-confirm")
    expect(phone.find("error")).to_contain_text("订单已关闭")
    phone.press("pay-cancel")
    phone.press("pay-button")
    expect(phone.find("out-trade-no")).not_to_have_text(number)
    phone.find("pay-confirm").dblclick()
    phone.expect_status("uploaded")

    expect(phone.find("toast")).to_be_hidden()
    assert find_barriers(phone) == []
    phone.press("messages-button")
    phone.find("allow-refund").uncheck()
    phone.press("allow-confirm")
    expect(phone.find("toast")).to_contain_text("有结果会通知您")
    phone.press("list-button")
    expect(phone.find("enrolment-item")).to_contain_text("待审核")
    phone.shoot("phone-list")
    assert phone.faults == []


def test_foreign_enrolment_and_spent_token_lead_back(phone: Phone) -> None:
    phone.open("browser-curious")
    expect(phone.find("code-input")).to_be_visible()
    nobody = "00000000-0000-7000-8000-000000000000"
    phone.page.goto(f"{phone.stack.sandbox_url}/phone#/e/{nobody}")
    expect(phone.find("error")).to_contain_text("没有找到")
    phone.press("home-button")
    expect(phone.find("code-input")).to_be_visible()
    phone.page.evaluate("localStorage.setItem('caiji-phone', '{\"token\": \"spent\"}')")
    phone.find("code-input").fill("y0814v")
    phone.press("code-button")
    expect(phone.find("login-button")).to_be_visible()
    expect(phone.find("toast")).to_contain_text("登录已过期")


def test_new_consent_is_read_and_given_before_the_next_photo(phone: Phone, tmp_path: Path) -> None:
    portrait = tmp_path / "me.jpg"
    portrait.write_bytes(jpeg_bytes())
    words = tmp_path / "consent.txt"
    words.write_text("照片今后也用于校园一卡通。" * 10, encoding="utf-8")
    student = phone.stack.students()[4]
    phone.open("browser-consent")
    phone.bind(student)
    phone.press("capture-button")
    phone.stack.flask("consent", "publish", "2099-01", str(words))
    phone.choose(portrait)
    expect(phone.find("error")).to_have_attribute("data-code", "consent_outdated")
    phone.press("consent-again")
    phone.press("code-button")
    expect(phone.find("consent-text")).to_contain_text("校园一卡通")
    phone.press("code-continue")
    phone.fill_identity(student)
    phone.press("capture-button")
    phone.choose(portrait)
    expect(phone.find("verdict")).to_be_visible()
    phone.shoot("phone-consent-again")
    assert phone.faults == []
