"""The daily bill of the simulated WeChat: what v2 and v3 give for download, from one ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sandbox.gate import Gate
from sandbox.orders import LOCAL

BILL_TYPES = ("ALL", "SUCCESS", "REFUND")
BILL_COLUMNS = [
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款类型",
    "退款状态",
    "商品名称",
    "商户数据包",
    "手续费",
    "费率",
    "订单金额",
    "申请退款金额",
    "费率备注",
]
SUMMARY_COLUMNS = [
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
]


def write_bill(gate: Gate, day: dt.date, kind: str = "ALL") -> bytes | None:
    """Return the bill of a day as WeChat writes it (yuan, every cell after a backtick), or None.

    ``kind`` is one of BILL_TYPES; raises ValueError for another.
    """
    if kind not in BILL_TYPES:
        raise ValueError(kind)
    payments = [o for o in gate.ledger.list("order") if _is_on(o["success_time"], day)]
    refunds = [r for r in gate.ledger.list("refund") if _is_on(r["success_time"], day)]
    if kind == "SUCCESS":
        refunds = []
    if kind == "REFUND":
        payments = []
    if not payments and not refunds:
        return None
    rows = [_bill_payment(order) for order in payments]
    rows += [
        _bill_refund(item, gate.ledger.get("order", item["out_trade_no"]) or {}) for item in refunds
    ]
    lines = [",".join(BILL_COLUMNS)]
    lines += [_write_line(row.get(name, "0.00") for name in BILL_COLUMNS) for row in rows]
    lines.append(",".join(SUMMARY_COLUMNS))
    paid = sum(order["wanted"]["amount_fen"] for order in payments)
    refunded = sum(item["wanted"]["amount_fen"] for item in refunds)
    totals = [
        str(len(rows)),
        yuan(paid),
        yuan(refunded),
        "0.00",
        "0.00",
        yuan(paid),
        yuan(refunded),
    ]
    lines.append(_write_line(totals))
    return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode()


def _write_line(values: Iterable[str]) -> str:
    """Return a line as WeChat writes it: nothing is quoted, whatever a product's name holds."""
    return ",".join(f"`{value}" for value in values)


def _is_on(moment: str | None, day: dt.date) -> bool:
    return moment is not None and dt.datetime.fromisoformat(moment).astimezone(LOCAL).date() == day


def yuan(fen: int) -> str:
    """Return an amount as the bill writes it."""
    return f"{fen // 100}.{fen % 100:02d}"


def _bill_payment(order: dict[str, Any]) -> dict[str, str]:
    wanted = order["wanted"]
    return {
        "交易时间": order["success_time"][:19].replace("T", " "),
        "公众账号ID": wanted["app_id"],
        "商户号": wanted["mch_id"],
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": order["transaction_id"],
        "商户订单号": order["out_trade_no"],
        "用户标识": wanted["openid"],
        "交易类型": "JSAPI",
        "交易状态": "SUCCESS",
        "付款银行": "OTHERS",
        "货币种类": wanted["currency"],
        "应结订单金额": yuan(wanted["amount_fen"]),
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款类型": "",
        "退款状态": "",
        "商品名称": wanted["description"],
        "商户数据包": wanted["attach"],
        "手续费": "0.00000",
        "费率": "0.00%",
        "订单金额": yuan(wanted["amount_fen"]),
        "费率备注": "",
    }


def _bill_refund(item: dict[str, Any], order: dict[str, Any]) -> dict[str, str]:
    amount = yuan(item["wanted"]["amount_fen"])
    return {
        **_bill_payment(order),
        "交易时间": item["success_time"][:19].replace("T", " "),
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "订单金额": "0.00",
        "微信退款单号": item["refund_id"],
        "商户退款单号": item["out_refund_no"],
        "退款金额": amount,
        "申请退款金额": amount,
        "退款类型": "ORIGINAL",
        "退款状态": "SUCCESS",
    }
