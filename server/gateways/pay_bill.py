"""Reads the daily trade bill of WeChat Pay, whose format v2 and v3 share.

Columns are found by their names in the first line, because merchants get different sets. Each
value is prefixed by a backtick, which alone tells where it begins: a product's name may hold commas
and line breaks. Amounts are yuan. The bill ends with a summary, 总交易单数 first.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO

from server.gateways.clock import LOCAL_ZONE
from server.gateways.pay import BillRow, clean
from server.gateways.transport import GatewayUnavailable

SUMMARY_START = "总交易单数"
RECORD_START = re.compile(r"\s*`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,`")
FREE_TEXTS = ("商品名称", "商户数据包")
AMOUNT_COLUMNS = ("订单金额", "应结订单金额", "总金额")
REFUND_COLUMNS = ("申请退款金额", "退款金额")
AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,2})0*)?")
UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
REQUIRED_COLUMNS = frozenset({"交易时间", "微信订单号", "商户订单号", "交易状态"})


def open_bill(file: IO[bytes]) -> Iterable[str]:
    """Return the lines of a bill. Names of goods are what others wrote, in whatever encoding."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")


def read_bill(lines: Iterable[str]) -> Iterator[BillRow]:
    """Yield one `BillRow` a line.

    Raises:
        GatewayUnavailable: the text is no bill, or ends before its summary (a cut download).
    """
    rest = iter(lines)
    header = [name.strip().lstrip("\ufeff") for name in next(rest, "").split(",")]
    if not REQUIRED_COLUMNS.issubset(header):
        raise GatewayUnavailable("the bill has no header that we know")
    record = ""
    for line in rest:
        if not record and line.lstrip().startswith(SUMMARY_START):
            return
        if not record and not line.strip():
            continue
        if record and RECORD_START.match(line):
            raise GatewayUnavailable("a line of the bill has another number of columns")
        record += line
        values = _split_record(record)
        if len(values) < len(header):
            # somebody's product name has a line break in it
            continue
        yield read_row(dict(zip(header, _join_free_text(values, header), strict=True)))
        record = ""
    raise GatewayUnavailable("the bill ends before its summary")


def _split_record(record: str) -> list[str]:
    """Split at a comma before a backtick only: what others wrote may hold commas and breaks."""
    values = record.rstrip("\r\n").lstrip().removeprefix("`").split(",`")
    return [clean(value.strip()) for value in values]


def _join_free_text(values: list[str], header: list[str]) -> list[str]:
    """Give a free text that holds the separator itself back its pieces."""
    surplus = len(values) - len(header)
    if not surplus:
        return values
    place = next((header.index(name) for name in FREE_TEXTS if name in header), -1)
    if place < 0:
        raise GatewayUnavailable("a line of the bill has another number of columns")
    text = ",`".join(values[place : place + surplus + 1])
    return [*values[:place], text, *values[place + surplus + 1 :]]


def read_row(row: Mapping[str, str]) -> BillRow:
    """Type one line. Refund columns hold `0` when the line is a payment.

    Another system's line must not lose the day, so what cannot be read is said in `fault`.
    """
    refund_no = row.get("商户退款单号", "")
    is_refund = refund_no not in {"", "0"}
    trade_time, amount_fen, refund_fen, fault = UNKNOWN_TIME, 0, 0, ""
    try:
        trade_time = read_time(row["交易时间"])
        amount_fen = read_fen(_first_of(row, AMOUNT_COLUMNS))
        refund_fen = read_fen(_first_of(row, REFUND_COLUMNS)) if is_refund else 0
    except GatewayUnavailable as error:
        fault = str(error)
    return BillRow(
        trade_time=trade_time,
        app_id=row.get("公众账号ID", ""),
        mch_id=row.get("商户号", ""),
        transaction_id=row["微信订单号"],
        out_trade_no=row["商户订单号"],
        openid=row.get("用户标识", ""),
        trade_state=row["交易状态"],
        currency=row.get("货币种类", "CNY"),
        amount_fen=amount_fen,
        refund_id=row.get("微信退款单号", "") if is_refund else "",
        out_refund_no=refund_no if is_refund else "",
        refund_fen=refund_fen,
        refund_status=row.get("退款状态", "") if is_refund else "",
        fault=fault,
    )


def _first_of(row: Mapping[str, str], names: Iterable[str]) -> str:
    """Return the first of `names` that the bill has."""
    return next((row[name] for name in names if row.get(name)), "0")


def read_fen(yuan: str) -> int:
    """Turn yuan with up to two decimals into fen, exactly."""
    amount = AMOUNT.fullmatch(yuan)
    if amount is None:
        raise GatewayUnavailable("an amount of the bill is no number of fen")
    return int(amount[1]) * 100 + int((amount[2] or "").ljust(2, "0"))


def read_time(value: str) -> datetime:
    """Read `2019-02-19 05:01:46`, which is Beijing time, as UTC."""
    try:
        local = datetime.strptime(value.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=LOCAL_ZONE)
    except (ValueError, OverflowError):
        raise GatewayUnavailable("a time of the bill is no time") from None
    return local.astimezone(UTC)
