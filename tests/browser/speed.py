"""How fast the mini-program stands on the screen: ``python -m tests.browser.speed``.

Measured on /phone with a demo college of its own: from the address to the first page ready for a
finger, and from the answer of the upload to the verdict on the screen.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.rig.portraits import phone_photo_bytes, phone_portrait
from benchmarks.rig.stack import Stack, run_stack
from tests.browser.conftest import QUIET, find_chromium
from tests.browser.people import Phone

ROUNDS = 7
VERDICTS = 3
FIRST_PAGE_GOAL_S = 1.0
VERDICT_GOAL_S = 0.3
WATCH = """() => {
  new MutationObserver((_changes, watch) => {
    if (!document.querySelector('[data-testid=verdict]')) return;
    watch.disconnect();
    const note = () => { window.seenAt = performance.now(); };
    requestAnimationFrame(() => requestAnimationFrame(note));
  }).observe(document.getElementById('pages'), { childList: true, subtree: true });
}"""
READ = """() => {
  const calls = performance.getEntriesByType('resource');
  const answers = calls.filter(({ name }) => /photos$/.test(name));
  return window.seenAt - answers.at(-1).responseEnd;
}"""


def time_first_page(page: Page, url: str) -> float:
    """Seconds until the first page has its field."""
    page.goto(f"{url}/phone?fresh=1", wait_until="commit")
    page.wait_for_selector("html[data-ready]")
    # since the address was asked for, by the browser's own clock
    return float(page.evaluate("window.__host.readyAt")) / 1000


def time_verdict(phone: Phone, place: int, photo: Path) -> float:
    """Seconds from the last byte of the answer to the verdict on the screen."""
    photo.write_bytes(phone_photo_bytes(phone_portrait().but(seed=place), size=(1200, 1600)))
    phone.open(f"speed-{place}")
    phone.bind(phone.take_student())
    phone.press("capture-button")
    phone.pick(photo)
    phone.page.evaluate(WATCH)
    phone.press("upload-button")
    phone.page.wait_for_selector("[data-testid=verdict]")
    phone.page.wait_for_timeout(300)
    return float(phone.page.evaluate(READ)) / 1000


def measure(stack: Stack, folder: Path) -> bool:
    """Print both figures; true where both goals are met."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
        phone = Phone(context.new_page(), stack, folder)
        first = [time_first_page(phone.page, stack.sandbox_url) for _ in range(ROUNDS)]
        verdicts = [time_verdict(phone, place, folder / "a.jpg") for place in range(VERDICTS)]
        browser.close()
    return tell("first page", first, FIRST_PAGE_GOAL_S) & tell("verdict", verdicts, VERDICT_GOAL_S)


def tell(name: str, seconds: list[float], goal_s: float) -> bool:
    """Print a line; true where the median meets the goal."""
    median = statistics.median(seconds)
    worst = max(seconds)
    print(f"{name}: median {median:.2f} s, worst {worst:.2f} s, goal {goal_s} s")  # noqa: T201
    return median <= goal_s


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, run_stack(Path(name)) as running:
        sys.exit(0 if measure(running, Path(name)) else 1)
