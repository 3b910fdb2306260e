"""Each role walks through its rooms: no fault in the browser, accessible, nothing cut off."""

from __future__ import annotations

import os
import re
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from benchmarks.rig.stack import Stack, Student
from server.services.roster.columns import COLUMNS
from tests.browser.busy import VISITS, make_busy
from tests.browser.people import StaffDesk
from tests.rounds import few

pytestmark = pytest.mark.browser

ROLES = ("admin", "reviewer", "centre1", "finance")
SERIOUS = {"serious", "critical"}
WIDTHS = {"desk": (1280, 800), "phone": (390, 844)}
SHORT_WALK = ("reviewer", "phone")
"""In make test; every role at both widths walks with the long rounds."""
GOOD_LINE = "30000001,欧阳娜,110101199003070038,专升本,法学,直属学习中心,2020 秋,2023 春,在籍"


@pytest.fixture(scope="module")
def busy_shop(shop: Stack) -> list[Student]:
    return make_busy(shop)


def find_serious(desk: StaffDesk) -> list[str]:
    result = Axe().run(desk.page)
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:120]}"
        for each in result.response["violations"]
        if each["impact"] in SERIOUS
    ]


def list_links(desk: StaffDesk) -> list[str]:
    links = "document.querySelectorAll('a[href^=\"/console\"]')"
    addresses: list[str] = desk.page.evaluate(f"Array.from({links}, a => a.getAttribute('href'))")
    return addresses


def walk(desk: StaffDesk, role: str, width: str) -> list[str]:
    """Visit every room, and one page of each kind behind it; return what is wrong."""
    faults: list[str] = []
    seen: set[str] = set()
    waiting = ["/console/progress", *list_links(desk)]
    while waiting:
        address = waiting.pop(0)
        kind = re.sub(r"[0-9a-f-]{36}|CJ\w{20,}", "ID", address.split("?")[0])
        if kind in seen or re.search(r"\.\w+$|/original$|/picture$", kind):
            continue
        seen.add(kind)
        answer = desk.page.goto(desk.stack.url + address)
        assert answer is not None
        if answer.status != 200:
            faults.append(f"{address}: {answer.status}")
            continue
        if os.environ.get("SCREENSHOTS"):
            name = re.sub(r"\W+", "-", kind.removeprefix("/console"))
            desk.shoot(f"{role}-{width}{name}", is_whole=True)
        faults += [f"{kind}: {each}" for each in find_serious(desk)]
        needed = desk.page.evaluate("document.documentElement.scrollWidth")
        if needed > WIDTHS[width][0]:
            faults.append(f"{kind}: {needed} px wide")
        waiting += list_links(desk)
    assert len(seen) > len(list_links(desk)) // 2
    return faults


@pytest.mark.parametrize(
    ("role", "width"),
    few([(role, width) for role in ROLES for width in WIDTHS], lambda row: row == SHORT_WALK),
)
@pytest.mark.usefixtures("busy_shop")
def test_every_page_of_a_role_is_sound(desk: StaffDesk, role: str, width: str) -> None:
    desk.page.set_viewport_size({"width": WIDTHS[width][0], "height": WIDTHS[width][1]})
    desk.as_role(role)
    expect(desk.page.locator("nav.rooms a").first).to_be_visible()
    assert walk(desk, role, width) == []
    assert desk.faults == []


@pytest.mark.long
@pytest.mark.usefixtures("busy_shop")
def test_picture_of_a_profile_that_is_tried_fits_a_phone(desk: StaffDesk) -> None:
    desk.page.set_viewport_size({"width": WIDTHS["phone"][0], "height": WIDTHS["phone"][1]})
    desk.as_role("admin").go("/console/profiles/two-inch")
    desk.page.get_by_role("button", name="试做").click()
    expect(desk.page.get_by_alt_text("试做的照片")).to_be_visible()
    assert desk.page.evaluate("document.documentElement.scrollWidth") <= WIDTHS["phone"][0]
    assert find_serious(desk) == []


def test_students_list_keeps_its_filter_in_the_address(
    busy_shop: list[Student], desk: StaffDesk
) -> None:
    desk.as_role("admin").go("/console/students")
    desk.page.get_by_label("采集情况").select_option(label="需重新上传")
    desk.page.get_by_role("button", name="筛选").click()
    assert "status=reupload_required" in desk.page.url
    number = busy_shop[-1].student["student_no"]
    desk.page.get_by_role("link", name=number).click()
    expect(desk.page.get_by_text("背景有阴影；头发遮住眉毛；请换一面墙").first).to_be_visible()
    assert busy_shop[-1].student["id_number"] not in desk.page.content()


@pytest.mark.usefixtures("busy_shop")
def test_centre_sees_only_its_own_students(desk: StaffDesk) -> None:
    desk.as_role("centre1").go("/console/students")
    everyone = desk.stack.students()
    demo = {each["student_no"] for each in everyone}
    own = {each["student_no"] for each in everyone if each["centre"] == everyone[0]["centre"]}
    shown = set(desk.page.locator("table td.code a").all_inner_texts())
    assert shown & demo == own, "a roster of another test may have added to the centre's own"


def test_roster_goes_from_file_to_students(desk: StaffDesk) -> None:
    """With the script the progress page turns into the result by itself."""
    desk.as_role("admin").go("/console/roster")
    data = "\r\n".join([",".join(COLUMNS), GOOD_LINE]).encode("gb18030")
    desk.page.get_by_label("名单文件").set_input_files(
        {"name": "名单.csv", "mimeType": "text/csv", "buffer": data}
    )
    desk.page.get_by_role("button", name="上传并核对").click()
    desk.page.get_by_role("button", name="确认导入 1 人").click()
    expect(desk.page.get_by_text("已导入：新增 1 人")).to_be_visible()
    desk.page.get_by_role("link", name="查看学生").click()
    desk.page.get_by_label("学号或姓名开头").fill("30000001")
    desk.page.get_by_role("button", name="筛选").click()
    expect(desk.page.get_by_role("link", name="30000001")).to_be_visible()
    assert desk.faults == []


def test_two_reviewers_work_without_a_mouse(
    desk: StaffDesk, browser: Browser, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hands stay on the keyboard, nobody meets the other's photo, a decision can be undone."""
    make_busy(desk.stack, VISITS[:6])
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    other = StaffDesk(context.new_page(), desk.stack, desk.album)
    desk.as_role("reviewer").go("/console/review/next")
    other.as_role("admin").go("/console/review/next")
    expect(other.page.locator("img.photo")).to_be_visible()
    heading = desk.page.locator("h1")
    first = heading.inner_text()
    assert other.page.locator("h1").inner_text() != first
    desk.strike("l")
    expect(desk.page.locator("img.lines")).not_to_be_visible()
    desk.strike("a")
    expect(desk.page.get_by_text("上一张：已通过")).to_be_visible()
    desk.strike("u")
    expect(heading).to_have_text(first)
    begin = time.perf_counter()
    judged = 0
    while judged < 3:
        before = heading.inner_text()
        assert other.page.locator("h1").inner_text() != before
        desk.strike(*(("1", "r") if judged == 1 else ("a",)))
        expect(heading).not_to_have_text(before)
        expect(desk.page.get_by_text("上一张：")).to_be_visible()
        judged += 1
    seconds = (time.perf_counter() - begin) / judged
    with capsys.disabled():
        print(f" [{seconds:.2f} s a photo by keyboard]", end="")  # noqa: T201 - a measurement
    context.close()
    assert desk.faults == []


@pytest.mark.long
def test_lines_can_be_switched_off_and_photos_judged_without_javascript(
    browser: Browser, desk: StaffDesk
) -> None:
    # whoever looked at the others before holds them for ten minutes
    make_busy(desk.stack, VISITS[:1])
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    plain = StaffDesk(context.new_page(), desk.stack, desk.album)
    plain.as_role("admin").go("/console/review/next")
    expect(plain.page.locator("img.lines")).to_be_visible()
    plain.page.get_by_label("测量线").uncheck()
    expect(plain.page.locator("img.lines")).not_to_be_visible()
    plain.page.get_by_role("button", name="通过").click()
    expect(plain.page.get_by_text("上一张：已通过")).to_be_visible()
    context.close()
