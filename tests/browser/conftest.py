"""A real Chromium at a running installation. Skipped with its reason where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, run_stack
from tests.browser.people import WAIT_MS, Phone, StaffDesk

UNUSED = (
    # each window loads these two pages for its address bar: half a second of processor time
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup"),
    # what Playwright turns off itself: of two such lists the browser reads the last
    *("AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades"),
    *("LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints"),
    *("PaintHolding", "PreconnectToSearch", "ThirdPartyStoragePartitioning", "AimEnabled"),
)
QUIET = [
    f"--disable-features={','.join(UNUSED)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream=fps=5",
]
FRAMES = 3
IS_CI = os.environ.get("CI") == "true"


def find_chromium() -> str | None:
    """Return the path of the system's Chromium, or of the one that CHROMIUM names."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


def show_to_camera(photo: bytes, folder: Path) -> str:
    """Return the option with which Chromium's camera sees this JPEG."""
    film = folder / "camera.mjpeg"
    film.write_bytes(photo * FRAMES)
    return f"--use-file-for-fake-video-capture={film}"


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium whose camera sees a drawn portrait."""
    path = find_chromium()
    if path is None:
        if IS_CI:
            pytest.fail("CI needs Chromium")
        pytest.skip("no Chromium: install it or set CHROMIUM to its path")
    # a machine that runs other tests beside these takes its time
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        camera = show_to_camera(phone_photo_bytes(size=(1200, 1600)), tmp_path_factory.mktemp("c"))
        chromium = playwright.chromium.launch(executable_path=path, args=[*QUIET, camera])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The installation that all browser tests visit, each with its own student."""
    with run_stack(tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="session")
def album() -> Path | None:
    """Where the screenshots go: the folder that SCREENSHOTS names, or nowhere."""
    if "SCREENSHOTS" not in os.environ:
        return None
    folder = Path(os.environ["SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def phone(browser: Browser, shop: Stack, album: Path | None) -> Iterator[Phone]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True
    )
    yield Phone(context.new_page(), shop, album)
    context.close()


@pytest.fixture
def desk(browser: Browser, shop: Stack, album: Path | None) -> Iterator[StaffDesk]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="zh-CN")
    page = context.new_page()
    yield StaffDesk(page, shop, album)
    context.close()
