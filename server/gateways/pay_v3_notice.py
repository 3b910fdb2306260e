"""What the v3 documents call 通知: decrypting it and giving its fields a type."""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

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
    clean,
    describe_misfit,
)

PAID_STATES = frozenset({TradeState.SUCCESS, TradeState.REFUND})


def parse_object(raw: bytes) -> dict[str, Any]:
    """Parse a JSON object or raise `NoticeMalformed`, whatever the bytes are."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise NoticeMalformed("not JSON") from None
    if not isinstance(value, dict):
        raise NoticeMalformed("not a JSON object")
    return value


def decrypt_resource(resource: Any, keys: Sequence[bytes]) -> bytes:
    """Decrypt the `resource` of a notice with the first of our APIv3 keys that fits."""
    if not isinstance(resource, dict) or resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise NoticeMalformed("no resource that we can decrypt")
    try:
        nonce = str(resource["nonce"]).encode()
        ciphertext = b64decode(str(resource["ciphertext"]), validate=True)
    except (KeyError, Base64Error, ValueError):
        raise NoticeMalformed("the resource is incomplete") from None
    associated_data = str(resource.get("associated_data") or "").encode()
    for key in keys:
        try:
            return AESGCM(key).decrypt(nonce, ciphertext, associated_data)
        except (InvalidTag, ValueError):
            continue
    raise NoticeMalformed("the resource does not decrypt with our key")


def read_notice(raw_body: bytes, keys: Sequence[bytes]) -> Notice:
    """Type a notice whose signature was verified before."""
    envelope = parse_object(raw_body)
    notice_id = text(envelope, "id")
    event_type = text(envelope, "event_type")
    if event_type.startswith("TRANSACTION."):
        content = parse_object(decrypt_resource(envelope.get("resource"), keys))
        return Notice(notice_id, event_type, _read_payment_news(content, notice_id))
    if event_type.startswith("REFUND."):
        content = parse_object(decrypt_resource(envelope.get("resource"), keys))
        return Notice(notice_id, event_type, _read_refund_news(content, notice_id))
    return Notice(notice_id, event_type, None)


def _read_payment_news(
    content: Mapping[str, Any], notice_id: str
) -> PaymentEvidence | Misfit | None:
    try:
        return read_trade(content, EvidenceSource.CALLBACK, notice_id).payment
    except NoticeMalformed as error:
        return describe_misfit(content, error)


def _read_refund_news(content: Mapping[str, Any], notice_id: str) -> RefundEvidence | Misfit:
    try:
        return read_refund(content, notice_id)
    except NoticeMalformed as error:
        return describe_misfit(content, error, is_refund=True)


def read_trade(
    content: Mapping[str, Any], source: EvidenceSource, notice_id: str | None = None
) -> TradeReport:
    """Type a transaction, as callbacks and queries describe it."""
    try:
        state = TradeState(text(content, "trade_state"))
    except ValueError:
        raise NoticeMalformed("unknown trade_state") from None
    if state not in PAID_STATES:
        return TradeReport(state)
    amount = content.get("amount")
    payer = content.get("payer")
    if not isinstance(amount, dict) or not isinstance(payer, dict):
        raise NoticeMalformed("amount or payer is missing")
    payment = PaymentEvidence(
        source=source,
        app_id=text(content, "appid"),
        mch_id=text(content, "mchid"),
        out_trade_no=text(content, "out_trade_no"),
        transaction_id=text(content, "transaction_id"),
        trade_state=state,
        amount_fen=whole(amount, "total"),
        currency=clean(str(amount.get("currency") or "CNY"))[:16],
        payer_openid=clean(str(payer.get("openid") or "")),
        success_time=moment(content.get("success_time")),
        notice_id=notice_id,
    )
    return TradeReport(state, payment)


def read_refund(content: Mapping[str, Any], notice_id: str | None = None) -> RefundEvidence:
    """Type a refund: callbacks name its state `refund_status`, queries `status`."""
    amount = content.get("amount")
    if not isinstance(amount, dict):
        raise NoticeMalformed("amount is missing")
    try:
        status = RefundStatus(str(content.get("refund_status") or content.get("status")))
    except ValueError:
        raise NoticeMalformed("unknown refund status") from None
    return RefundEvidence(
        out_refund_no=text(content, "out_refund_no"),
        status=status,
        refund_id=text(content, "refund_id"),
        out_trade_no=text(content, "out_trade_no"),
        transaction_id=text(content, "transaction_id"),
        refund_fen=whole(amount, "refund"),
        success_time=moment(content.get("success_time")),
        mch_id=clean(str(content.get("mchid") or "")),
        notice_id=notice_id,
    )


def text(content: Mapping[str, Any], name: str) -> str:
    """Return a field that must be a string of 1 to 128 characters."""
    value = content.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 128:  # noqa: PLR2004
        raise NoticeMalformed(f"{name} is missing")
    return clean(value)


def whole(content: Mapping[str, Any], name: str) -> int:
    """Return a field that must be a number of fen; true is no number."""
    value = content.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise NoticeMalformed(f"{name} is no amount")
    return value


def moment(value: Any) -> datetime | None:
    """Read an RFC 3339 time as UTC; nothing when there is none."""
    if not value:
        return None
    try:
        read = datetime.fromisoformat(str(value))
    except ValueError:
        raise NoticeMalformed("a time is not RFC 3339") from None
    if read.tzinfo is None:
        raise NoticeMalformed("a time has no offset")
    try:
        return read.astimezone(UTC)
    except OverflowError:
        raise NoticeMalformed("a time is before the first year or after the last") from None
