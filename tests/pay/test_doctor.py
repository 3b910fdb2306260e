"""`flask doctor`: one finding a check, each with its own cause."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.rig.wechat_side import make_certificate, make_key
from server.context import Context
from server.doctor import examine
from server.settings import load_settings
from server.wiring import build_context
from tests.pay.small_wechat import SmallWechat
from tests.pay.stub_gateway import Reply, Request

CHECKS = [
    "payment keys",
    "certificate dates",
    "notify address",
    "clock",
    "payment gateway",
    "access token",
]


@pytest.fixture
def healthy(wechat: SmallWechat) -> dict[str, Reply]:
    """Let WeChat answer what the doctor asks; a test puts its own answers on top by path."""
    special: dict[str, Reply] = {}

    def answer(request: Request) -> Reply:
        path = request.path.partition("?")[0]
        if path in special:
            return special[path]
        if path == "/v3/security/echo":
            return signed(wechat, {"message": "caiji"})
        if path == "/v3/certificates":
            return signed(wechat, {"data": []})
        if path == "/cgi-bin/stable_token":
            return Reply(200, b'{"access_token":"T","expires_in":7200}')
        moment = wechat.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return Reply(404, b"", {"Date": moment})

    wechat.stub.answer = answer
    return special


def signed(wechat: SmallWechat, content: Any) -> Reply:
    body = json.dumps(content).encode()
    return Reply(200, body, wechat.side.sign_headers(body, wechat.clock.now()))


def failures(ctx: Context) -> dict[str, str]:
    findings = [each for each in examine(ctx) if each.name in CHECKS]
    assert [each.name for each in findings] == CHECKS
    assert all("\n" not in each.detail for each in findings)
    return {each.name: each.detail for each in findings if not each.is_ok}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestDoctor:
    def test_healthy_installation_has_no_finding(
        self, demo: Context, healthy: dict[str, Reply]
    ) -> None:
        assert failures(demo) == {}

    def test_each_trouble_is_named_by_its_own_check(
        self, demo: Context, healthy: dict[str, Reply], wechat: SmallWechat
    ) -> None:
        healthy["/v3/security/echo"] = Reply(200, b"{}")
        healthy["/cgi-bin/stable_token"] = Reply(200, b'{"errcode":40125}')
        healthy["/"] = Reply(404, b"", {"Date": "Thu, 01 Oct 2020 04:00:00 GMT"})
        found = failures(demo)
        assert set(found) == {"clock", "payment gateway", "access token"}
        assert "40125" in found["access token"]
        settings = demo.settings.model_copy(
            update={"pay_notify_url": "http://127.0.0.1:9/pay/notify/v2", "pay_v3_key": "short"}
        )
        found = failures(dataclasses.replace(demo, settings=settings))
        assert {"payment keys", "notify address"} <= set(found)

    def test_certificate_that_ends_soon_or_is_not_the_newest_is_named(
        self, demo: Context, healthy: dict[str, Reply], wechat: SmallWechat, tmp_path: Path
    ) -> None:
        serial = 0x5157F09EFDC096DE
        path = tmp_path / "platform-certificate.pem"
        path.write_bytes(make_certificate(make_key("platform"), serial))
        values = demo.settings.model_dump()
        values["pay_verify_keys"] += f",{serial:X}={path}"
        ctx = build_context(load_settings(**values), demo.clock)
        assert failures(ctx) == {}
        newer = {"serial_no": "AB" * 10, "expire_time": "2031-01-01T00:00:00+08:00"}
        healthy["/v3/certificates"] = signed(wechat, {"data": [newer]})
        assert "AB" * 10 in failures(ctx)["certificate dates"]
        ctx.clock.at = dt.datetime.now(dt.UTC) + dt.timedelta(days=1790)  # type: ignore[attr-defined]
        assert "add the next one" in failures(ctx)["certificate dates"]
        ctx.pay.close_connections()
        ctx.messages._transport.close()  # type: ignore[attr-defined]
        ctx.db.dispose()
