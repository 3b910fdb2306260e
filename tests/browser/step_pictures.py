"""Takes the pictures of 学生操作说明 from the mini-program itself: ``make pictures``.

The camera shows a drawn portrait; the name on the last pages is the demo's.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, run_stack
from server.console.code_steps import DONE, IN, PAY, PHOTO
from tests.browser.conftest import QUIET, find_chromium

FOLDER = Path(__file__).parents[2] / "server" / "console" / "static" / "steps"
NAMES = [step.picture for step in (*IN, *PHOTO, PAY, DONE)]
SIZE = {"width": 390, "height": 844}
SCENE = (960, 1280)
COLOURS = 128
FRAMES = 30
WAIT_MS = 30_000


def write_camera(path: Path) -> None:
    """Write what Chromium's camera shall see: one drawn portrait, upright, again and again."""
    drawn = Image.open(io.BytesIO(phone_photo_bytes())).convert("RGB")
    # Chromium's camera brightens; the person stands a step back, inside the outline.
    drawn = drawn.resize((SCENE[0] * 3 // 4, SCENE[1] * 3 // 4)).point(lambda value: value * 0.95)
    scene = Image.new("RGB", SCENE, drawn.getpixel((4, 4)))
    left = (SCENE[0] - drawn.width) // 2
    scene.paste(drawn, (left, 0))
    hem = drawn.crop((0, drawn.height - 1, drawn.width, drawn.height))
    scene.paste(hem.resize((drawn.width, SCENE[1] - drawn.height)), (left, drawn.height))
    frame = io.BytesIO()
    scene.save(frame, "JPEG", quality=92)
    path.write_bytes(frame.getvalue() * FRAMES)


class Walk:
    """One student's way; each page is kept as a small picture."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        page.set_default_timeout(WAIT_MS)

    def tap(self, testid: str) -> None:
        self.page.get_by_test_id(testid).last.click()

    def keep(self, name: str, testid: str, wait_ms: int = 700) -> None:
        """Take the page once ``testid`` stands on it and nothing moves any more."""
        self.page.get_by_test_id(testid).last.wait_for()
        self.page.wait_for_timeout(wait_ms)
        picture = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        small = picture.quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(self.folder / f"{name}.png", optimize=True)

    def go(self, stack: Stack) -> None:
        """From the scanned code to the payment."""
        student = stack.students()[0]
        self.page.goto(f"{stack.sandbox_url}/phone?user=steps&scene=y0814v&privacy=agreed&fresh=1")
        self.keep("code", "code-button")
        self.tap("code-button")
        self.keep("college", "code-continue")
        self.tap("code-continue")
        self.keep("identity", "bind-button")
        self.page.get_by_test_id("name-input").fill(student["name"])
        self.page.get_by_test_id("id-input").fill(student["id_number"])
        self.page.get_by_test_id("consent-check").check(force=True)
        self.tap("bind-button")
        self.tap("capture-button")
        self.keep("guide", "camera-button")
        self.tap("camera-button")
        self.keep("capture", "camera-shutter", 2000)
        self.tap("camera-shutter")
        self.tap("upload-button")
        self.page.get_by_test_id("overlay").wait_for()
        self.keep("verdict", "continue-button")
        self.tap("continue-button")
        self.keep("pay", "pay-button")
        self.tap("pay-button")
        self.tap("pay-confirm")
        expect(self.page.get_by_test_id("status-label")).to_have_attribute("data-value", "uploaded")
        expect(self.page.get_by_test_id("toast")).to_be_hidden()
        self.keep("status", "messages-button")


def main() -> None:
    """Start a college, walk through the mini-program, stop it."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, run_stack(Path(work)) as stack:
        camera = Path(work) / "camera.mjpeg"
        write_camera(camera)
        fake = [
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={camera}",
        ]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=find_chromium(), args=[*QUIET, *fake]
            )
            context = browser.new_context(viewport=SIZE, has_touch=True, locale="zh-CN")
            Walk(context.new_page(), folder).go(stack)
            browser.close()
    missing = [name for name in NAMES if not (folder / f"{name}.png").is_file()]
    sys.exit(f"not taken: {missing}" if missing else 0)


if __name__ == "__main__":
    main()
