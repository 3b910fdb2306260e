"""wx.login codes, access tokens and message fields."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from models import WechatAccessToken
from server.context import Context
from server.gateways.transport import GatewayRefused, GatewayUnavailable, Transport
from server.gateways.wechat_login import (
    HttpWechatLogin,
    LoginCodeInvalid,
    LoginRateLimited,
    LoginUserBlocked,
)
from server.gateways.wechat_messages import HttpWechatMessages, fit_field
from server.gateways.wechat_token import StableTokenClient
from server.gateways.wechat_token_store import StoredAccessTokens
from tests.pay.stub_gateway import Reply, Request, Stub
from tests.pay.test_order_life import advance


@pytest.fixture
def transport(stub: Stub) -> Iterator[Transport]:
    made = Transport(stub.url, total_timeout_s=1)
    yield made
    made.close()


def reply(**content: object) -> Reply:
    return Reply(200, json.dumps(content).encode(), {"Content-Type": "text/plain"})


def test_code_becomes_an_openid_with_one_call(stub: Stub, transport: Transport) -> None:
    stub.answer = lambda _request: reply(openid="o-1", session_key="never-leaves")
    login = HttpWechatLogin(transport, "wx1", "top-secret")
    assert login.exchange_code("a b&c") == "o-1"
    assert [each.path.partition("?")[0] for each in stub.requests] == ["/sns/jscode2session"]
    assert "js_code=a+b%26c" in stub.requests[0].path


@pytest.mark.parametrize(
    ("errcode", "error"),
    [
        (40029, LoginCodeInvalid),
        (40163, LoginCodeInvalid),
        (45011, LoginRateLimited),
        (40226, LoginUserBlocked),
        (-1, GatewayUnavailable),
        (40013, GatewayRefused),
    ],
)
def test_errors_of_wechat_are_told_apart_and_quote_nothing(
    stub: Stub, transport: Transport, errcode: int, error: type[Exception]
) -> None:
    stub.answer = lambda _request: reply(errcode=errcode, errmsg="js_code CODE-7 is bad")
    with pytest.raises(error) as refusal:
        HttpWechatLogin(transport, "wx1", "top-secret").exchange_code("CODE-7")
    assert "CODE-7" not in str(refusal.value)
    assert "top-secret" not in str(refusal.value)


def test_busy_wechat_is_asked_once_more(stub: Stub, transport: Transport) -> None:
    replies = [reply(errcode=-1), reply(openid="o-1", errcode=0)]
    stub.answer = lambda _request: replies.pop(0)
    assert HttpWechatLogin(transport, "wx1", "s").exchange_code("c") == "o-1"


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"openid":""}', b"{}", b"{" * 9999])
def test_absurd_answer_is_no_login(stub: Stub, transport: Transport, body: bytes) -> None:
    stub.answer = lambda _request: Reply(200, body)
    with pytest.raises(GatewayUnavailable):
        HttpWechatLogin(transport, "wx1", "s").exchange_code("c")


class TokenServer:
    """Counts tokens and refuses those it did not give last."""

    def __init__(self, stub: Stub) -> None:
        self.given = 0
        self.forced = 0
        stub.answer = self.answer

    def answer(self, request: Request) -> Reply:
        if request.path == "/cgi-bin/stable_token":
            is_forced = json.loads(request.body)["force_refresh"]
            self.forced += is_forced
            self.given += is_forced or not self.given
            return reply(access_token=f"access-token-{self.given}", expires_in=7200)
        if f"access_token=access-token-{self.given}" not in request.path:
            return reply(errcode=40001)
        if request.path.startswith("/wxa/getwxacodeunlimit"):
            return Reply(200, b"\xff\xd8\xff picture")
        return reply(errcode=0)


def test_token_is_shared_kept_encrypted_and_renewed_in_time(
    ctx: Context, stub: Stub, transport: Transport
) -> None:
    server = TokenServer(stub)
    client = StableTokenClient(transport, "wx1", "s")
    stores = [StoredAccessTokens(client, ctx.db, ctx.cipher, ctx.clock) for _ in range(2)]
    for store in stores:
        HttpWechatMessages(transport, store).send_message("o", "T", {"thing1": "x"})
    tokens = [each for each in stub.requests if each.path == "/cgi-bin/stable_token"]
    assert len(tokens) == 1, "the second process takes the stored one"
    with ctx.db.read() as session:
        row = session.scalars(select(WechatAccessToken)).one()
    assert b"access-token-1" not in row.token_encrypted
    advance(ctx, seconds=7000)
    stores[0].get()
    assert server.forced == 0
    assert len([each for each in stub.requests if each.path == "/cgi-bin/stable_token"]) == 2


def test_token_that_is_refused_itself_is_forced_every_half_minute_at_most(
    ctx: Context, stub: Stub, transport: Transport
) -> None:
    server = TokenServer(stub)
    tokens = StoredAccessTokens(
        StableTokenClient(transport, "wx1", "s"), ctx.db, ctx.cipher, ctx.clock
    )
    assert tokens.get() == "access-token-1"
    assert tokens.get(refused="access-token-1") == "access-token-2"
    with pytest.raises(GatewayUnavailable):
        tokens.get(refused="access-token-2")
    advance(ctx, seconds=30)
    assert tokens.get(refused="access-token-2") == "access-token-3"
    assert server.forced == 2


def test_token_that_others_had_replaced_is_fetched_without_force(
    ctx: Context, stub: Stub, transport: Transport
) -> None:
    server = TokenServer(stub)
    client = StableTokenClient(transport, "wx1", "s")
    messages = HttpWechatMessages(
        transport, StoredAccessTokens(client, ctx.db, ctx.cipher, ctx.clock)
    )
    messages.check_token()
    server.given = 5  # somebody else had the token replaced
    assert messages.make_code_picture("y0814v").startswith(b"\xff\xd8")
    assert server.forced == 0


@pytest.mark.parametrize(
    ("name", "value", "fitted"),
    [
        ("thing1", "短", "短"),
        ("thing1", "字" * 25, "字" * 19 + "…"),
        ("phrase2", "需要重新上传", "需要重新上"),
        ("thing1", "", "-"),
        ("thing1", "一\n二\t三", "一 二 三"),
        ("time3", "2026年11月10日 23:59", "2026年11月10日 23:59"),
        ("character_string4", "C" * 40, "C" * 31 + "…"),
    ],
)
def test_fields_are_cut_to_what_wechat_takes(name: str, value: str, fitted: str) -> None:
    assert fit_field(name, value) == fitted
