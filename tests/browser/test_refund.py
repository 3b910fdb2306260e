"""A fee asked back: refused with a reason, asked again, agreed, refunded, with a receipt."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from benchmarks.rig.portraits import phone_photo_bytes
from tests.browser.people import Phone, StaffDesk, find_barriers

pytestmark = [pytest.mark.browser, pytest.mark.long]

FIRST_WISH = "家里有事，不参加这次采集了"
REFUSAL = "照片正在审核，请等审核结束再申请"
SECOND_WISH = "已经决定休学，还是不办了"
WIDTHS = {"desk": (1280, 800), "phone": (390, 844)}


def shoot(phone: Phone, name: str) -> None:
    """Keep what is on the screen, and let nothing bar a screen reader from it."""
    expect(phone.find("toast")).to_be_hidden()
    phone.shoot(f"refund-{name}")
    assert find_barriers(phone.page) == []


def ask_back(phone: Phone, reason: str) -> None:
    phone.press("refund-button")
    phone.find("modal-input").fill(reason)
    phone.shoot("refund-phone-asking")
    phone.press("modal-confirm")
    expect(phone.find("refund-state")).to_have_attribute("data-value", "requested")


def look_again(phone: Phone) -> None:
    """Go back to where the photo stands, as students do, and come again."""
    phone.press("refund-back")
    phone.press("refresh-button")
    phone.press("refund-link")
    phone.expect_page("refund")


def give_back(phone: Phone) -> None:
    """Be WeChat: the money is back on the account of who paid, and the notice says so."""
    control = f"{phone.stack.sandbox_url}/control"
    order = phone.find("order-number").inner_text().strip()
    refunds = httpx.get(f"{control}/ledger").json()["refunds"]
    (number,) = (one["out_refund_no"] for one in refunds if one["out_trade_no"] == order)
    httpx.post(f"{control}/finish-refund", json={"out_refund_no": number}).raise_for_status()


def look_at(desk: StaffDesk, path: str, name: str) -> None:
    """Open a page at both widths: nothing is cut off, and anybody can read it."""
    for width, (across, down) in WIDTHS.items():
        desk.page.set_viewport_size({"width": across, "height": down})
        desk.go(path)
        desk.shoot(f"refund-{name}-{width}", is_whole=True)
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= across
        assert find_barriers(desk.page) == []
    desk.page.set_viewport_size({"width": 1280, "height": 800})


def answer(desk: StaffDesk, wish: str, act: str, words: str, name: str) -> None:
    """Finance comes by way of the payments, opens the one request that waits, and answers."""
    desk.go("/console/payments")
    desk.page.get_by_role("link", name="1 个学生申请退款").click()
    look_at(desk, "/console/refund-requests", f"{name}-list")
    desk.page.locator("table td.code a").first.click()
    expect(desk.page.get_by_text(wish)).to_be_visible()
    look_at(desk, desk.page.url.removeprefix(desk.stack.url), f"{name}-one")
    desk.page.get_by_label("理由（学生会看到").fill(words)
    desk.page.get_by_role("button", name=act, exact=True).click()
    expect(desk.page.get_by_role("heading", name="答复")).to_have_count(0)
    look_at(desk, desk.page.url.removeprefix(desk.stack.url), f"{name}-answered")


def test_fee_goes_back_after_a_refusal_and_a_second_request(
    phone: Phone, desk: StaffDesk, tmp_path: Path
) -> None:
    portrait = tmp_path / "me.jpg"
    portrait.write_bytes(phone_photo_bytes())
    phone.open("browser-refund")
    phone.bind(phone.take_student())
    phone.press("capture-button")
    phone.choose(portrait)
    phone.press("continue-button")
    phone.pay()
    phone.expect_status("uploaded")
    phone.put_sheet_aside()
    phone.press("refund-link")
    phone.expect_page("refund")
    expect(phone.find("paid-amount")).to_have_text("20 元")
    shoot(phone, "phone-paid")
    ask_back(phone, FIRST_WISH)
    expect(phone.find("refund-button")).to_have_count(0)
    shoot(phone, "phone-waits")

    desk.as_role("finance")
    answer(desk, FIRST_WISH, "不同意", REFUSAL, "refuse")
    look_again(phone)
    expect(phone.find("refund-label")).to_have_text("未同意")
    expect(phone.find("refund-answer")).to_have_text(f"学校答复：{REFUSAL}")
    shoot(phone, "phone-refused")

    ask_back(phone, SECOND_WISH)
    answer(desk, SECOND_WISH, "同意并退款", "同意退款", "accept")
    look_again(phone)
    expect(phone.find("refund-label")).to_have_text("退款中")
    shoot(phone, "phone-under-way")
    give_back(phone)
    look_again(phone)
    expect(phone.find("refund-label")).to_have_text("已退款")
    expect(phone.find("refund-answer")).to_have_text("学校答复：同意退款")
    phone.press("receipt-button")
    expect(phone.find("receipt-ready")).to_be_visible()
    shoot(phone, "phone-refunded")
    phone.press("refund-back")
    phone.expect_status("not_uploaded")
    phone.shoot("refund-phone-after")
    assert phone.list_faults() == []
    assert desk.faults == []
