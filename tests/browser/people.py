"""What people do in the browser: a student at the phone page, staff at the console."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Locator, Page, expect

from benchmarks.rig.stack import Stack

WAIT_MS = 60_000
"""Who waits for what comes waits for nothing more; a machine may be slow and busy."""


def find_barriers(page: Page) -> list[str]:
    """What keeps people with a screen reader or weak eyes from this page."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['target']}" for each in found]


def shoot(page: Page, album: Path | None, name: str, *, is_whole: bool = False) -> None:
    """Keep what is on the screen, where somebody wants to keep it: drawing it again costs time."""
    if album is not None:
        page.screenshot(path=album / f"{name}.png", full_page=is_whole)


class Phone:
    """A student's phone: the mini-program, run by the simulated WeChat."""

    def __init__(self, page: Page, stack: Stack, album: Path | None) -> None:
        self.page = page
        self.stack = stack
        self.album = album
        self.faults: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._note)

    def _note(self, line: ConsoleMessage) -> None:
        # an answer of 4xx or 5xx, which the tests want, is a line of the browser's own
        if line.type == "error" and not line.text.startswith("Failed to load resource"):
            self.faults.append(line.text)

    def list_faults(self) -> list[str]:
        """What the browser and the simulated WeChat have to complain about."""
        errors = self.page.evaluate("window.__host.errors")
        return self.faults + [f"{each['kind']}: {each['message']}" for each in errors]

    def take_student(self) -> dict[str, str]:
        """Somebody of the roster who belongs to no other test."""
        return self.stack.take_students(1)[0]

    def find(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def lose_network(self) -> None:
        """Nothing leaves the page; the phone is told: without a route the browser tells nothing."""
        self.page.context.set_offline(True)
        self.page.evaluate("window.__host.network('none')")

    def find_network(self) -> None:
        self.page.context.set_offline(False)
        self.page.evaluate("window.__host.network(null)")

    def press(self, testid: str) -> None:
        """Tap with a finger."""
        self.find(testid).tap()

    def answer(self, path: str, status: int, code: str, message: str, **headers: str) -> None:
        """Let the server answer the next call of ``path`` like this."""
        body = {"code": code, "message": message, "request_id": "r" * 8}
        self.page.route(
            f"**/phone/api/v1/{path}",
            lambda route: route.fulfill(status=status, json=body, headers=headers),
            times=1,
        )

    def open(self, user: str, **switches: str) -> None:
        """Open the mini-program as somebody who agreed to the privacy prompt before."""
        query = urlencode({"user": user, "privacy": "agreed", **switches})
        self.page.goto(f"{self.stack.sandbox_url}/phone?{query}")
        self.page.wait_for_selector("html[data-ready], html[data-failed]")
        assert not self.page.locator("html[data-failed]").count(), self.page.inner_text("#pages")

    def allow_messages(self, behind: str) -> None:
        """Allow what is asked in passing; the way has gone on meanwhile, to where ``behind`` is."""
        expect(self.find(behind)).to_be_visible()
        self.press("subscribe-allow")
        expect(self.find("subscribe-sheet")).to_be_hidden()

    def put_sheet_aside(self) -> None:
        """Answer what is asked in passing where it is in the way of the next tap."""
        if self.find("subscribe-sheet").is_visible():
            self.press("subscribe-allow")
            expect(self.find("subscribe-sheet")).to_be_hidden()

    def bind(self, student: dict[str, str], code: str = " Y0814V ") -> None:
        self.find("code-input").fill(code)
        self.press("code-button")
        self.press("code-continue")
        self.fill_identity(student)

    def fill_identity(self, student: dict[str, str]) -> None:
        self.find("name-input").fill(student["name"])
        self.find("id-input").fill(student["id_number"].lower())
        self.find("consent-check").check()
        self.press("bind-button")

    def pick(self, photo: Path) -> None:
        """Take a photo from the album; it is not sent yet."""
        self.press("album-button")
        self.find("photo-file").set_input_files(photo)
        self.find("upload-button").wait_for()

    def choose(self, photo: Path) -> None:
        self.pick(photo)
        self.press("upload-button")

    def pay(self) -> None:
        self.press("pay-button")
        self.press("pay-confirm")

    def expect_status(self, value: str) -> None:
        expect(self.find("status-label")).to_have_attribute("data-value", value, timeout=WAIT_MS)

    def expect_page(self, name: str) -> None:
        expect(self.page.locator("#phone")).to_have_attribute("data-page", f"pages/{name}/{name}")

    def shoot(self, name: str) -> None:
        shoot(self.page, self.album, name)


class StaffDesk:
    """The console in a browser; ``as_role`` signs in."""

    def __init__(self, page: Page, stack: Stack, album: Path | None) -> None:
        self.page = page
        self.stack = stack
        self.album = album
        self.faults: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on(
            "console", lambda line: self.faults.append(line.text) if line.type == "error" else None
        )

    def as_role(self, account: str) -> StaffDesk:
        self.go("/console")
        self.page.get_by_label("用户名").fill(account)
        self.page.get_by_label("密码").fill(self.stack.password)
        self.page.get_by_role("button", name="登录").click()
        return self

    def go(self, path: str) -> None:
        self.page.goto(self.stack.url + path)

    def strike(self, *keys: str) -> None:
        """Strike keys once the page that is on the screen listens to them."""
        self.page.wait_for_load_state("load")
        for key in keys:
            self.page.keyboard.press(key)

    def shoot(self, name: str, *, is_whole: bool = False) -> None:
        shoot(self.page, self.album, name, is_whole=is_whole)
