"""What people do in the browser: a student at the phone page, staff at the console."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.system.stack import Stack

WAIT_MS = 20_000


class Phone:
    """The phone page in a browser of a phone's size."""

    def __init__(self, page: Page, stack: Stack, album: Path) -> None:
        self.page = page
        self.stack = stack
        self.album = album
        self.faults: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def find(self, testid: str) -> Locator:
        return self.page.get_by_test_id(testid)

    def press(self, testid: str) -> None:
        self.find(testid).click()

    def open(self, user: str) -> None:
        self.page.goto(f"{self.stack.sandbox_url}/phone")
        self.find("user-input").fill(user)
        self.press("login-button")

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

    def choose(self, photo: Path) -> None:
        self.find("photo-file").set_input_files(photo)
        self.press("upload-button")

    def expect_status(self, value: str) -> None:
        expect(self.find("status-label")).to_have_attribute("data-value", value, timeout=WAIT_MS)

    def shoot(self, name: str) -> None:
        self.page.screenshot(path=self.album / f"{name}.png")


class StaffDesk:
    """The console in a browser; ``as_role`` signs in."""

    def __init__(self, page: Page, stack: Stack, album: Path) -> None:
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
        self.page.screenshot(path=self.album / f"{name}.png", full_page=is_whole)
