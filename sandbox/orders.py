"""Orders, payments and refunds of the simulated merchant, the same for v2 and v3."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import time
from typing import Any

from sandbox.gate import Gate
from sandbox.refusal import Refused

OUT_TRADE_NO = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
OUT_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
LOCAL = dt.timezone(dt.timedelta(hours=8))
PREPAY_LIFE_S = 7200
REFUND_WITHIN = dt.timedelta(days=365)
TEXTS = {
    "mch_id": 32,
    "app_id": 32,
    "out_trade_no": 32,
    "openid": 128,
    "description": 127,
    "attach": 128,
    "notify_url": 256,
    "currency": 16,
}
"""Longest value of each text of an order, in characters."""


def show_time(moment: float) -> str:
    """Return RFC 3339 in Beijing time, as WeChat writes it."""
    return dt.datetime.fromtimestamp(moment, LOCAL).isoformat(timespec="seconds")


def open_order(
    gate: Gate, version: str, wanted: dict[str, Any], *, names_key: bool = True
) -> dict[str, Any]:
    """Create an order, or return the one that was opened with the same parameters.

    A v3 merchant that ``names_key`` in its requests knows the public key of WeChat Pay; notices
    for another are signed with the platform certificate.

    ``wanted`` has ``out_trade_no, amount_fen, currency, description, notify_url, openid,
    expires_at, app_id, mch_id, attach``, with v2 also ``sign_type``.
    """
    _refuse_bad_request(gate, wanted)

    def edit(order: dict[str, Any] | None) -> dict[str, Any]:
        if order is None:
            return {**_new_order(gate, version, wanted), "names_key": names_key}
        if order["state"] in {"SUCCESS", "REFUND"}:
            raise Refused(400, "ORDERPAID", "该订单已支付")
        if order["state"] == "CLOSED" or order["expires"] <= gate.ledger.now():
            raise Refused(400, "ORDER_CLOSED", "该订单已关闭")
        if order["wanted"] != wanted:
            raise Refused(400, "OUT_TRADE_NO_USED", "商户订单号重复，请核实")
        if _is_prepay_over(gate, order["prepay_id"]):
            return {**order, "prepay_id": _new_prepay_id(gate, wanted["out_trade_no"])}
        return order

    return gate.ledger.change("order", wanted["out_trade_no"], edit)


def _refuse_bad_request(gate: Gate, wanted: dict[str, Any]) -> None:
    _refuse_bad_texts(wanted)
    if wanted["mch_id"] != gate.keys.mch_id:
        raise Refused(400, "PARAM_ERROR", "商户号不正确")
    if wanted["app_id"] != gate.keys.app_id:
        raise Refused(400, "APPID_MCHID_NOT_MATCH", "appid 与商户号不匹配")
    amount = wanted["amount_fen"]
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
        raise Refused(400, "PARAM_ERROR", "金额必须为正整数（分）")
    if wanted["expires_at"] is not None and wanted["expires_at"] <= time.time():
        raise Refused(400, "PARAM_ERROR", "time_expire 已经过去")
    if gate.ledger.get("openid", wanted["openid"]) is None:
        raise Refused(400, "PARAM_ERROR", "无效的 openid")


def _refuse_bad_texts(wanted: dict[str, Any]) -> None:
    for name, longest in TEXTS.items():
        if not isinstance(wanted[name], str) or len(wanted[name]) > longest:
            raise Refused(400, "PARAM_ERROR", f"{name} 缺失或格式不正确")
    if not OUT_TRADE_NO.fullmatch(wanted["out_trade_no"]):
        raise Refused(400, "PARAM_ERROR", "商户订单号格式不正确")
    if wanted["currency"] != "CNY":
        raise Refused(400, "PARAM_ERROR", "货币类型只支持 CNY")
    if not wanted["description"] or not wanted["notify_url"] or not wanted["openid"]:
        raise Refused(400, "PARAM_ERROR", "缺少必填参数")


def _new_prepay_id(gate: Gate, out_trade_no: str) -> str:
    prepay_id = f"wx{gate.ledger.count_up('prepay'):010d}{secrets.token_hex(12)}"
    expires = gate.ledger.now() + PREPAY_LIFE_S
    gate.ledger.put("prepay", prepay_id, {"out_trade_no": out_trade_no, "expires": expires})
    return prepay_id


def _is_prepay_over(gate: Gate, prepay_id: str) -> bool:
    """Tell whether a prepay_id is too old to pay with."""
    prepay = gate.ledger.get("prepay", prepay_id)
    return prepay is None or prepay["expires"] <= gate.ledger.now()


def _new_order(gate: Gate, version: str, wanted: dict[str, Any]) -> dict[str, Any]:
    now = gate.ledger.now()
    life_s = PREPAY_LIFE_S
    if wanted["expires_at"] is not None:
        # The merchant counts from its own clock, which the virtual one may be far ahead of.
        life_s = wanted["expires_at"] - time.time()
    return {
        "out_trade_no": wanted["out_trade_no"],
        "version": version,
        "wanted": wanted,
        "prepay_id": _new_prepay_id(gate, wanted["out_trade_no"]),
        "state": "NOTPAY",
        "transaction_id": None,
        "success_time": None,
        "created": now,
        "expires": now + life_s,
        "refunded_fen": 0,
    }


def find_order(gate: Gate, out_trade_no: str) -> dict[str, Any]:
    """Return an order; one past its time is closed. Raises Refused."""
    order = gate.ledger.get("order", out_trade_no)
    if order is None:
        raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
    if order["state"] == "NOTPAY" and order["expires"] <= gate.ledger.now():
        return gate.ledger.change("order", out_trade_no, _close_unpaid)
    return order


def find_by_transaction(gate: Gate, transaction_id: str) -> dict[str, Any]:
    """Return the order of a transaction; raises Refused."""
    known = gate.ledger.get("transaction", transaction_id)
    if known is None:
        raise Refused(404, "ORDER_NOT_EXIST", "订单不存在")
    return find_order(gate, known["out_trade_no"])


def close_order(gate: Gate, out_trade_no: str) -> dict[str, Any]:
    """Close an unpaid order; closing it again is no error. Raises Refused."""
    order = find_order(gate, out_trade_no)
    if order["state"] in {"SUCCESS", "REFUND"}:
        raise Refused(400, "ORDERPAID", "订单已支付，不能关闭")
    return gate.ledger.change("order", out_trade_no, _close_unpaid)


def _close_unpaid(order: dict[str, Any] | None) -> dict[str, Any] | None:
    if order is None or order["state"] in {"SUCCESS", "REFUND"}:
        return order
    return {**order, "state": "CLOSED"}


def find_prepaid(gate: Gate, prepay_id: str) -> dict[str, Any]:
    """Return the order of a prepay_id; raises Refused."""
    prepay = gate.ledger.get("prepay", prepay_id.removeprefix("prepay_id="))
    if prepay is None:
        raise Refused(404, "ORDER_NOT_EXIST", "没有这个 prepay_id")
    return find_order(gate, prepay["out_trade_no"])


def pay_order(gate: Gate, prepay_id: str) -> dict[str, Any]:
    """Let the student confirm the payment; a paid order stays as it is. Raises Refused."""
    order = find_prepaid(gate, prepay_id)
    if order["state"] == "CLOSED":
        raise Refused(400, "ORDER_CLOSED", "订单已关闭，不能支付")
    if order["state"] == "NOTPAY" and _is_prepay_over(gate, prepay_id.removeprefix("prepay_id=")):
        raise Refused(400, "ORDER_CLOSED", "prepay_id 已过期，请重新下单")

    def edit(present: dict[str, Any] | None) -> dict[str, Any] | None:
        if present is None or present["state"] != "NOTPAY":
            return present
        now = gate.ledger.now()
        number = (
            f"42000{dt.datetime.fromtimestamp(now, LOCAL):%Y%m%d}{secrets.randbelow(10**14):014d}"
        )
        gate.ledger.put("transaction", number, {"out_trade_no": present["out_trade_no"]})
        return {
            **present,
            "state": "SUCCESS",
            "transaction_id": number,
            "success_time": show_time(now),
            "notice_id": secrets.token_hex(16),
        }

    return gate.ledger.change("order", order["out_trade_no"], edit)


def open_refund(
    gate: Gate, version: str, order: dict[str, Any], wanted: dict[str, Any]
) -> dict[str, Any]:
    """Start a refund, or return the one of the same number. Raises Refused.

    ``wanted`` has ``out_refund_no, amount_fen, total_fen, reason, notify_url``.
    """

    def edit(present: dict[str, Any] | None) -> dict[str, Any]:
        present = present or order
        known = gate.ledger.get("refund", wanted["out_refund_no"])
        if known is not None:
            if known["wanted"] != wanted or known["out_trade_no"] != present["out_trade_no"]:
                raise Refused(400, "INVALID_REQUEST", "退款单号已用于其他退款")
            return present
        _refuse_bad_refund(gate, present, wanted)
        refund = _new_refund(gate, version, present, wanted)
        gate.ledger.put("refund", refund["out_refund_no"], refund)
        refunded_fen = present["refunded_fen"] + wanted["amount_fen"]
        return {**present, "refunded_fen": refunded_fen, "state": "REFUND"}

    gate.ledger.change("order", order["out_trade_no"], edit)
    return find_refund(gate, wanted["out_refund_no"])


def _refuse_bad_refund(gate: Gate, order: dict[str, Any], wanted: dict[str, Any]) -> None:
    if not OUT_REFUND_NO.fullmatch(wanted["out_refund_no"]):
        raise Refused(400, "PARAM_ERROR", "商户退款单号格式不正确")
    amount, paid = wanted["amount_fen"], order["wanted"]["amount_fen"]
    if order["state"] not in {"SUCCESS", "REFUND"}:
        raise Refused(400, "INVALID_REQUEST", "订单未支付")
    paid_at = dt.datetime.fromisoformat(order["success_time"])
    if dt.datetime.fromtimestamp(gate.ledger.now(), LOCAL) - paid_at > REFUND_WITHIN:
        raise Refused(400, "INVALID_REQUEST", "订单支付已超过一年，不能退款")
    is_whole = isinstance(amount, int) and not isinstance(amount, bool)
    if not is_whole or amount < 1 or wanted["total_fen"] != paid:
        raise Refused(400, "PARAM_ERROR", "退款金额与原订单不符")
    if order["refunded_fen"] + amount > paid:
        raise Refused(403, "NOT_ENOUGH", "退款金额超过已支付金额")


def _new_refund(
    gate: Gate, version: str, order: dict[str, Any], wanted: dict[str, Any]
) -> dict[str, Any]:
    return {
        "out_refund_no": wanted["out_refund_no"],
        "refund_id": f"50300{secrets.randbelow(10**18):018d}",
        "out_trade_no": order["out_trade_no"],
        "transaction_id": order["transaction_id"],
        "version": version,
        "names_key": order["names_key"],
        "wanted": wanted,
        "status": "PROCESSING",
        "created": show_time(gate.ledger.now()),
        "success_time": None,
        "notice_id": secrets.token_hex(16),
    }


def find_refund(gate: Gate, out_refund_no: str) -> dict[str, Any]:
    """Return a refund; raises Refused."""
    refund = gate.ledger.get("refund", out_refund_no)
    if refund is None:
        raise Refused(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
    return refund


def finish_refund(gate: Gate, out_refund_no: str, status: str) -> dict[str, Any]:
    """Give a running refund its result: SUCCESS, ABNORMAL or CLOSED. Raises Refused.

    ABNORMAL can still become SUCCESS or CLOSED; the money of a closed refund is free again.
    """
    running = find_refund(gate, out_refund_no)

    def edit(refund: dict[str, Any] | None) -> dict[str, Any] | None:
        if refund is None or refund["status"] == status:
            return refund
        if refund["status"] in {"SUCCESS", "CLOSED"}:
            raise Refused(400, "INVALID_REQUEST", f"退款已是 {refund['status']}，不能再改")
        if status == "CLOSED":
            _free_money(gate, refund)
        done = show_time(gate.ledger.now()) if status == "SUCCESS" else None
        told = {"status": status, "success_time": done, "notice_id": secrets.token_hex(16)}
        return {**refund, **told}

    return gate.ledger.change("refund", running["out_refund_no"], edit)


def _free_money(gate: Gate, refund: dict[str, Any]) -> None:
    """Let the order's money be refunded under another number."""

    def edit(order: dict[str, Any] | None) -> dict[str, Any] | None:
        if order is None:
            return None
        return {**order, "refunded_fen": order["refunded_fen"] - refund["wanted"]["amount_fen"]}

    gate.ledger.change("order", refund["out_trade_no"], edit)
