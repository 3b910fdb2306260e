"""调整裁剪 in the browser: keys and fields move the photo, the lines follow, the worker answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from benchmarks.rig.stack import Stack
from tests.browser.busy import Visit, make_busy
from tests.browser.people import StaffDesk, find_barriers

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_reviewer_moves_the_crop_and_sees_it_made_anew(shop: Stack, desk: StaffDesk) -> None:
    [student] = make_busy(shop, (Visit({}),))
    desk.as_role("reviewer")
    page = desk.page
    desk.go(f"/console/review/{student.enrolment()['photo']['id']}")
    desk.strike("c")
    head_top = page.locator('[data-line="head_top_px"] strong')
    before = int(head_top.inner_text())
    desk.strike("ArrowDown", "ArrowDown", "ArrowDown", "+")
    expect(page.get_by_label("向下（像素）")).to_have_value("6")
    expect(page.get_by_label("大小（百分比）")).to_have_value("101")
    moved = int(head_top.inner_text())
    assert abs(moved - before - 4) <= 1
    desk.shoot("crop-moved")
    page.get_by_label("向下（像素）").fill("-60")
    expect(page.locator('[data-line="head_top_px"] .crop-out')).to_be_visible()
    desk.shoot("crop-outside")
    page.get_by_role("button", name="重新裁剪并检测").click()
    expect(page.locator("#form-error")).to_contain_text("头顶到上边会是")
    assert find_barriers(page) == []
    page.get_by_label("向下（像素）").fill("6")
    page.get_by_label("大小（百分比）").fill("101")
    page.get_by_role("button", name="重新裁剪并检测").click()
    expect(page.get_by_role("status")).to_contain_text("已按调整重新裁剪并检测")
    desk.shoot("crop-made")
    desk.strike("c")
    assert abs(int(head_top.inner_text()) - moved) <= 3
    assert [each for each in desk.faults if "422" not in each] == []
