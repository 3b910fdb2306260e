"""The simulated WeChat runs any mini-program of its subset, and tells what a phone would refuse."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from benchmarks.rig.stack import HTTP, wait_until
from sandbox import libraries
from tests.browser.people import WAIT_MS
from tests.sandbox.running import Sandbox

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parent / "sample"


class Host:
    """A sandbox that runs a copy of the sample, which each test may spoil."""

    def __init__(self, folder: Path, page: Page, url: str) -> None:
        self.root = folder
        self.page = page
        self.url = url
        self.console: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._note)

    def _note(self, line: Any) -> None:
        if line.type == "error":
            self.console.append(line.text)

    def edit(self, name: str, before: str, after: str) -> None:
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert before in text, name
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def act(self, body: str) -> None:
        """Let the second page do this in its tap."""
        self.edit("pages/second/second.js", "onAct() {}", f"async onAct() {{ {body} }}")

    def open(self, query: str = "fresh=1") -> None:
        self.page.goto(f"{self.url}/phone?{query}")
        self.page.wait_for_selector("html[data-ready]")

    def find(self, testid: str) -> Any:
        return self.page.get_by_test_id(testid)

    @property
    def errors(self) -> list[str]:
        found = self.page.evaluate("window.__host.errors")
        return [f"{each['kind']}: {each['message']} {each['where']}" for each in found]

    @property
    def journal(self) -> list[str]:
        return list(self.page.evaluate("window.__host.app().journal.lines"))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    if not libraries.is_there():
        pytest.fail("the component framework is not installed: make install")
    root = tmp_path_factory.mktemp("host")
    gateway = Sandbox(root / "data", options=("--miniprogram", str(root / "package")))
    gateway.start()
    yield root / "package", gateway.url
    gateway.stop()


@pytest.fixture
def host(sandbox: tuple[Path, str], browser: Browser) -> Iterator[Host]:
    root, url = sandbox
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(SAMPLE, root)
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="zh-CN", has_touch=True
    )
    yield Host(root, context.new_page(), url)
    context.close()


@pytest.mark.parametrize("lost", ["host/stack.js", "package"])
def test_file_that_does_not_arrive_is_told(host: Host, lost: str) -> None:
    address = f"{host.url}/phone/{lost}"
    host.page.route(address, lambda route: route.abort("internetdisconnected"))
    host.page.goto(f"{host.url}/phone")
    host.page.wait_for_selector("html[data-failed]")
    expect(host.page.locator("#starting")).not_to_have_text("正在打开小程序…")
    host.page.unroute(address)
    host.open()


def test_sample_runs_as_on_a_phone(host: Host) -> None:
    host.open("fresh=1&scene=y0814v")
    assert host.journal == [
        "launch 1047 y0814v",
        "app show",
        "first load y0814v",
        "first show",
        "first ready",
    ]
    expect(host.find("page-title")).to_have_text("样例")
    expect(host.find("slotted")).to_have_text("插槽")
    host.find("word").fill("照片")
    host.find("kind-a").check()
    expect(host.find("answer")).to_have_text("a+b")
    host.find("switch").check()
    expect(host.find("answer")).to_have_text("true")
    host.find("picker").tap()
    host.find("picker-option").nth(2).tap()
    expect(host.find("picker")).to_have_text("蓝")
    host.find("submit").tap()
    expect(host.find("answer")).to_have_text('{"word":"照片","kinds":["a","b"]}')
    host.find("item").nth(1).tap()
    expect(host.find("answer")).to_have_text("item 2")
    host.find("more").click()
    expect(host.find("card-title")).to_have_text("卡片 1")
    host.find("disabled").tap(force=True)
    expect(host.find("answer")).to_have_text("more 1")
    host.find("next").focus()
    host.page.keyboard.press("Enter")
    expect(host.find("from")).to_have_text("first")
    host.find("back-button").tap()
    assert host.journal[5:] == ["first hide", "second load", "second unload", "first show"]
    host.page.evaluate("window.__host.pullDown(); window.__host.hide(); window.__host.show()")
    assert host.journal[9:] == ["pull", "first hide", "app hide", "app show", "first show"]
    assert (host.errors, host.console) == ([], [])


@pytest.mark.long
def test_sheets_are_scoped_and_follow_the_theme(host: Host) -> None:
    host.open()
    colour = "getComputedStyle(document.querySelector('[data-testid=card-title]')).color"
    assert host.page.evaluate(colour) == "rgb(7, 132, 62)"
    ground = "getComputedStyle(document.querySelector('wx-page')).backgroundColor"
    assert host.page.evaluate(ground) == "rgb(245, 246, 247)"
    host.page.evaluate("window.__host.theme('dark')")
    assert host.page.evaluate(ground) == "rgb(17, 20, 24)"
    assert host.journal[-1] == "theme dark"
    host.find("next").tap()
    width = "document.querySelector('wx-view.only-here').offsetWidth"
    assert host.page.evaluate(width) == 39
    assert host.errors == []


@pytest.mark.long
def test_an_edit_shows_on_reload(host: Host) -> None:
    host.open()
    host.edit("pages/first/first.wxml", "下一页", "往下走")
    host.page.reload()
    expect(host.find("next")).to_have_text("往下走")


STATIC_MISTAKES = {
    '<marquee /><view class="page">': "<marquee> is neither built in nor in usingComponents",
    '<view glow="1" />': "<view> has no attribute glow",
    '<view bindwink="onNext" />': "<view> has no event wink",
    '<view bindtap="onReady" />': "handler onReady is a lifecycle of the page",
    '<view bindtap="onNobody" />': "handler onNobody does not exist pages/first/first.wxml:2",
    '<image src="/images/none.png" />': "image /images/none.png does not exist",
    '<image src="https://example.com/a.png" />': "no remote address",
    '<view wx:if="{{answer}}"><camera /></view>': "a camera is not toggled by wx:if",
    "<scroll-view><camera /></scroll-view>": "no camera inside a scroll-view",
    '<view class="{{}}" />': "an empty {{}}",
    '<wxs module="m">module.exports = 1</wxs>': "wxs is not in the subset",
    '<card aria-label="x" />': "aria-label on the component <card> reaches nobody",
}


def test_mistakes_in_wxml_are_told_with_their_line(host: Host) -> None:
    lines = "".join(each.removesuffix('<view class="page">') for each in STATIC_MISTAKES)
    host.edit("pages/first/first.wxml", '<view class="page">', f'{lines}<view class="page">')
    host.open()
    told = "\n".join(host.errors)
    assert [each for each in STATIC_MISTAKES.values() if each not in told] == []
    expect(host.find("host-error").first).to_be_visible()


@pytest.mark.long
def test_mistakes_in_the_package_are_told(host: Host) -> None:
    host.edit("app.json", '"pages/second/second"]', '"pages/second/second", "pages/no/no"]')
    host.edit("pages/first/first.json", '"/components/card/card"', '"/components/none/none"')
    host.edit("components/card/card.json", "true", "false")
    host.edit(
        "pages/second/second.json", "{", '{ "usingComponents": { "c": "/components/card/card" },'
    )
    host.edit("components/card/card.wxss", ".card {", "#x {} view {} .card {")
    host.edit(
        "pages/first/first.wxss",
        ".card",
        "@import 'none.wxss'; .a { background: url(a.png); } .card",
    )
    (host.root / "ballast.png").write_bytes(b"0" * 2 * 1024 * 1024)
    host.open()
    told = "\n".join(host.errors)
    expected = [
        "pages/no/no.js does not exist",
        "component components/none/none does not exist",
        'a component\'s .json says "component": true',
        "#x: a component's sheet takes classes only",
        "view: a component's sheet takes classes only",
        "pages/first/none.wxss does not exist",
        "url(a.png): only data: works in a sheet",
        "WeChat takes at most 2097152",
    ]
    assert [each for each in expected if each not in told] == []


RUN_TIME_MISTAKES = {
    "wx.getUserProfile": "wx.getUserProfile is not in the subset",
    "typeof window + typeof document + typeof fetch + typeof localStorage": None,
    "document.title": "Cannot read properties of undefined (reading 'title')",
    "fetch('/')": "fetch is not a function",
    "new XMLHttpRequest()": "XMLHttpRequest is not a constructor",
    "eval('1')": "eval is not a function",
    "new Function('return this')()": "script:",
    "(function () { return this.location; })()": "reading 'location'",
    "undeclared = 1": "undeclared is not defined",
    "require('./nowhere')": "module './nowhere' is not defined",
    "require('../../../../etc/passwd')": "is not defined, require args",
    "this.setData({ big: 'x'.repeat(1100000) })": "bytes at once, a phone takes 1048576",
    "this.setData({ none: undefined })": "none is set to undefined",
    "wx.request({ url: 'https://a.example/', fail() {} })": "not the server that",
    "wx.navigateTo({ url: '/pages/none/none', fail() {} })": "page pages/none/none is not in",
    "wx.requestPayment({ timeStamp: 1, fail() {} })": "timeStamp should be a String",
    "setTimeout(() => { throw new Error('later'); })": "later",
    "Promise.reject(new Error('unheard'))": "unheard",
    "wx.showActionSheet({ itemList: ['1', '2', '3', '4', '5', '6', '7'], fail() {} })": "at most 6",
}
LATE = """
const parts = { timeStamp: '1', nonceStr: 'n', package: 'x', signType: 'RSA', paySign: 's' };
setTimeout(() => wx.requestSubscribeMessage({ tmplIds: ['a'], fail() {} }), 50);
setTimeout(() => wx.shareFileMessage({ filePath: 'a', fail() {} }), 50);
wx.requestPayment({ ...parts, fail() { wx.requestPayment({ ...parts, fail() {} }); } });
"""


def test_what_a_phone_refuses_is_an_error(host: Host) -> None:
    steps = [f"() => {{ {each}; }}" for each in RUN_TIME_MISTAKES]
    host.act(
        f"const steps = [{', '.join(steps)}];"
        "for (const step of steps) {"
        "  try { step.call(this); } catch (e) { setTimeout(() => { throw e; }); }"
        "}"
        "this.setData({ result: 'done' });"
    )
    host.open()
    host.find("next").tap()
    host.find("act").tap()
    expect(host.find("result")).to_have_text("done")
    expected = [each for each in RUN_TIME_MISTAKES.values() if each]
    wait_until(
        lambda: all(each in "\n".join(host.errors) for each in expected) or None,
        what=f"missing: {[each for each in expected if each not in str(host.errors)]}",
    )


@pytest.mark.long
def test_money_and_messages_need_a_tap(host: Host) -> None:
    host.act(LATE)
    host.open()
    host.find("next").tap()
    host.find("act").tap()
    wanted = (
        "requestSubscribeMessage outside of a tap",
        "requestPayment without a tap before it",
        "shareFileMessage outside of a tap",
    )
    wait_until(lambda: all(each in str(host.errors) for each in wanted), what="all are refused")


def test_privacy_comes_before_camera_and_album(host: Host) -> None:
    host.act(
        "const { errno } = await wx.chooseMedia({ count: 1 }).catch((e) => e);"
        "const first = errno;"
        "const { tempFiles } = await wx.chooseMedia({ count: 1, sourceType: ['album'] });"
        "const { data } = await new Promise((success) => wx.getFileSystemManager().readFile("
        "{ filePath: tempFiles[0].tempFilePath, encoding: 'utf8', success }));"
        "this.setData({ result: `${first} ${tempFiles[0].size} ${data}` });"
    )
    host.open()
    host.find("next").tap()
    host.find("act").tap()
    host.find("privacy-refuse").tap()
    host.find("privacy-agree").tap()
    host.find("photo-file").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"abc"}
    )
    expect(host.find("result")).to_have_text("104 3 abc")
    assert host.errors == []


@pytest.mark.long
def test_storage_belongs_to_a_user_and_stays(host: Host) -> None:
    host.act(
        "const old = wx.getStorageSync('k'); wx.setStorageSync('k', { n: (old.n || 0) + 1 });"
        "this.setData({ result: JSON.stringify(wx.getStorageSync('k')) });"
    )
    for user, expected in (("a", 1), ("b", 1), ("a", 2)):
        host.open(f"user={user}")
        host.find("next").tap()
        host.find("act").tap()
        expect(host.find("result")).to_have_text(json.dumps({"n": expected}).replace(" ", ""))
    assert host.errors == []


def test_page_keeps_a_strict_policy(host: Host) -> None:
    policy = HTTP.get(f"{host.url}/phone").headers["Content-Security-Policy"]
    directives = dict(each.split(" ", 1) for each in policy.split("; "))
    assert directives["script-src"] == "'self' blob: 'wasm-unsafe-eval'"
    assert directives["style-src"] == "'self'"
    elsewhere = HTTP.get(f"{host.url}/").headers["Content-Security-Policy"]
    assert "blob:" not in elsewhere.split("script-src")[1].split(";")[0]
    for name in ("../config.js", "config.js", "%2e%2e/package.json", "images/none.svg"):
        assert HTTP.get(f"{host.url}/phone/miniprogram/{name}").status_code == 404
    assert re.search(r"lang=\"zh-CN\"", HTTP.get(f"{host.url}/phone").text)
