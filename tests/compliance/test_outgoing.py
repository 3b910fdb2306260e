"""Outgoing hosts are a list in the settings: any other ends the start, and no call leaves it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from server.app import create_app
from server.context import Context
from server.gateways.transport import GatewayUnavailable, Transport
from server.outgoing import list_outgoing
from server.settings import SettingsInvalid, load_settings
from server.wiring import build_context

ROOT = Path(__file__).parents[2]
CLIENTS = re.compile(
    r"^\s*(?:import|from)\s+(httpx|requests|urllib\.request|urllib3|http\.client|aiohttp|boto3"
    r"|botocore|wechatpy\.client)\b",
    re.MULTILINE,
)
KNOWN = {
    "server/gateways/transport.py": {"httpx"},
    "server/gateways/s3_photo_store.py": {"boto3", "botocore"},
}
FAR = {
    "wechat_api_url": "https://api.weixin.qq.com",
    "pay_api_url": "https://api.mch.weixin.qq.com",
    "sms_gateway": "https://sms.example.edu.cn/send",
    "photo_store": "s3://photos/a?endpoint=https://cos.ap-beijing.myqcloud.com",
}
HOSTS = {
    "WECHAT_API_URL": "api.weixin.qq.com",
    "PAY_API_URL": "api.mch.weixin.qq.com",
    "SMS_GATEWAY": "sms.example.edu.cn",
    "PHOTO_STORE": "cos.ap-beijing.myqcloud.com",
}


def start(base_settings: dict[str, Any], folder: Path, hosts: str) -> Context:
    values = {**base_settings, **FAR, "data_dir": folder, "outgoing_hosts": hosts}
    return build_context(load_settings(**values))


def test_hosts_of_the_gateways_are_found(base_settings: dict[str, Any], tmp_path: Path) -> None:
    settings = load_settings(**{**base_settings, **FAR, "data_dir": tmp_path})
    assert list_outgoing(settings) == HOSTS


def test_list_that_holds_every_gateway_starts(
    base_settings: dict[str, Any], tmp_path: Path
) -> None:
    start(base_settings, tmp_path, ", ".join(HOSTS.values())).db.dispose()
    start(base_settings, tmp_path, "").db.dispose()


@pytest.mark.parametrize("name", HOSTS)
def test_gateway_outside_the_list_ends_the_start(
    base_settings: dict[str, Any], tmp_path: Path, name: str
) -> None:
    hosts = ",".join(host for key, host in HOSTS.items() if key != name)
    with pytest.raises(SettingsInvalid) as caught:
        start(base_settings, tmp_path, hosts)
    said = f"CAIJI_OUTGOING_HOSTS: does not hold {HOSTS[name]} of CAIJI_{name}"
    assert str(caught.value) == said


@pytest.mark.parametrize("path", ["@evil.example/pay", ".evil.example/pay", ":1/pay"])
def test_transport_calls_no_host_but_its_own(path: str) -> None:
    transport = Transport("https://api.mch.weixin.qq.com")
    with pytest.raises(GatewayUnavailable, match="another host"):
        transport.send("GET", path)
    with pytest.raises(GatewayUnavailable, match="another host"), transport.stream(path, {}):
        pass


def test_nothing_else_in_the_server_opens_connections() -> None:
    found = {
        str(path.relative_to(ROOT)): set(CLIENTS.findall(path.read_text()))
        for path in (ROOT / "server").rglob("*.py")
    }
    assert {name: used for name, used in found.items() if used} == KNOWN


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("page", ["/status", "/console/sign-in"])
def test_filing_numbers_stand_at_the_foot_of_public_pages(demo: Context, page: str) -> None:
    bare = create_app(ctx=demo).test_client().get(page).text
    assert "filings" not in bare
    numbers = {"icp_filing": "京ICP备00000000号-1", "police_filing": "京公网安备00000000000号"}
    settings = demo.settings.model_copy(update=numbers)
    text = create_app(ctx=dataclasses.replace(demo, settings=settings)).test_client().get(page).text
    assert "beian.miit.gov.cn" in text
    assert all(number in text for number in numbers.values())
