"""Calls of the mini-program's server side that need an access token.

Subscribe messages, the picture of a mini-program code, and the report that an order was delivered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

from server.gateways.clock import to_local
from server.gateways.transport import Answer, GatewayRefused, GatewayUnavailable, Transport
from server.gateways.wechat_login import read_json
from server.gateways.wechat_token import AccessTokens

ERRCODES_BAD_TOKEN = frozenset({40001, 40014, 42001})
ERRCODES_TRY_AGAIN = frozenset({-1, 45009, 45011, 45047})
MAX_PICTURE_BYTES = 1 << 20
START_PAGE = "pages/index/index"
"""The mini-program's first page: what messages and code pictures open."""
# Lengths by WeChat's documentation of subscribeMessage.send, "参数值内容限制说明"
FIELD_LENGTHS = {
    "thing": 20,
    "short_thing": 5,
    "phrase": 5,
    "name": 10,
    "character_string": 32,
    "letter": 32,
    "number": 32,
    "symbol": 5,
}
FIELD_KIND = re.compile(r"([a-z_]+?)\d+")


class WechatRefused(GatewayRefused):
    """WeChat's final no, for example 43101 (the user did not allow it) or 47003 (bad field)."""


class WechatMessages(Protocol):
    """What we ask of WeChat on behalf of the mini-program."""

    def send_message(self, openid: str, template_id: str, fields: Mapping[str, str]) -> None:
        """Send one subscribe message.

        Raises:
            WechatRefused: never send it again.
            GatewayError: try later.
        """
        ...

    def make_code_picture(self, feature_code: str) -> bytes:
        """Return the picture that opens the mini-program with this code filled in."""
        ...

    def report_shipping(
        self, transaction_id: str, openid: str, description: str, at: datetime
    ) -> None:
        """Tell WeChat that the service of a paid order is being delivered."""
        ...

    def check_token(self) -> None:
        """Raise unless a token can be had; for `flask doctor`."""
        ...


class HttpWechatMessages:
    """`WechatMessages` over HTTP. A refused token is renewed once."""

    def __init__(self, transport: Transport, tokens: AccessTokens) -> None:
        self._transport = transport
        self._tokens = tokens

    def send_message(self, openid: str, template_id: str, fields: Mapping[str, str]) -> None:
        """Send one subscribe message, its fields cut to what WeChat allows."""
        data = {name: {"value": fit_field(name, value)} for name, value in fields.items()}
        payload = {
            "touser": openid,
            "template_id": template_id,
            "page": START_PAGE,
            "data": data,
            "lang": "zh_CN",
        }
        self._call("/cgi-bin/message/subscribe/send", payload)

    def make_code_picture(self, feature_code: str) -> bytes:
        """Return a JPEG or PNG."""
        payload = {"scene": feature_code, "page": START_PAGE, "check_path": False}
        answer = self._call("/wxa/getwxacodeunlimit", payload)
        if answer.body[:1] == b"{":
            raise GatewayUnavailable("the answer is no picture")
        return answer.body

    def report_shipping(
        self, transaction_id: str, openid: str, description: str, at: datetime
    ) -> None:
        """Report a virtual delivery (logistics_type 3: nothing is posted)."""
        payload = {
            "order_key": {"order_number_type": 2, "transaction_id": transaction_id},
            "logistics_type": 3,
            "delivery_mode": 1,
            "shipping_list": [{"item_desc": description[:120]}],
            "upload_time": to_local(at).isoformat(timespec="milliseconds"),
            "payer": {"openid": openid},
        }
        self._call("/wxa/sec/order/upload_shipping_info", payload)

    def check_token(self) -> None:
        """Raise unless a token can be had."""
        self._tokens.get()

    def _call(self, path: str, payload: Mapping[str, Any]) -> Answer:
        token = self._tokens.get()
        answer = self._post(path, token, payload)
        if _read_errcode(answer) in ERRCODES_BAD_TOKEN:
            answer = self._post(path, self._tokens.get(refused=token), payload)
        errcode = _read_errcode(answer)
        if errcode in ERRCODES_TRY_AGAIN | ERRCODES_BAD_TOKEN:
            raise GatewayUnavailable(f"errcode {errcode}")
        if errcode:
            raise WechatRefused(str(errcode))
        return answer

    def _post(self, path: str, token: str, payload: Mapping[str, Any]) -> Answer:
        return self._transport.send(
            "POST",
            f"{path}?access_token={quote(token, safe='')}",
            headers={"Content-Type": "application/json"},
            content=json.dumps(payload, ensure_ascii=False).encode(),
            max_bytes=MAX_PICTURE_BYTES,
        )


def _read_errcode(answer: Answer) -> int:
    """Return WeChat's errcode; 0 for success and for a picture."""
    if answer.status == 200 and answer.body[:1] != b"{":  # noqa: PLR2004
        return 0
    errcode = read_json(answer).get("errcode", 0)
    return errcode if isinstance(errcode, int) else -1


def fit_field(name: str, value: str) -> str:
    """Cut a value to the length that WeChat allows for a field such as `thing3`.

    A value that is too long would cost the whole message (47003). Control characters go, too.
    """
    kind = FIELD_KIND.fullmatch(name)
    limit = FIELD_LENGTHS.get(kind.group(1)) if kind else None
    clean = " ".join(value.split()) or "-"
    if limit is None or len(clean) <= limit:
        return clean
    # an ellipsis tells that something is missing, where there is room for one
    return clean[: limit - 1] + "…" if limit > 5 else clean[:limit]  # noqa: PLR2004
