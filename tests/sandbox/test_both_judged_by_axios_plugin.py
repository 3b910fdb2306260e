"""npm ``wechatpay-axios-plugin`` buys, refunds and checks, in v3 and v2."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.backends import do_without
from tests.sandbox.running import Sandbox, Shop
from tests.sandbox.test_v3_judged_by_wechatpayv3 import new_number

SOURCE = Path(__file__).parent / "stranger"
NPM_S = 120


@pytest.fixture(scope="session")
def stranger_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client as its lock file says, installed outside the project."""
    npm = shutil.which("npm")
    if npm is None:
        do_without("npm, for the client that judges the sandbox")
    folder = tmp_path_factory.mktemp("stranger") / "client"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules"))
    try:
        done = subprocess.run(
            [npm, "ci"], cwd=folder, capture_output=True, text=True, timeout=NPM_S, check=False
        )
    except subprocess.TimeoutExpired:
        do_without(f"an npm registry that answers within {NPM_S} s")
    if done.returncode:
        cause = done.stderr.strip().splitlines() or ["nothing said"]
        do_without(f"the npm client that judges the sandbox: {cause[0]}")
    return folder


Stranger = Callable[..., Any]


@pytest.fixture
def stranger(stranger_folder: Path, gateway: Sandbox, keys: dict[str, Any]) -> Iterator[Stranger]:
    """``stranger("call", path=…)``: one task for the client, and its answer."""
    with subprocess.Popen(
        ["node", "judge.js"],
        cwd=stranger_folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        stdin, stdout = node.stdin, node.stdout

        def ask(do: str, **task: Any) -> Any:
            stdin.write(json.dumps({"do": do, **task}) + "\n")
            stdin.flush()
            return json.loads(stdout.readline())

        ask("open", keys=keys, base=f"{gateway.url}/")
        yield ask
        stdin.close()


def prepay_v3(
    stranger: Stranger, gateway: Sandbox, keys: dict[str, Any], shop: Shop, number: str
) -> Any:
    return stranger(
        "call",
        path="v3/pay/transactions/jsapi",
        method="post",
        data={
            "appid": keys["app_id"],
            "mchid": keys["mch_id"],
            "description": "学历照片采集费",
            "out_trade_no": number,
            "notify_url": shop.url,
            "amount": {"total": 2000, "currency": "CNY"},
            "payer": {"openid": gateway.make_openid("axios")},
        },
    )


def query_v3(stranger: Stranger, keys: dict[str, Any], number: str) -> Any:
    return stranger(
        "call",
        path=f"v3/pay/transactions/out-trade-no/{number}",
        method="get",
        config={"params": {"mchid": keys["mch_id"]}},
    )


def test_v3_from_order_to_bill(
    stranger: Stranger, gateway: Sandbox, keys: dict[str, Any], shop: Shop
) -> None:
    number, refund_no = new_number(), new_number()
    prepay_id = prepay_v3(stranger, gateway, keys, shop, number)["data"]["prepay_id"]
    gateway.control("pay", prepay_id=prepay_id, faults=[])
    headers, body = shop.next_notice()
    notice = stranger("readV3", headers=headers, body=body.decode())
    assert notice["resource"]["out_trade_no"] == number
    paid = query_v3(stranger, keys, number)["data"]
    assert paid["trade_state"] == "SUCCESS"
    refund = stranger(
        "call",
        path="v3/refund/domestic/refunds",
        method="post",
        data={
            "transaction_id": paid["transaction_id"],
            "out_refund_no": refund_no,
            "amount": {"refund": 2000, "total": 2000, "currency": "CNY"},
        },
    )
    assert refund["data"]["status"] == "PROCESSING"
    gateway.control("finish-refund", out_refund_no=refund_no)
    headers, body = shop.next_notice()
    notice = stranger("readV3", headers=headers, body=body.decode())
    assert notice["event_type"] == "REFUND.SUCCESS"
    close = stranger(
        "call",
        path=f"v3/pay/transactions/out-trade-no/{number}/close",
        method="post",
        data={"mchid": keys["mch_id"]},
    )
    assert (close["status"], close["data"]["code"]) == (400, "ORDERPAID")
    gateway.control("clock", advance_s=86400)
    bill = stranger(
        "call",
        path="v3/bill/tradebill",
        method="get",
        config={"params": {"bill_date": paid["success_time"][:10]}},
    )
    assert bill["data"]["hash_type"] == "SHA1"
    file = stranger(
        "call",
        path="v3/billdownload/file",
        method="get",
        config={"params": {"token": bill["data"]["download_url"].partition("token=")[2]}},
    )
    assert file["data"].count(f"`{number}") == 2


def test_v3_echo_gives_back_what_was_sent(stranger: Stranger) -> None:
    answer = stranger("call", path="v3/security/echo", method="post", data={"message": "你好"})
    assert (answer["status"], answer["data"]) == (200, {"message": "你好"})


@pytest.mark.parametrize(
    ("fault", "refused"),
    [
        ("unsigned", "EV3_RES_HEADERS_INCOMPLATE"),
        ("stale_answer", "EV3_RES_HEADER_TIMESTAMP_OFFSET"),
        ("foreign_signature", "EV3_RES_HEADER_PLATFORM_SERIAL"),
        ("probe_answer", "EV3_RES_HEADER_SIGNATURE_DIGEST"),
    ],
)
def test_v3_stranger_refuses_a_spoilt_answer(
    stranger: Stranger, gateway: Sandbox, fault: str, refused: str
) -> None:
    gateway.control("faults", name=fault, call="echo")
    task = {"path": "v3/security/echo", "method": "post", "data": {"message": "hello"}}
    assert stranger("call", **task)["refused"] == refused
    assert stranger("call", **task)["status"] == 200


def test_v3_stranger_refuses_a_spoilt_notice(
    stranger: Stranger, gateway: Sandbox, keys: dict[str, Any], shop: Shop
) -> None:
    prepay_id = prepay_v3(stranger, gateway, keys, shop, new_number())["data"]["prepay_id"]
    reasons = {
        "stale": "clock",
        "future": "clock",
        "unknown_serial": "serial",
        "signtest": "signature",
        "reencoded": "signature",
        "truncated": "signature",
        "wrong_key": "cipher",
    }
    for fault, reason in reasons.items():
        gateway.control("pay", prepay_id=prepay_id, faults=[fault])
        headers, body = shop.next_notice()
        notice = stranger("readV3", headers=headers, body=body.decode())
        assert (fault, notice.get("refused")) == (fault, reason)


@pytest.mark.parametrize("sign_type", ["MD5", "HMAC-SHA256"])
def test_v2_from_order_to_refund(
    stranger: Stranger, gateway: Sandbox, keys: dict[str, Any], v2_shop: Shop, sign_type: str
) -> None:
    number, refund_no = new_number(), new_number()
    common = {"appid": keys["app_id"], "mch_id": keys["mch_id"], "sign_type": sign_type}

    def call(path: str, **fields: Any) -> Any:
        return stranger("call", path=f"v2/{path}", method="post", data={**common, **fields})

    order = {
        "body": "学历照片采集费",
        "out_trade_no": number,
        "total_fee": "2000",
        "spbill_create_ip": "127.0.0.1",
        "notify_url": v2_shop.url,
        "trade_type": "JSAPI",
        "openid": gateway.make_openid("axios"),
    }
    opened = call("pay/unifiedorder", **order)
    assert call("pay/unifiedorder", **{**order, "total_fee": "1"})["data"]["err_code"] == (
        "OUT_TRADE_NO_USED"
    )
    gateway.control("pay", prepay_id=opened["data"]["prepay_id"], faults=[])
    _, body = v2_shop.next_notice()
    notice = stranger("readV2", body=body.decode(), signType=sign_type)
    assert (notice["out_trade_no"], notice["result_code"]) == (number, "SUCCESS")
    assert "sign_type" not in notice
    paid = call("pay/orderquery", out_trade_no=number)["data"]
    assert paid["trade_state"] == "SUCCESS"
    by_id = call("pay/orderquery", transaction_id=paid["transaction_id"])["data"]
    assert by_id["out_trade_no"] == number
    refund = call(
        "secapi/pay/refund",
        out_trade_no=number,
        out_refund_no=refund_no,
        total_fee="2000",
        refund_fee="2000",
    )
    assert refund["data"]["refund_id"]
    gateway.control("finish-refund", out_refund_no=refund_no)
    _, body = v2_shop.next_notice()
    assert stranger("readV2", body=body.decode())["refund_status"] == "SUCCESS"
    found = call("pay/refundquery", out_refund_no=refund_no)["data"]
    assert found["refund_status_0"] == "SUCCESS"
    assert call("pay/closeorder", out_trade_no=number)["data"]["err_code"] == "ORDERPAID"


@pytest.mark.parametrize("fault", ["unsigned", "foreign_signature"])
def test_v2_stranger_refuses_an_answer_with_a_wrong_sign(
    stranger: Stranger, gateway: Sandbox, keys: dict[str, Any], v2_shop: Shop, fault: str
) -> None:
    number = new_number()
    order = {
        "appid": keys["app_id"],
        "mch_id": keys["mch_id"],
        "body": "学历照片采集费",
        "out_trade_no": number,
        "total_fee": "2000",
        "spbill_create_ip": "127.0.0.1",
        "notify_url": v2_shop.url,
        "trade_type": "JSAPI",
        "openid": gateway.make_openid("axios"),
    }
    task = {"path": "v2/pay/unifiedorder", "method": "post", "data": order}
    gateway.control("faults", name=fault, call="prepay")
    assert stranger("call", **task)["refused"] == "EV2_RES_SIGNATURE_NOT_EQUAL"
    assert stranger("call", **task)["status"] == 200
