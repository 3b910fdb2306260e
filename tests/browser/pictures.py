"""Takes the pictures of the manual from a running college: ``python -m tests.browser.pictures``.

Nobody is shown: the faces are drawn. The pictures are small, with a palette of 128 colours.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, run_stack
from server.services.roster.columns import COLUMNS
from tests.browser.busy import make_busy
from tests.browser.conftest import QUIET, find_chromium, show_to_camera
from tests.browser.people import Phone, StaffDesk

COLOURS = 128
ROSTER = (
    "30000001,欧阳娜,110101199003070038,专升本,法学,直属学习中心,2020 秋,2023 春,在籍",
    "20200001,张伟,110101199003070011,专升本,工商管理,上海学习中心,2020 秋,2023 春,休学",
)


class Camera:
    """Saves what a page shows as a small PNG."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def shoot(self, page: Page, name: str) -> None:
        page.wait_for_load_state("networkidle")
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(self.folder / f"{name}.png", optimize=True)
        size_kb = (self.folder / f"{name}.png").stat().st_size // 1024
        print(f"{name}.png {picture.width}x{picture.height} {size_kb} KB")  # noqa: T201


def photograph_phone(browser: Browser, stack: Stack, camera: Camera) -> None:
    """The student's journey through the mini-program, up to the payment."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True
    )
    phone = Phone(context.new_page(), stack, camera.folder)
    phone.open("pictures", scene="y0814v")
    camera.shoot(phone.page, "phone-home")
    phone.bind(phone.take_student())
    phone.press("capture-button")
    phone.find("camera-button").wait_for()
    camera.shoot(phone.page, "phone-guide")
    phone.press("camera-button")
    expect(phone.find("camera-shutter")).to_be_enabled()
    camera.shoot(phone.page, "phone-capture")
    phone.press("camera-shutter")
    phone.press("upload-button")
    phone.find("standard-image").wait_for()
    camera.shoot(phone.page, "phone-verdict")
    phone.press("continue-button")
    phone.pay()
    phone.expect_status("uploaded")
    phone.page.get_by_text("支付成功").wait_for(state="hidden")
    camera.shoot(phone.page, "phone-status")
    assert phone.list_faults() == []
    context.close()


def photograph_console(browser: Browser, stack: Stack, camera: Camera) -> None:
    """The rooms in which staff spend their day."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    desk = StaffDesk(context.new_page(), stack, camera.folder).as_role("admin")
    for name in ("progress", "students", "codes"):
        desk.go(f"/console/{name}")
        if name == "codes":
            desk.page.get_by_role("link", name="y0814v").click()
        camera.shoot(desk.page, name)
    desk.go("/console/students?status=reupload_required")
    desk.page.locator("table td.code a").first.click()
    camera.shoot(desk.page, "student")
    photograph_roster(desk, camera)
    desk.go("/console/review/next")
    camera.shoot(desk.page, "review")
    desk.go("/console/review/sheet")
    camera.shoot(desk.page, "review-sheet")
    context.close()


def photograph_roster(desk: StaffDesk, camera: Camera) -> None:
    """A roster that was checked and waits for its confirmation."""
    desk.go("/console/roster")
    data = "\r\n".join([",".join(COLUMNS), *ROSTER]).encode()
    desk.page.get_by_label("名单文件").set_input_files(
        {"name": "名单.csv", "mimeType": "text/csv", "buffer": data}
    )
    desk.page.get_by_role("button", name="上传并核对").click()
    desk.page.get_by_role("button", name="确认导入 2 人").wait_for()
    camera.shoot(desk.page, "roster")


def main() -> None:
    """Start a college, make it busy, take the pictures, stop it."""
    camera = Camera(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures"))
    with (
        tempfile.TemporaryDirectory() as folder,
        run_stack(Path(folder)) as stack,
        sync_playwright() as playwright,
    ):
        make_busy(stack)
        eye = show_to_camera(phone_photo_bytes(size=(1200, 1600)), Path(folder))
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*QUIET, eye])
        photograph_phone(browser, stack, camera)
        photograph_console(browser, stack, camera)
        browser.close()


if __name__ == "__main__":
    main()
