"""What goes wrong on a phone, one trouble after the other: nothing is lost, everything is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Route, expect

from benchmarks.rig.portraits import jpeg_bytes
from tests.browser.people import Phone, find_barriers

pytestmark = pytest.mark.browser

WATCH_FORMS = """() => {
  window.sentForms = [];
  const { send } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.send = function (body) {
    if (body instanceof FormData) window.sentForms.push([...body.keys()]);
    return send.call(this, body);
  };
}"""


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("album") / "me.jpg"
    path.write_bytes(jpeg_bytes())
    return path


@pytest.fixture
def sound(phone: Phone) -> Iterator[Phone]:
    """A phone that must not have anything to complain about at the end."""
    yield phone
    assert phone.list_faults() == []


def test_no_network_second_taps_and_a_closed_order_lose_nothing(
    sound: Phone, portrait: Path
) -> None:
    phone, sandbox = sound, sound.stack.sandbox_url
    phone.open("browser-troubles")
    assert find_barriers(phone.page) == []
    phone.bind(phone.take_student())
    phone.press("capture-button")
    phone.pick(portrait)
    phone.lose_network()
    expect(phone.find("offline")).to_be_visible()
    phone.press("upload-button")
    expect(phone.find("error")).to_contain_text("网络")
    phone.shoot("phone-offline")
    phone.find_network()
    expect(phone.find("offline")).to_be_hidden()
    phone.press("upload-button")
    expect(phone.find("verdict")).to_be_visible()
    expect(phone.find("overlay")).to_be_visible()
    assert find_barriers(phone.page) == []
    phone.press("continue-button")

    phone.find("pay-button").dblclick()
    number = phone.find("out-trade-no").inner_text()
    phone.press("pay-cancel")
    expect(phone.find("toast")).to_contain_text("已取消")
    httpx.post(f"{sandbox}/control/clock", json={"advance_s": 7200}, timeout=20)
    phone.pay()
    expect(phone.find("pay-refusal")).to_contain_text("订单已关闭")
    phone.press("pay-cancel")
    expect(phone.find("toast")).to_contain_text("订单已关闭")
    phone.press("pay-button")
    expect(phone.find("out-trade-no")).not_to_have_text(number)
    phone.find("pay-confirm").dblclick()
    phone.expect_status("uploaded")
    expect(phone.find("toast")).to_be_hidden()
    assert find_barriers(phone.page) == []
    phone.press("list-button")
    expect(phone.find("enrolment-item")).to_contain_text("已上传")
    phone.shoot("phone-list")


@pytest.mark.long
def test_two_enrolments_stand_side_by_side(sound: Phone) -> None:
    sound.open("browser-two")
    sound.bind(sound.take_student())
    sound.expect_status("not_uploaded")
    sound.press("list-button")
    sound.bind(sound.take_student())
    sound.expect_status("not_uploaded")
    sound.press("list-button")
    expect(sound.find("enrolment-item")).to_have_count(2)
    sound.find("enrolment-item").nth(1).tap()
    expect(sound.find("enrolment")).to_be_visible()


def test_server_that_is_busy_slow_or_down_is_waited_for(sound: Phone) -> None:
    """429 with its countdown, 503, no answer in time, an unknown and a closed code."""
    sound.page.clock.install()
    sound.open("browser-busy")
    sound.find("code-input").fill("y0814v")
    sound.answer("codes/y0814v", 429, "too_many_requests", "操作太频繁", **{"Retry-After": "90"})
    sound.press("code-button")
    expect(sound.find("retry-after")).to_be_visible()
    expect(sound.find("code-button")).to_be_disabled()
    sound.shoot("phone-countdown")
    sound.page.clock.run_for(90_000)
    expect(sound.find("code-button")).to_be_enabled()
    sound.answer("codes/y0814v", 503, "busy", "服务器正忙，请稍后再试")
    sound.press("code-button")
    expect(sound.find("error")).to_have_attribute("data-code", "busy")
    sound.page.route("**/phone/api/v1/codes/*", lambda route: route.abort("timedout"), times=1)
    sound.press("code-button")
    expect(sound.find("error")).to_have_attribute("data-code", "timeout")
    sound.find("code-input").fill("zzzz99")
    sound.press("code-button")
    expect(sound.find("error")).to_be_visible()
    sound.stack.flask("code", "add", "clsd01", "--fee-fen", "100", "--closes-at", "2020-01-01")
    sound.find("code-input").fill("clsd01")
    sound.press("code-button")
    expect(sound.find("code-closed").or_(sound.find("error"))).to_be_visible()
    expect(sound.find("code-continue")).to_have_count(0)
    sound.shoot("phone-closed")


def test_token_that_ends_in_the_middle_is_renewed_silently(sound: Phone, portrait: Path) -> None:
    sound.open("browser-curious")
    sound.bind(sound.take_student())
    sound.press("capture-button")
    sound.pick(portrait)
    sound.page.evaluate("window.__host.storage.set('token', 'spent')")
    sound.press("upload-button")
    expect(sound.find("verdict")).to_be_visible()


@pytest.mark.long
def test_foreign_enrolment_leads_home(sound: Phone) -> None:
    nobody = "00000000-0000-7000-8000-000000000000"
    sound.open("browser-stranger", page="pages/status/status", id=nobody)
    expect(sound.find("error")).to_contain_text("没有找到")
    sound.press("home-button")
    expect(sound.find("code-input")).to_be_visible()


@pytest.mark.long
def test_slow_verdict_is_followed_by_itself(sound: Phone, portrait: Path) -> None:
    """202: the page says how long it takes and shows the verdict when it is there."""
    sound.open("browser-slow")
    sound.bind(sound.take_student())
    sound.press("capture-button")
    sound.stack.kill("worker")
    try:
        sound.choose(portrait)
        expect(sound.find("estimate")).to_be_visible()
        sound.shoot("phone-waiting")
    finally:
        sound.stack.start("worker")
    expect(sound.find("verdict")).to_have_attribute("data-verdict", "pass", timeout=60_000)


@pytest.mark.long
def test_batch_that_would_be_lost_is_asked_about(sound: Phone, portrait: Path) -> None:
    sound.open("browser-batch")
    sound.bind(sound.take_student())
    sound.press("capture-button")
    sound.pick(portrait)
    sound.answer("enrolments/*/photos", 409, "would_lose_batch", "会错过这个批次")
    sound.press("upload-button")
    expect(sound.find("modal")).to_contain_text("批次")
    sound.shoot("phone-batch")
    sound.press("modal-cancel")
    expect(sound.find("upload-button")).to_be_enabled()
    sound.answer("enrolments/*/photos", 409, "would_lose_batch", "会错过这个批次")
    sound.press("upload-button")
    sound.page.evaluate(WATCH_FORMS)
    sound.press("modal-confirm")
    expect(sound.find("verdict")).to_be_visible()
    (keys,) = sound.page.evaluate("window.sentForms")
    assert {"confirm", "photo"} <= set(keys)


@pytest.mark.long
def test_money_that_people_look_at_asks_for_no_more(sound: Phone) -> None:
    def hold(route: Route) -> None:
        answer = route.fetch()
        content = answer.json()
        content["data"]["next_step"] = "wait_money"
        route.fulfill(response=answer, body=json.dumps(content))

    sound.page.route(re.compile("/phone/api/v1/enrolments/[0-9a-f-]+$"), hold)
    sound.open("browser-money")
    sound.bind(sound.take_student())
    expect(sound.find("next-step")).to_have_attribute("data-step", "wait_money")
    expect(sound.find("pay-button")).to_have_count(0)
    sound.shoot("phone-money")


@pytest.mark.long
def test_new_consent_is_read_and_given_before_the_next_photo(
    sound: Phone, portrait: Path, tmp_path: Path
) -> None:
    words = tmp_path / "notice.json"
    parts = json.loads(sound.stack.flask("consent", "show"))
    words.write_text(json.dumps({**parts, "purpose": "照片今后也用于校园一卡通。"}), "utf-8")
    student = sound.take_student()
    sound.open("browser-consent")
    sound.bind(student)
    sound.press("capture-button")
    sound.pick(portrait)
    sound.stack.flask("consent", "publish", "2099-01", str(words))
    sound.press("upload-button")
    expect(sound.find("error")).to_have_attribute("data-code", "consent_outdated")
    sound.press("consent-again")
    expect(sound.find("consent-text")).to_contain_text("校园一卡通")
    sound.fill_identity(student)
    # back to the photo that waited for it
    sound.press("upload-button")
    expect(sound.find("verdict")).to_be_visible()
    sound.shoot("phone-consent-again")


def test_copy_of_ones_data_leaves_the_phone_in_a_tap_of_its_own(sound: Phone) -> None:
    sound.open("browser-copy")
    sound.bind(sound.take_student())
    sound.expect_status("not_uploaded")
    sound.press("list-button")
    sound.press("privacy-link")
    sound.press("copy-button")
    expect(sound.find("copy-ready")).to_be_visible()
    with sound.page.expect_download() as download:
        sound.press("copy-send")
    assert download.value.suggested_filename == "我的个人信息副本.zip"
    assert find_barriers(sound.page) == []


def test_camera_that_is_refused_leaves_other_ways(sound: Phone) -> None:
    sound.open("browser-refused", deny="camera")
    sound.bind(sound.take_student())
    sound.press("capture-button")
    sound.press("camera-button")
    expect(sound.find("camera-refused")).to_be_visible()
    sound.shoot("phone-refused")
    sound.press("camera-settings")
    sound.find("setting-camera").check()
    sound.press("setting-done")
    expect(sound.find("camera-shutter")).to_be_enabled()
