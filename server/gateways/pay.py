"""The protocol that both payment versions fill, its values and its errors.

Amounts are whole fen. Times are aware UTC. Values that come out of a gateway were verified: an
unsigned or foreign answer raises instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import ParamSpec, Protocol, TypeVar

from server.gateways.transport import GatewayError, GatewayUnavailable

P = ParamSpec("P")
T = TypeVar("T")


class SignatureInvalid(GatewayError):
    """An answer or a notice that WeChat did not sign, or not with a key we trust, or not just now.

    Args:
        reason: what is wrong, for our log.
        is_probe: WeChat's own test of our verification (`WECHATPAY/SIGNTEST/`): no alert.
    """

    def __init__(self, reason: str, *, is_probe: bool = False) -> None:
        self.is_probe = is_probe
        super().__init__(reason)


class AnswerForeign(GatewayError):
    """A signed answer about another merchant, app or order than the one we asked about."""


class NoticeMalformed(GatewayError):
    """A notice whose signature may be fine but whose content is not what the documents describe."""


class TradeState(StrEnum):
    """What WeChat says about an order; `NOT_FOUND` stands for its error ORDER_NOT_EXIST."""

    SUCCESS = "SUCCESS"
    REFUND = "REFUND"
    NOTPAY = "NOTPAY"
    CLOSED = "CLOSED"
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"
    PAYERROR = "PAYERROR"
    NOT_FOUND = "NOT_FOUND"


class RefundStatus(StrEnum):
    """What WeChat says about a refund; `NOT_FOUND` means that it never received it."""

    SUCCESS = "SUCCESS"
    PROCESSING = "PROCESSING"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"
    NOT_FOUND = "NOT_FOUND"


class EvidenceSource(StrEnum):
    """Where we learned of a payment."""

    CALLBACK = "callback"
    QUERY = "query"
    BILL = "bill"


@dataclass(frozen=True, slots=True)
class PrepayRequest:
    """Everything that defines an order at WeChat; asking again must send exactly the same."""

    out_trade_no: str
    description: str
    amount_fen: int
    payer_openid: str
    time_expire: datetime


@dataclass(frozen=True, slots=True)
class PaymentEvidence:
    """A payment as WeChat reports it. `notice_id` is None when we asked ourselves."""

    source: EvidenceSource
    app_id: str
    mch_id: str
    out_trade_no: str
    transaction_id: str
    trade_state: TradeState
    amount_fen: int
    currency: str
    payer_openid: str
    success_time: datetime | None
    notice_id: str | None = None


@dataclass(frozen=True, slots=True)
class TradeReport:
    """The answer to a query: the state, and the payment when there was one."""

    state: TradeState
    payment: PaymentEvidence | None = None


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Give back `refund_fen` of a paid order. The same `out_refund_no` is the same refund."""

    out_refund_no: str
    out_trade_no: str
    transaction_id: str
    refund_fen: int
    total_fen: int
    reason: str


@dataclass(frozen=True, slots=True)
class RefundEvidence:
    """A refund as WeChat reports it; `NOT_FOUND` carries our own numbers only."""

    out_refund_no: str
    status: RefundStatus
    refund_id: str = ""
    out_trade_no: str = ""
    transaction_id: str = ""
    refund_fen: int = 0
    success_time: datetime | None = None
    mch_id: str = ""
    """Only a notice names the merchant; the gateways check it in answers."""
    notice_id: str | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """Genuine news with a field that is not what the documents describe; '' where a number is."""

    reason: str
    is_refund: bool
    out_trade_no: str
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified notice. `event` is None for a kind of event that does not concern us."""

    notice_id: str
    event_type: str
    event: PaymentEvidence | RefundEvidence | Misfit | None


@dataclass(frozen=True, slots=True)
class BillRow:
    """One line of the daily bill: a payment, or a refund when `out_refund_no` is set."""

    trade_time: datetime
    app_id: str
    mch_id: str
    transaction_id: str
    out_trade_no: str
    openid: str
    trade_state: str
    currency: str
    amount_fen: int
    refund_id: str = ""
    out_refund_no: str = ""
    refund_fen: int = 0
    refund_status: str = ""
    fault: str = ""
    """Why neither time nor amounts could be read. Whose line it is can be told all the same."""

    @property
    def is_refund(self) -> bool:
        """Whether the line gives money back."""
        return bool(self.out_refund_no)


class PayGateway(Protocol):
    """What the services may ask of WeChat Pay. Every call may raise `GatewayError`."""

    version: str
    app_id: str
    mch_id: str

    def prepay(self, request: PrepayRequest) -> str:
        """Open the order at WeChat (or find it again) and return its prepay_id, valid for 2 h."""

    def payment_parameters(self, prepay_id: str, now: datetime) -> dict[str, str]:
        """Return the signed arguments of wx.requestPayment."""

    def query(self, out_trade_no: str) -> TradeReport:
        """Ask for the state of an order."""

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order; closing a closed or unknown one is no error.

        Raises:
            GatewayRefused: code `ORDERPAID` when the student was faster.
        """

    def refund(self, request: RefundRequest) -> RefundEvidence:
        """Ask for a refund; the result may arrive later."""

    def query_refund(self, out_refund_no: str) -> RefundEvidence:
        """Ask for the state of a refund."""

    def download_bill(self, day: date) -> Iterator[BillRow]:
        """Yield the lines of the bill of `day` (Asia/Shanghai); a day without trade yields nothing.

        Raises:
            GatewayRefused: code `STATEMENT_CREATING` while the bill is not ready.
        """

    def read_notice(self, headers: Mapping[str, str], raw_body: bytes, now: datetime) -> Notice:
        """Verify, decrypt and type a callback, without any call to the outside.

        Raises:
            SignatureInvalid: not signed by WeChat, or not just now.
            NoticeMalformed: signed, but not to be parsed. What is parsed and does not fit is a
                `Misfit`.
        """

    def reread_notice(self, raw_body: bytes) -> Notice:
        """Type a notice that was verified when it came and kept since."""

    def close_connections(self) -> None:
        """Release the network."""


def clean(text: str) -> str:
    """Replace what no database keeps: U+0000 and halves of characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def describe_misfit(
    content: Mapping[str, object], error: NoticeMalformed, *, is_refund: bool = False
) -> Misfit:
    """Return what can be said of news that `error` was raised about."""
    numbers = (content.get(name) for name in ("out_trade_no", "transaction_id"))
    out_trade_no, transaction_id = (
        clean(number)[:128] if isinstance(number, str) else "" for number in numbers
    )
    return Misfit(str(error), is_refund, out_trade_no, transaction_id)


def read_answer(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Type a verified answer; one that is malformed counts as none.

    Raises:
        GatewayUnavailable: in place of `NoticeMalformed`.
    """
    try:
        return read(*args, **kwargs)
    except NoticeMalformed as error:
        raise GatewayUnavailable(f"the answer is malformed: {error}") from None
