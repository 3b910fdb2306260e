"""Pay v2: every call checks the merchant's sign and signs its answer in the same way.

A request that cannot be trusted (bad XML, unknown merchant, wrong sign) gets ``return_code`` FAIL
and no signature, as at WeChat; a business error gets a signed ``result_code`` FAIL.
"""

from __future__ import annotations

import datetime as dt
import gzip
import re
import secrets
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from sandbox import orders
from sandbox.bill import BILL_TYPES, write_bill
from sandbox.gate import Gate, get_gate, spoil_after, spoil_before
from sandbox.orders import LOCAL
from sandbox.refusal import Refused
from sandbox.v2_notices import (
    FOREIGN_KEY,
    TRADE_STATES,
    describe_payment,
    show_refund_status,
    show_spaced,
)
from sandbox.v2_signing import MD5, SIGN_TYPES, is_signed, sign_fields
from sandbox.v2_xml import MAX_BYTES, XmlMalformed, read_xml, write_xml

blueprint = Blueprint("pay_v2", __name__)

Fields = dict[str, str]
Work = Callable[[Gate, Fields], Fields]

CODES = {
    "ORDER_NOT_EXIST": "ORDERNOTEXIST",
    "ORDER_CLOSED": "ORDERCLOSED",
    "RESOURCE_NOT_EXISTS": "REFUNDNOTEXIST",
    "NOT_ENOUGH": "ERROR",
}
"""Where v2 has another word than v3."""
AMOUNT = re.compile(r"[0-9]{1,12}", re.ASCII)
MAX_NONCE_LENGTH = 32


class Untrusted(Exception):
    """The request cannot be believed; ``code`` is what v2's tables call it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@blueprint.errorhandler(Untrusted)
def answer_untrusted(fault: Untrusted) -> Response:
    """Answer on the level of transport: unsigned, because nobody is known to have asked."""
    fields = {"return_code": "FAIL", "return_msg": fault.message}
    return _to_response({**fields, "result_code": "FAIL", "err_code": fault.code})


def _to_response(fields: Fields) -> Response:
    """Return XML; v2 answers with status 200 whatever happened."""
    return Response(write_xml(fields), mimetype="text/xml")


def read_request(gate: Gate) -> Fields:
    """Return the verified fields of the request; raises Untrusted."""
    try:
        sent = read_xml(request.stream.read(MAX_BYTES + 1))
    except XmlMalformed as error:
        raise Untrusted("XML_FORMAT_ERROR", "XML格式错误") from error
    if sent.get("mch_id") != gate.keys.mch_id:
        raise Untrusted("MCHID_NOT_EXIST", "商户号mch_id不存在")
    if (sent.get("sign_type") or MD5) not in SIGN_TYPES:
        raise Untrusted("PARAM_ERROR", "签名类型sign_type不支持")
    if not is_signed(sent, gate.keys.stored["api_v2_key"]):
        raise Untrusted("SIGNERROR", "签名错误")
    return sent


def _answer_v2(call: str, work: Work) -> Response:
    """Verify, do ``work`` and return its signed answer, spoilt by the fault armed for ``call``."""
    gate = get_gate()
    sent = read_request(gate)
    fault = gate.take_fault(call)
    early = spoil_before(fault)
    if early is not None:
        return early
    try:
        _require_common(gate, sent)
        content = {"result_code": "SUCCESS", **work(gate, sent)}
    except Refused as refusal:
        code = CODES.get(refusal.code, refusal.code)
        content = {"result_code": "FAIL", "err_code": code, "err_code_des": refusal.message}
    spoil_after(fault)
    return _to_response(sign_answer(gate, sent, content, fault))


def _require_common(gate: Gate, sent: Fields) -> None:
    """Check what every call needs; raises Refused."""
    if sent.get("appid") != gate.keys.app_id:
        raise Refused(400, "APPID_MCHID_NOT_MATCH", "appid和mch_id不匹配")
    if not 0 < len(sent.get("nonce_str", "")) <= MAX_NONCE_LENGTH:
        raise Refused(400, "PARAM_ERROR", "nonce_str参数长度有误")


def sign_answer(gate: Gate, sent: Fields, content: Fields, fault: str | None) -> Fields:
    """Return the whole answer, signed in the way in which the request was."""
    answer = {
        "return_code": "SUCCESS",
        "return_msg": "OK",
        "appid": gate.keys.app_id,
        "mch_id": gate.keys.mch_id,
        "nonce_str": secrets.token_hex(16),
        **content,
    }
    if fault == "unsigned":
        return answer
    key = FOREIGN_KEY if fault == "foreign_signature" else gate.keys.stored["api_v2_key"]
    return {**answer, "sign": sign_fields(answer, key, sent.get("sign_type") or MD5)}


@blueprint.post("/pay/unifiedorder")
def unified_order() -> Response:
    """Open an order."""
    return _answer_v2("prepay", _open_order)


def _open_order(gate: Gate, sent: Fields) -> Fields:
    if sent.get("trade_type") != "JSAPI":
        raise Refused(400, "PARAM_ERROR", "trade_type只支持JSAPI")
    if not sent.get("spbill_create_ip"):
        raise Refused(400, "PARAM_ERROR", "缺少参数spbill_create_ip")
    order = orders.open_order(gate, "v2", read_order(sent))
    return {"prepay_id": order["prepay_id"], "trade_type": "JSAPI"}


def read_order(sent: Fields) -> dict[str, Any]:
    """Return the order that a request asks for; raises Refused where a field is malformed."""
    return {
        "app_id": sent.get("appid"),
        "mch_id": sent.get("mch_id"),
        "out_trade_no": sent.get("out_trade_no", ""),
        "amount_fen": read_fen(sent, "total_fee"),
        "currency": sent.get("fee_type") or "CNY",
        "description": sent.get("body"),
        "notify_url": sent.get("notify_url"),
        "openid": sent.get("openid", ""),
        "attach": sent.get("attach", ""),
        "expires_at": _read_expiry(sent.get("time_expire", "")),
        "sign_type": sent.get("sign_type") or MD5,
    }


def read_fen(sent: Fields, name: str) -> int:
    """Return an amount; raises Refused."""
    value = sent.get(name, "")
    if not AMOUNT.fullmatch(value):
        raise Refused(400, "PARAM_ERROR", f"{name}参数格式错误")
    return int(value)


def _read_expiry(value: str) -> float | None:
    """Return ``20091227091010``, Beijing time, as seconds since 1970; raises Refused."""
    if not value:
        return None
    try:
        return dt.datetime.strptime(value, "%Y%m%d%H%M%S").replace(tzinfo=LOCAL).timestamp()
    except ValueError as error:
        raise Refused(400, "PARAM_ERROR", "time_expire参数格式错误") from error


def find_order(gate: Gate, sent: Fields) -> dict[str, Any]:
    """Return the order by WeChat's number or by the merchant's; raises Refused."""
    if sent.get("transaction_id"):
        return orders.find_by_transaction(gate, sent["transaction_id"])
    if sent.get("out_trade_no"):
        return orders.find_order(gate, sent["out_trade_no"])
    raise Refused(400, "PARAM_ERROR", "缺少参数out_trade_no或transaction_id")


@blueprint.post("/pay/orderquery")
def query_order() -> Response:
    """Show an order."""
    return _answer_v2("query", _describe_order)


def _describe_order(gate: Gate, sent: Fields) -> Fields:
    order = find_order(gate, sent)
    state = {"trade_state": order["state"], "trade_state_desc": TRADE_STATES[order["state"]]}
    if order["transaction_id"]:
        return {**describe_payment(order), **state}
    return {
        "out_trade_no": order["out_trade_no"],
        "total_fee": str(order["wanted"]["amount_fen"]),
        "attach": order["wanted"]["attach"],
        **state,
    }


@blueprint.post("/pay/closeorder")
def close_order() -> Response:
    """Close an unpaid order; unlike v3, closing it again is an error."""

    def work(gate: Gate, sent: Fields) -> Fields:
        order = orders.find_order(gate, sent.get("out_trade_no", ""))
        if order["state"] == "CLOSED":
            raise Refused(400, "ORDER_CLOSED", "订单已关闭，无需继续调用")
        orders.close_order(gate, order["out_trade_no"])
        return {"result_msg": "OK"}

    return _answer_v2("close", work)


@blueprint.post("/secapi/pay/refund")
def refund() -> Response:
    """Start a refund. The merchant's TLS certificate cannot be asked for over plain HTTP."""
    return _answer_v2("refund", _open_refund)


def _open_refund(gate: Gate, sent: Fields) -> Fields:
    order = find_order(gate, sent)
    wanted = {
        "out_refund_no": sent.get("out_refund_no", ""),
        "amount_fen": read_fen(sent, "refund_fee"),
        "total_fen": read_fen(sent, "total_fee"),
        "reason": sent.get("refund_desc", ""),
        "notify_url": sent.get("notify_url", ""),
    }
    made = orders.open_refund(gate, "v2", order, wanted)
    return {
        "transaction_id": made["transaction_id"],
        "out_trade_no": made["out_trade_no"],
        "out_refund_no": made["out_refund_no"],
        "refund_id": made["refund_id"],
        "refund_fee": str(wanted["amount_fen"]),
        "total_fee": str(wanted["total_fen"]),
        "cash_fee": str(wanted["total_fen"]),
        "cash_refund_fee": str(wanted["amount_fen"]),
    }


@blueprint.post("/pay/refundquery")
def query_refund() -> Response:
    """Show one refund, or all of an order; v2 numbers their fields from 0."""
    return _answer_v2("query_refund", _describe_refunds)


def _describe_refunds(gate: Gate, sent: Fields) -> Fields:
    found = list(find_refunds(gate, sent))
    if not found:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "退款订单查询失败")
    first = found[0]
    shown = {
        "transaction_id": first["transaction_id"],
        "out_trade_no": first["out_trade_no"],
        "total_fee": str(first["wanted"]["total_fen"]),
        "cash_fee": str(first["wanted"]["total_fen"]),
        "refund_fee": str(sum(item["wanted"]["amount_fen"] for item in found)),
        "refund_count": str(len(found)),
    }
    for place, item in enumerate(found):
        shown |= {f"{name}_{place}": value for name, value in _describe_refund(item).items()}
    return shown


def _describe_refund(item: dict[str, Any]) -> Fields:
    return {
        "out_refund_no": item["out_refund_no"],
        "refund_id": item["refund_id"],
        "refund_channel": "ORIGINAL",
        "refund_fee": str(item["wanted"]["amount_fen"]),
        "refund_status": show_refund_status(item["status"]),
        "refund_account": "REFUND_SOURCE_RECHARGE_FUNDS",
        "refund_recv_accout": "支付用户零钱",
        "refund_success_time": show_spaced(item["success_time"]),
    }


def find_refunds(gate: Gate, sent: Fields) -> list[dict[str, Any]]:
    """Return the refunds that a query means, by the most exact number it gives; raises Refused."""
    for name in ("refund_id", "out_refund_no", "transaction_id", "out_trade_no"):
        if sent.get(name):
            return list(gate.ledger.find("refund", **{name: sent[name]}))
    raise Refused(400, "PARAM_ERROR", "缺少参数out_refund_no")


@blueprint.post("/pay/downloadbill")
def download_bill() -> Response:
    """Give the bill of a day; as at WeChat, it carries no signature."""
    gate = get_gate()
    sent = read_request(gate)
    fault = gate.take_fault("tradebill")
    early = spoil_before(fault)
    if early is not None:
        return early
    spoil_after(fault)
    try:
        plain = _write_wanted_bill(gate, sent)
    except Refused as refusal:
        return _refuse_bill(refusal.code, refusal.message)
    if sent.get("tar_type") == "GZIP":
        return Response(gzip.compress(plain), mimetype="application/octet-stream")
    return Response(plain, mimetype="text/plain")


def _write_wanted_bill(gate: Gate, sent: Fields) -> bytes:
    """Return the bill that a request asks for; raises Refused with v2's own numbers."""
    try:
        day = dt.datetime.strptime(sent.get("bill_date", ""), "%Y%m%d").replace(tzinfo=LOCAL).date()
    except ValueError as error:
        raise Refused(400, "20001", "invalid bill_date") from error
    if day >= dt.datetime.fromtimestamp(gate.ledger.now(), LOCAL).date():
        raise Refused(400, "20001", "invalid bill_date")
    kind = sent.get("bill_type") or "ALL"
    if kind not in BILL_TYPES:
        raise Refused(400, "20001", "invalid bill_type")
    plain = write_bill(gate, day, kind)
    if plain is None:
        raise Refused(404, "20002", "No Bill Exist")
    return plain


def _refuse_bill(code: str, message: str) -> Response:
    """Answer in the form that only this call has."""
    return _to_response({"return_code": "FAIL", "return_msg": message, "error_code": code})
