"""Gives the fields of v2 messages a type: payments, refunds, notices."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from server.gateways.clock import LOCAL_ZONE
from server.gateways.pay import (
    EvidenceSource,
    Misfit,
    Notice,
    NoticeMalformed,
    PaymentEvidence,
    RefundEvidence,
    RefundStatus,
    TradeReport,
    TradeState,
    describe_misfit,
)
from server.gateways.pay_v2_signing import PayV2Signer
from server.gateways.pay_v2_xml import parse_flat_xml

PAID_STATES = frozenset({TradeState.SUCCESS, TradeState.REFUND})
REFUND_STATES = {
    "SUCCESS": RefundStatus.SUCCESS,
    "PROCESSING": RefundStatus.PROCESSING,
    "REFUNDCLOSE": RefundStatus.CLOSED,
    "CHANGE": RefundStatus.ABNORMAL,
}
MAX_FEN_DIGITS = 12


def read_notice(raw_body: bytes, signer: PayV2Signer) -> Notice:
    """Verify and type a notice. v2 has no notice id: the bytes themselves are it."""
    fields = parse_flat_xml(raw_body)
    notice_id = "v2:" + hashlib.sha256(raw_body).hexdigest()
    if "req_info" in fields:
        return _read_refund_notice(fields, signer, notice_id)
    signer.verify(fields)
    if fields.get("return_code") != "SUCCESS" or fields.get("result_code") != "SUCCESS":
        raise NoticeMalformed("the notice tells of no payment")
    event: PaymentEvidence | Misfit
    try:
        event = _read_payment(fields, TradeState.SUCCESS, EvidenceSource.CALLBACK, notice_id)
    except NoticeMalformed as error:
        event = describe_misfit(fields, error)
    return Notice(notice_id, "TRANSACTION.SUCCESS", event)


def _read_refund_notice(fields: Mapping[str, str], signer: PayV2Signer, notice_id: str) -> Notice:
    """Decrypt and type a refund notice, which proves itself by its encryption only."""
    content = parse_flat_xml(signer.decrypt_refund_info(fields["req_info"]), root="root")
    try:
        evidence = _read_refund(content, mch_id=fields.get("mch_id", ""), notice_id=notice_id)
    except NoticeMalformed as error:
        return Notice(notice_id, "REFUND", describe_misfit(content, error, is_refund=True))
    return Notice(notice_id, f"REFUND.{evidence.status}", evidence)


def _read_refund(content: Mapping[str, str], *, mch_id: str, notice_id: str) -> RefundEvidence:
    return RefundEvidence(
        out_refund_no=required(content, "out_refund_no"),
        status=read_refund_status(content, "refund_status"),
        refund_id=required(content, "refund_id"),
        out_trade_no=required(content, "out_trade_no"),
        transaction_id=required(content, "transaction_id"),
        refund_fen=whole(content, "refund_fee"),
        success_time=read_spaced_time(content.get("success_time", "")),
        mch_id=mch_id,
        notice_id=notice_id,
    )


def read_trade(fields: Mapping[str, str]) -> TradeReport:
    """Type the answer of an order query."""
    try:
        state = TradeState(required(fields, "trade_state"))
    except ValueError:
        raise NoticeMalformed("unknown trade_state") from None
    if state not in PAID_STATES:
        return TradeReport(state)
    return TradeReport(state, _read_payment(fields, state, EvidenceSource.QUERY))


def _read_payment(
    fields: Mapping[str, str],
    state: TradeState,
    source: EvidenceSource,
    notice_id: str | None = None,
) -> PaymentEvidence:
    """Type a payment. v2 leaves `fee_type` out when it is CNY."""
    return PaymentEvidence(
        source=source,
        app_id=required(fields, "appid"),
        mch_id=required(fields, "mch_id"),
        out_trade_no=required(fields, "out_trade_no"),
        transaction_id=required(fields, "transaction_id"),
        trade_state=state,
        amount_fen=whole(fields, "total_fee"),
        currency=fields.get("fee_type") or "CNY",
        payer_openid=fields.get("openid", ""),
        success_time=_read_compact_time(fields.get("time_end", "")),
        notice_id=notice_id,
    )


def read_refund_status(fields: Mapping[str, str], name: str) -> RefundStatus:
    """Translate v2's words for the state of a refund."""
    try:
        return REFUND_STATES[required(fields, name)]
    except KeyError:
        raise NoticeMalformed("unknown refund status") from None


def required(fields: Mapping[str, str], name: str) -> str:
    """Return a field of 1 to 128 characters."""
    value = fields.get(name, "")
    if not 0 < len(value) <= 128:  # noqa: PLR2004
        raise NoticeMalformed(f"{name} is missing")
    return value


def whole(fields: Mapping[str, str], name: str) -> int:
    """Return a number of fen."""
    value = fields.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) <= MAX_FEN_DIGITS):
        raise NoticeMalformed(f"{name} is no amount")
    return int(value)


def _read_compact_time(value: str) -> datetime | None:
    """Read `20141030133525`, Beijing time, as UTC."""
    return read_time(value, "%Y%m%d%H%M%S")


def read_spaced_time(value: str) -> datetime | None:
    """Read `2017-12-15 09:46:01`, Beijing time, as UTC."""
    return read_time(value, "%Y-%m-%d %H:%M:%S")


def read_time(value: str, pattern: str) -> datetime | None:
    """Read Beijing time as UTC; nothing when there is none."""
    if not value:
        return None
    try:
        return datetime.strptime(value, pattern).replace(tzinfo=LOCAL_ZONE).astimezone(UTC)
    except (ValueError, OverflowError):
        raise NoticeMalformed("a time is no time") from None
