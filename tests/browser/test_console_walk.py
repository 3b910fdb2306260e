"""Each role walks through its rooms: no fault in the browser, accessible, nothing cut off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.people import StaffDesk
from tests.portraits import phone_photo_bytes, phone_portrait
from tests.system.stack import Stack, Student

pytestmark = pytest.mark.browser

ROLES = ("admin", "reviewer", "centre1", "finance")
SERIOUS = {"serious", "critical"}
WIDTHS = {"desk": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def busy_shop(shop: Stack) -> Stack:
    """The college on a working day: photos wait, one is unpaid, one cannot pass."""
    everyone = shop.students()
    for place in (10, 11, 12, 13):
        student = Student(shop, everyone[place]).sign_in().bind()
        picture = phone_portrait().but(seed=place)
        if place == 13:
            picture = picture.but(mouth_open=1.0)
        student.wait_for_verdict(
            student.upload(phone_photo_bytes(picture, size=(1500, 2000))).json()["data"]["id"]
        )
        if place in {10, 11}:
            student.pay(student.open_order())
            student.wait_for_status("uploaded")
    return shop


def list_rooms(desk: StaffDesk) -> Iterator[tuple[str, str]]:
    links = desk.page.locator("nav.rooms a")
    for place in range(links.count()):
        link = links.nth(place)
        yield link.inner_text(), link.get_attribute("href") or ""


def find_serious(desk: StaffDesk) -> list[str]:
    result = Axe().run(desk.page)
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}"
        for each in result.response["violations"]
        if each["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_room_of_a_role_is_sound(
    busy_shop: Stack, desk: StaffDesk, role: str, width: str
) -> None:
    desk.page.set_viewport_size({"width": WIDTHS[width][0], "height": WIDTHS[width][1]})
    desk.as_role(role)
    expect(desk.page.locator("nav.rooms a").first).to_be_visible()
    rooms = list(list_rooms(desk))
    assert len(rooms) >= 2
    faults = []
    for place, (name, address) in enumerate(rooms):
        desk.go(address)
        desk.shoot(f"{role}-{width}-{place}-{address.rsplit('/', 1)[-1]}", is_whole=True)
        faults += [f"{name}: {each}" for each in find_serious(desk)]
        needed = desk.page.evaluate("document.documentElement.scrollWidth")
        if needed > WIDTHS[width][0]:
            faults.append(f"{name}: {needed} px wide")
    assert faults == []
    assert desk.faults == []


def test_students_list_keeps_its_filter_in_the_address(busy_shop: Stack, desk: StaffDesk) -> None:
    desk.as_role("admin").go("/console/students")
    desk.page.get_by_label("采集情况").select_option(label="已上传")
    desk.page.get_by_role("button", name="筛选").click()
    assert "status=uploaded" in desk.page.url
    waiting = {busy_shop.students()[place]["student_no"] for place in (10, 11)}
    for number in waiting:
        expect(desk.page.get_by_role("link", name=number)).to_be_visible()
    desk.page.get_by_role("link", name=waiting.pop()).click()
    expect(desk.page.get_by_text("历史").first).to_be_visible()
    desk.shoot("student", is_whole=True)
    assert find_serious(desk) == []


def test_centre_sees_only_its_own_students(busy_shop: Stack, desk: StaffDesk) -> None:
    desk.as_role("centre1").go("/console/students")
    shown = desk.page.locator("table td.code a")
    own = {
        each["student_no"]
        for each in busy_shop.students()
        if each["centre"] == busy_shop.students()[0]["centre"]
    }
    numbers = set(shown.all_inner_texts())
    assert numbers
    assert numbers <= own


def test_reviewer_works_without_a_mouse(busy_shop: Stack, desk: StaffDesk) -> None:
    """Seconds a photo are printed by benchmarks; here the hands stay on the keyboard."""
    desk.as_role("reviewer").go("/console/review/next")
    first = desk.page.locator("h1").inner_text()
    desk.page.keyboard.press("l")
    expect(desk.page.locator("#lines")).not_to_be_checked()
    desk.page.keyboard.press("n")
    expect(desk.page.locator("h1")).not_to_have_text(first)
    assert find_serious(desk) == []
    desk.page.keyboard.press("a")
    expect(desk.page.get_by_text("上一张:已采用")).to_be_visible()
    desk.page.keyboard.press("u")
    expect(desk.page.get_by_text("上一张:已采用")).not_to_be_visible()
    assert desk.faults == []
