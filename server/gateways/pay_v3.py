"""WeChat Pay v3, for mini-programs (JSAPI)."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from server.gateways import pay_v3_notice
from server.gateways.clock import LOCAL_ZONE, Clock
from server.gateways.pay import (
    AnswerForeign,
    BillRow,
    EvidenceSource,
    Notice,
    NoticeMalformed,
    PaymentEvidence,
    PrepayRequest,
    RefundEvidence,
    RefundRequest,
    RefundStatus,
    SignatureInvalid,
    TradeReport,
    TradeState,
    read_answer,
)
from server.gateways.pay_bill import open_bill, read_bill
from server.gateways.pay_v3_signing import RequestSigner, SignatureVerifier
from server.gateways.transport import Answer, GatewayRefused, GatewayUnavailable, Transport

OUT_TRADE_NO_PATH = "/v3/pay/transactions/out-trade-no/"
NOT_FOUND_CODES = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})
ALREADY_CLOSED_CODES = frozenset({"ORDER_CLOSED", "ORDERCLOSED"})
TRY_AGAIN_STATUSES = frozenset({429, 500, 502, 503, 504})
MAX_BILL_BYTES = 1 << 30
BILL_IN_MEMORY_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class PayV3Identity:
    """Who we are at WeChat Pay. `api_keys` are 32 bytes each, newest first."""

    app_id: str
    mch_id: str
    notify_url: str
    signer: RequestSigner = field(repr=False)
    verifier: SignatureVerifier = field(repr=False)
    api_keys: Sequence[bytes] = field(repr=False)


class PayV3Gateway:
    """`PayGateway` over the v3 API. Believes only answers that carry a valid signature."""

    version = "v3"

    def __init__(self, identity: PayV3Identity, transport: Transport, clock: Clock) -> None:
        self._identity = identity
        self._transport = transport
        self._clock = clock
        self.app_id = identity.app_id
        self.mch_id = identity.mch_id

    def prepay(self, request: PrepayRequest) -> str:
        """Open the order, or find it again under the same number with the same parameters."""
        expires = request.time_expire.astimezone(LOCAL_ZONE).isoformat(timespec="seconds")
        content = self._call(
            "POST",
            "/v3/pay/transactions/jsapi",
            {
                "appid": self.app_id,
                "mchid": self.mch_id,
                "description": request.description,
                "out_trade_no": request.out_trade_no,
                "time_expire": expires,
                "notify_url": self._identity.notify_url,
                "amount": {"total": request.amount_fen, "currency": "CNY"},
                "payer": {"openid": request.payer_openid},
            },
        )
        prepay_id = content.get("prepay_id")
        if not isinstance(prepay_id, str) or not 0 < len(prepay_id) <= 64:  # noqa: PLR2004
            raise GatewayUnavailable("the answer has no prepay_id")
        return prepay_id

    def payment_parameters(self, prepay_id: str, now: datetime) -> dict[str, str]:
        """Sign the arguments of wx.requestPayment."""
        return self._identity.signer.payment_parameters(self.app_id, prepay_id, now)

    def query(self, out_trade_no: str) -> TradeReport:
        """Ask for an order by our number."""
        try:
            content = self._call("GET", self._order_path(out_trade_no))
        except GatewayRefused as refusal:
            if refusal.code in NOT_FOUND_CODES:
                return TradeReport(TradeState.NOT_FOUND)
            raise
        self._require_ours(content, "out_trade_no", out_trade_no)
        report = read_answer(pay_v3_notice.read_trade, content, EvidenceSource.QUERY)
        self._require_our_account(report.payment)
        return report

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order."""
        path = f"{OUT_TRADE_NO_PATH}{quote(out_trade_no, safe='')}/close"
        try:
            self._call("POST", path, {"mchid": self.mch_id})
        except GatewayRefused as refusal:
            if refusal.code not in NOT_FOUND_CODES | ALREADY_CLOSED_CODES:
                raise

    def refund(self, request: RefundRequest) -> RefundEvidence:
        """Ask for a refund of a payment."""
        content = self._call(
            "POST",
            "/v3/refund/domestic/refunds",
            {
                "transaction_id": request.transaction_id,
                "out_refund_no": request.out_refund_no,
                "reason": request.reason,
                "notify_url": self._identity.notify_url,
                "amount": {
                    "refund": request.refund_fen,
                    "total": request.total_fen,
                    "currency": "CNY",
                },
            },
        )
        self._require_ours(content, "out_refund_no", request.out_refund_no)
        return read_answer(pay_v3_notice.read_refund, content)

    def query_refund(self, out_refund_no: str) -> RefundEvidence:
        """Ask for a refund by our number."""
        path = f"/v3/refund/domestic/refunds/{quote(out_refund_no, safe='')}"
        try:
            content = self._call("GET", path)
        except GatewayRefused as refusal:
            if refusal.code in NOT_FOUND_CODES:
                return RefundEvidence(out_refund_no, RefundStatus.NOT_FOUND)
            raise
        self._require_ours(content, "out_refund_no", out_refund_no)
        return read_answer(pay_v3_notice.read_refund, content)

    def download_bill(self, day: date) -> Iterator[BillRow]:
        """Yield the bill of `day` after its SHA-1 was found right."""
        query = urlencode({"bill_date": day.isoformat(), "bill_type": "ALL"})
        try:
            content = self._call("GET", f"/v3/bill/tradebill?{query}")
        except GatewayRefused as refusal:
            if refusal.code == "NO_STATEMENT_EXIST":
                return
            raise
        if content.get("hash_type") != "SHA1":
            raise GatewayUnavailable("the bill has no SHA-1")
        with tempfile.SpooledTemporaryFile(max_size=BILL_IN_MEMORY_BYTES) as file:
            self._download(str(content.get("download_url")), str(content.get("hash_value")), file)
            file.seek(0)
            # SpooledTemporaryFile is a full binary file from Python 3.11 on
            yield from read_bill(open_bill(file))

    def read_notice(self, headers: Mapping[str, str], raw_body: bytes, now: datetime) -> Notice:
        """Verify first, then decrypt and parse."""
        self._identity.verifier.verify(headers, raw_body, now)
        return self.reread_notice(raw_body)

    def reread_notice(self, raw_body: bytes) -> Notice:
        """Decrypt and parse what was verified before."""
        return pay_v3_notice.read_notice(raw_body, self._identity.api_keys)

    def echo(self) -> str:
        """Let WeChat verify a signature of ours without touching money, for `flask doctor`."""
        self._call("POST", "/v3/security/echo", {"message": "caiji"})
        return "ok"

    def fetch_certificate_serials(self) -> list[tuple[str, datetime]]:
        """Return serial and expiry of the platform certificates that WeChat uses now."""
        certificates = self._call("GET", "/v3/certificates").get("data")
        if not isinstance(certificates, list):
            raise GatewayUnavailable("the answer lists no certificates")
        return [
            (str(one["serial_no"]), datetime.fromisoformat(str(one["expire_time"])).astimezone(UTC))
            for one in certificates
        ]

    def close_connections(self) -> None:
        """Release the network."""
        self._transport.close()

    def _order_path(self, out_trade_no: str) -> str:
        return f"{OUT_TRADE_NO_PATH}{quote(out_trade_no, safe='')}?mchid={quote(self.mch_id)}"

    def _call(
        self, method: str, path_and_query: str, payload: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Send a signed request and return the verified content of a 2xx answer."""
        body = b"" if payload is None else json.dumps(payload, ensure_ascii=False).encode()
        answer = self._transport.send(
            method,
            path_and_query,
            headers=self._headers(method, path_and_query, body),
            content=body or None,
        )
        try:
            self._identity.verifier.verify(answer.headers, answer.body, self._clock.now())
        except SignatureInvalid:
            if answer.status in TRY_AGAIN_STATUSES:
                raise GatewayUnavailable(f"HTTP {answer.status} without signature") from None
            raise SignatureInvalid(_unsigned_reason(answer)) from None
        return _read_content(answer)

    def _headers(self, method: str, path_and_query: str, body: bytes) -> dict[str, str]:
        authorization = self._identity.signer.authorization(
            method, path_and_query, body, self._clock.now()
        )
        headers = {
            "Authorization": authorization,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "caiji",
        }
        if self._identity.verifier.public_key_id:
            # tells WeChat which of its two keys we want the answer signed with
            headers["Wechatpay-Serial"] = self._identity.verifier.public_key_id
        return headers

    def _download(
        self, url: str, sha1_hex: str, file: tempfile.SpooledTemporaryFile[bytes]
    ) -> None:
        """Fetch the bill into `file`. Its SHA-1 came in a signed answer, which makes it genuine."""
        base = urlsplit(self._transport.base_url)
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
            raise GatewayUnavailable("the bill lies at a foreign address")
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        digest = hashlib.sha1(usedforsecurity=False)
        size = 0
        with self._transport.stream(path, self._headers("GET", path, b"")) as (status, chunks):
            if status != 200:  # noqa: PLR2004
                raise GatewayUnavailable(f"the bill answers HTTP {status}")
            for chunk in chunks:
                size += len(chunk)
                if size > MAX_BILL_BYTES:
                    raise GatewayUnavailable("the bill is too large")
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha1_hex.lower():
            raise SignatureInvalid("the bill is not the one that WeChat announced")

    def _require_ours(self, content: Mapping[str, Any], name: str, expected: str) -> None:
        if content.get(name) != expected:
            raise AnswerForeign(f"the answer is about another {name}")

    def _require_our_account(self, payment: PaymentEvidence | None) -> None:
        if payment and (payment.app_id, payment.mch_id) != (self.app_id, self.mch_id):
            raise AnswerForeign("the answer is about another merchant or app")


def _read_content(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a verified answer, or raise what its status says."""
    if answer.status == 204:  # noqa: PLR2004
        return {}
    content = read_answer(pay_v3_notice.parse_object, answer.body)
    if 200 <= answer.status < 300:  # noqa: PLR2004
        return content
    code = str(content.get("code", f"HTTP_{answer.status}"))
    if answer.status in TRY_AGAIN_STATUSES:
        raise GatewayUnavailable(f"HTTP {answer.status} {code[:64]}")
    raise GatewayRefused(code, str(content.get("message", "")))


def _unsigned_reason(answer: Answer) -> str:
    """Describe an answer that we do not believe; its code only helps a person to look."""
    try:
        code = str(pay_v3_notice.parse_object(answer.body).get("code", ""))[:64]
    except NoticeMalformed:
        code = ""
    return f"HTTP {answer.status} {code} is not signed by a key we trust".replace("  ", " ")
