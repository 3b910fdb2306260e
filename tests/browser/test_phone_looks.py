"""Every page of the mini-program on small and large phones, in both schemes, with large letters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.rig.portraits import phone_photo_bytes, phone_portrait
from benchmarks.rig.stack import Stack
from tests.browser.people import Phone, find_barriers

pytestmark = [pytest.mark.browser, pytest.mark.long]

SMALLEST_PX = 44
LOOKS = {
    "320-light": ((320, 568), {}),
    "320-large": ((320, 568), {"fontScale": "1.4"}),
    "390-dark": ((390, 844), {"theme": "dark"}),
    "390-large-dark": ((390, 844), {"theme": "dark", "fontScale": "1.4"}),
    "430-light": ((430, 932), {}),
    "sideways": ((844, 390), {}),
}
FIND_SMALL = """least => [...document.querySelectorAll(
  '#pages button, #pages input, #pages [role=button], #pages [role=link], #pages label')]
  .filter((each) => each.offsetParent && !each.closest('label label, [hidden]'))
  .map((each) => each.matches('label input') ? each.closest('label') : each)
  .map((each) => each.matches('wx-input input') ? each.closest('wx-input') : each)
  .filter((each) => !each.matches('label:not(:has(input))'))
  .map((each) => ({ each, box: each.getBoundingClientRect() }))
  .filter(({ box }) => box.height < least - 0.5 || box.width < least - 0.5)
  .map(({ each, box }) => `${each.dataset.testid ?? each.className}: `
    + `${Math.round(box.width)}x${Math.round(box.height)}`)"""
FIND_WIDE = """() => { const page = document.querySelector('.scroller');
  return page.scrollWidth - page.clientWidth }"""


class Viewer:
    """Goes from page to page and notes what is wrong with the looks."""

    def __init__(self, phone: Phone, look: str) -> None:
        self.phone = phone
        self.look = look
        self.faults: list[str] = []

    def see(self, page: str, name: str = "") -> None:
        """Judge the page on the screen."""
        phone = self.phone
        phone.expect_page(page)
        phone.page.locator("#pages .loading-ring").wait_for(state="detached")
        expect(phone.find("toast")).to_be_hidden()
        phone.page.wait_for_timeout(250)
        phone.shoot(f"{self.look}-{name or page}")
        wide = phone.page.evaluate(FIND_WIDE)
        small = phone.page.evaluate(FIND_SMALL, SMALLEST_PX)
        barriers = find_barriers(phone.page)
        found = [f"{wide} px too wide"] * (wide > 0) + [f"small: {each}" for each in small]
        self.faults += [f"{name or page}: {each}" for each in [*found, *barriers]]


@pytest.fixture
def viewer(
    browser: Browser,
    shop: Stack,
    album: Path | None,
    request: pytest.FixtureRequest,
) -> Iterator[Viewer]:
    (width, height), _ = LOOKS[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", has_touch=True
    )
    yield Viewer(Phone(context.new_page(), shop, album), request.param)
    context.close()


@pytest.mark.parametrize("viewer", LOOKS, indirect=True)
def test_every_page_can_be_read_and_touched(viewer: Viewer, tmp_path: Path) -> None:
    phone = viewer.phone
    student = phone.take_student()
    _, switches = LOOKS[viewer.look]
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(phone_photo_bytes(phone_portrait().but(mouth_open=1.0, roll_deg=20)))
    good = tmp_path / "good.jpg"
    good.write_bytes(phone_photo_bytes(phone_portrait(), size=(1200, 1600)))
    phone.open(f"looks-{viewer.look}", scene="y0814v", **switches)
    viewer.see("index")
    phone.press("help-link")
    viewer.see("help")
    phone.press("back-button")
    phone.press("code-button")
    viewer.see("college")
    phone.press("code-continue")
    phone.press("bind-button")
    expect(phone.find("error")).to_be_visible()
    viewer.see("identity")
    phone.fill_identity(student)
    phone.expect_status("not_uploaded")
    viewer.see("status", "status-first")
    phone.press("capture-button")
    viewer.see("guide")
    phone.put_sheet_aside()
    phone.press("camera-button")
    expect(phone.find("camera-shutter")).to_be_enabled()
    viewer.see("capture")
    phone.press("camera-close")
    phone.pick(bad)
    viewer.see("preview")
    phone.press("upload-button")
    expect(phone.find("finding").first).to_be_visible()
    viewer.see("verdict", "verdict-fail")
    phone.press("retake-button")
    phone.choose(good)
    expect(phone.find("continue-button")).to_be_visible()
    viewer.see("verdict", "verdict-good")
    phone.press("continue-button")
    viewer.see("pay")
    phone.pay()
    phone.expect_status("uploaded")
    viewer.see("status", "status-uploaded")
    phone.put_sheet_aside()
    phone.press("list-button")
    expect(phone.find("enrolment-item")).to_be_visible()
    viewer.see("index", "index-list")
    phone.press("privacy-link")
    viewer.see("privacy")
    assert phone.list_faults() == []
    assert viewer.faults == []
