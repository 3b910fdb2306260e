"""Pay v3: every call checks the merchant's signature and signs its answer."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import secrets
import time
from typing import Any

from flask import Blueprint, Response, request

from sandbox import orders
from sandbox.bill import BILL_TYPES, write_bill
from sandbox.gate import (
    Gate,
    Result,
    answer_v3,
    get_gate,
    read_json,
    spoil_after,
    spoil_before,
)
from sandbox.orders import LOCAL, show_time
from sandbox.refusal import Refused
from sandbox.v3_crypto import find_request_fault
from sandbox.v3_notices import describe_refund, describe_transaction

blueprint = Blueprint("pay_v3", __name__, url_prefix="/v3")


@blueprint.before_request
def verify_request() -> Response | None:
    """Refuse a request whose Authorization does not fit it."""
    gate = get_gate()
    target = request.full_path if request.query_string else request.path
    fault = find_request_fault(
        gate.keys,
        method=request.method,
        target=target,
        body=request.get_data(),
        header=request.headers.get("Authorization", ""),
        now=time.time(),
    )
    if fault is None:
        return None
    return answer_v3("signature", lambda: (401, {"code": "SIGN_ERROR", "message": fault}))


@blueprint.post("/pay/transactions/jsapi")
def prepay() -> Response:
    """Open an order."""
    sent = read_json()

    def work() -> Result:
        names_key = "Wechatpay-Serial" in request.headers
        order = orders.open_order(get_gate(), "v3", read_order(sent), names_key=names_key)
        return 200, {"prepay_id": order["prepay_id"]}

    return answer_v3("prepay", work)


def read_order(sent: dict[str, Any]) -> dict[str, Any]:
    """Return the order that a request asks for; raises Refused where a field is missing."""
    amount = sent.get("amount") if isinstance(sent.get("amount"), dict) else {}
    payer = sent.get("payer") if isinstance(sent.get("payer"), dict) else {}
    expires = sent.get("time_expire")
    try:
        expires_at = dt.datetime.fromisoformat(expires).timestamp() if expires else None
    except (TypeError, ValueError) as error:
        raise Refused(400, "PARAM_ERROR", "time_expire 格式不正确") from error
    return {
        "app_id": sent.get("appid"),
        "mch_id": sent.get("mchid"),
        "out_trade_no": sent.get("out_trade_no", ""),
        "amount_fen": amount.get("total") if amount else None,
        "currency": (amount or {}).get("currency", "CNY"),
        "description": sent.get("description"),
        "notify_url": sent.get("notify_url"),
        "openid": (payer or {}).get("openid", ""),
        "attach": sent.get("attach", ""),
        "expires_at": expires_at,
    }


@blueprint.get("/pay/transactions/out-trade-no/<out_trade_no>")
def query(out_trade_no: str) -> Response:
    """Show an order."""

    def work() -> Result:
        _require_mchid()
        gate = get_gate()
        return 200, describe_transaction(gate, orders.find_order(gate, out_trade_no))

    return answer_v3("query", work)


@blueprint.get("/pay/transactions/id/<transaction_id>")
def query_by_id(transaction_id: str) -> Response:
    """Show the order of a transaction."""

    def work() -> Result:
        _require_mchid()
        gate = get_gate()
        return 200, describe_transaction(gate, orders.find_by_transaction(gate, transaction_id))

    return answer_v3("query", work)


@blueprint.post("/pay/transactions/out-trade-no/<out_trade_no>/close")
def close(out_trade_no: str) -> Response:
    """Close an unpaid order."""
    sent = read_json()

    def work() -> Result:
        _require_mchid(sent.get("mchid"))
        orders.close_order(get_gate(), out_trade_no)
        return 204, None

    return answer_v3("close", work)


@blueprint.post("/refund/domestic/refunds")
def refund() -> Response:
    """Start a refund."""
    sent = read_json()

    def work() -> Result:
        gate = get_gate()
        amount = sent.get("amount")
        if not isinstance(amount, dict) or amount.get("currency") != "CNY":
            raise Refused(400, "PARAM_ERROR", "amount.currency 必填，只支持 CNY")
        if sent.get("transaction_id"):
            order = orders.find_by_transaction(gate, str(sent["transaction_id"]))
        else:
            order = orders.find_order(gate, str(sent.get("out_trade_no", "")))
        wanted = {
            "out_refund_no": str(sent.get("out_refund_no", "")),
            "amount_fen": amount.get("refund"),
            "total_fen": amount.get("total"),
            "reason": str(sent.get("reason") or ""),
            "notify_url": str(sent.get("notify_url") or ""),
        }
        return 200, describe_refund(orders.open_refund(gate, "v3", order, wanted))

    return answer_v3("refund", work)


@blueprint.get("/refund/domestic/refunds/<out_refund_no>")
def query_refund(out_refund_no: str) -> Response:
    """Show a refund."""
    return answer_v3(
        "query_refund",
        lambda: (200, describe_refund(orders.find_refund(get_gate(), out_refund_no))),
    )


@blueprint.get("/certificates")
def certificates() -> Response:
    """Show the platform certificates, encrypted with the APIv3 key."""

    def work() -> Result:
        gate = get_gate()
        items = [
            {
                "serial_no": serial,
                "effective_time": show_time(certificate.not_valid_before_utc.timestamp()),
                "expire_time": show_time(certificate.not_valid_after_utc.timestamp()),
                "encrypt_certificate": _encrypt_text(gate, pem),
            }
            for serial, pem, certificate in gate.keys.list_certificates()
        ]
        return 200, {"data": items}

    return answer_v3("certificates", work)


def _encrypt_text(gate: Gate, text: str) -> dict[str, str]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_hex(6)
    sealed = AESGCM(gate.keys.stored["api_v3_key"].encode()).encrypt(
        nonce.encode(), text.encode(), b"certificate"
    )
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce,
        "associated_data": "certificate",
        "ciphertext": base64.b64encode(sealed).decode(),
    }


@blueprint.post("/security/echo")
def echo() -> Response:
    """Give back what was sent: the self-test of a merchant's keys."""
    sent = read_json()
    return answer_v3("echo", lambda: (200, sent))


@blueprint.get("/bill/tradebill")
def tradebill() -> Response:
    """Say where the bill of a day is and what its hash must be."""

    def work() -> Result:
        gate = get_gate()
        day = request.args.get("bill_date", "")
        try:
            wanted = dt.date.fromisoformat(day)
        except ValueError as error:
            raise Refused(400, "PARAM_ERROR", "账单日期格式不正确") from error
        if wanted >= dt.datetime.fromtimestamp(gate.ledger.now(), LOCAL).date():
            raise Refused(400, "INVALID_REQUEST", "账单日期不正确")
        kind = request.args.get("bill_type", "ALL")
        if kind not in BILL_TYPES:
            raise Refused(400, "PARAM_ERROR", "账单类型不正确")
        plain = write_bill(gate, wanted, kind)
        if plain is None:
            raise Refused(400, "NO_STATEMENT_EXIST", "账单不存在")
        tar = "&tar_type=GZIP" if request.args.get("tar_type") == "GZIP" else ""
        return 200, {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(plain).hexdigest(),  # noqa: S324 - WeChat's choice
            "download_url": f"{request.host_url}v3/billdownload/file?token={kind}-{day}{tar}",
        }

    return answer_v3("tradebill", work)


@blueprint.get("/billdownload/file")
def download_bill() -> Response:
    """Give the bill itself; as at WeChat, this answer carries no signature."""
    gate = get_gate()
    fault = gate.take_fault("billdownload")
    early = spoil_before(fault)
    if early is not None:
        return early
    spoil_after(fault)
    try:
        kind, _, day = request.args.get("token", "").partition("-")
        plain = write_bill(gate, dt.date.fromisoformat(day), kind) or b""
    except ValueError:
        return answer_v3("billdownload", lambda: (404, {"code": "NOT_FOUND", "message": "没有"}))
    if request.args.get("tar_type") == "GZIP":
        return Response(gzip.compress(plain), mimetype="application/octet-stream")
    return Response(plain, mimetype="text/plain")


def _require_mchid(mchid: str | None = None) -> None:
    """Refuse another merchant's number."""
    if (mchid or request.args.get("mchid")) != get_gate().keys.mch_id:
        raise Refused(400, "PARAM_ERROR", "商户号不正确")
