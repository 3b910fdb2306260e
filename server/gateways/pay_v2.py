"""WeChat Pay v2, for merchants that still use it; same protocol as v3."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from server.gateways import pay_v2_notice
from server.gateways.clock import LOCAL_ZONE
from server.gateways.pay import (
    AnswerForeign,
    BillRow,
    Notice,
    PrepayRequest,
    RefundEvidence,
    RefundRequest,
    RefundStatus,
    TradeReport,
    TradeState,
    read_answer,
)
from server.gateways.pay_bill import open_bill, read_bill
from server.gateways.pay_v2_signing import PayV2Signer
from server.gateways.pay_v2_xml import parse_flat_xml, write_flat_xml
from server.gateways.pay_v3_signing import make_nonce
from server.gateways.transport import GatewayRefused, GatewayUnavailable, Transport

NOT_FOUND_CODES = frozenset({"ORDERNOTEXIST", "ORDER_NOT_EXIST", "REFUNDNOTEXIST"})
ALREADY_CLOSED_CODES = frozenset({"ORDERCLOSED", "ORDER_CLOSED"})
TRY_AGAIN_CODES = frozenset({"SYSTEMERROR", "BIZERR_NEED_RETRY", "FREQUENCY_LIMITED"})
NO_BILL_CODES = frozenset({"20002", "NO_BILL_EXIST"})
MAX_BILL_BYTES = 64 << 20
SERVER_IP = "127.0.0.1"  # spbill_create_ip must be the same when an order is asked for again


@dataclass(frozen=True, slots=True)
class PayV2Identity:
    """Who we are at WeChat Pay."""

    app_id: str
    mch_id: str
    notify_url: str
    signer: PayV2Signer = field(repr=False)


class PayV2Gateway:
    """`PayGateway` over the v2 API. Believes only answers that carry a valid signature."""

    version = "v2"

    def __init__(self, identity: PayV2Identity, transport: Transport) -> None:
        self._identity = identity
        self._transport = transport
        self.app_id = identity.app_id
        self.mch_id = identity.mch_id

    def prepay(self, request: PrepayRequest) -> str:
        """Open the order, or find it again under the same number with the same parameters."""
        expires = request.time_expire.astimezone(LOCAL_ZONE)
        content = self._call(
            "/pay/unifiedorder",
            {
                "body": request.description,
                "out_trade_no": request.out_trade_no,
                "total_fee": str(request.amount_fen),
                "fee_type": "CNY",
                "spbill_create_ip": SERVER_IP,
                "time_expire": expires.strftime("%Y%m%d%H%M%S"),
                "notify_url": self._identity.notify_url,
                "trade_type": "JSAPI",
                "openid": request.payer_openid,
            },
        )
        prepay_id = content.get("prepay_id", "")
        if not 0 < len(prepay_id) <= 64:  # noqa: PLR2004
            raise GatewayUnavailable("the answer has no prepay_id")
        return prepay_id

    def payment_parameters(self, prepay_id: str, now: datetime) -> dict[str, str]:
        """Sign the arguments of wx.requestPayment."""
        return self._identity.signer.payment_parameters(self.app_id, prepay_id, now)

    def query(self, out_trade_no: str) -> TradeReport:
        """Ask for an order by our number."""
        try:
            content = self._call("/pay/orderquery", {"out_trade_no": out_trade_no})
        except GatewayRefused as refusal:
            if refusal.code in NOT_FOUND_CODES:
                return TradeReport(TradeState.NOT_FOUND)
            raise
        self._require_ours(content, "out_trade_no", out_trade_no)
        return read_answer(pay_v2_notice.read_trade, content)

    def close(self, out_trade_no: str) -> None:
        """Close an unpaid order."""
        try:
            self._call("/pay/closeorder", {"out_trade_no": out_trade_no})
        except GatewayRefused as refusal:
            if refusal.code not in NOT_FOUND_CODES | ALREADY_CLOSED_CODES:
                raise

    def refund(self, request: RefundRequest) -> RefundEvidence:
        """Ask for a refund of a payment. The real service wants the merchant's certificate here."""
        content = self._call(
            "/secapi/pay/refund",
            {
                "transaction_id": request.transaction_id,
                "out_refund_no": request.out_refund_no,
                "total_fee": str(request.total_fen),
                "refund_fee": str(request.refund_fen),
                "refund_desc": request.reason,
                "notify_url": self._identity.notify_url,
            },
        )
        self._require_ours(content, "out_refund_no", request.out_refund_no)
        return RefundEvidence(
            out_refund_no=request.out_refund_no,
            status=RefundStatus.PROCESSING,
            refund_id=content.get("refund_id", ""),
            out_trade_no=content.get("out_trade_no", ""),
            transaction_id=content.get("transaction_id", ""),
            refund_fen=read_answer(pay_v2_notice.whole, content, "refund_fee"),
        )

    def query_refund(self, out_refund_no: str) -> RefundEvidence:
        """Ask for a refund by our number."""
        try:
            content = self._call("/pay/refundquery", {"out_refund_no": out_refund_no})
        except GatewayRefused as refusal:
            if refusal.code in NOT_FOUND_CODES:
                return RefundEvidence(out_refund_no, RefundStatus.NOT_FOUND)
            raise
        self._require_ours(content, "out_refund_no_0", out_refund_no)
        return read_answer(_read_queried_refund, content)

    def download_bill(self, day: date) -> Iterator[BillRow]:
        """Yield the bill of `day`. v2 signs no bills: it is as good as the https connection."""
        fields = {"bill_date": day.strftime("%Y%m%d"), "bill_type": "ALL"}
        body = self._post("/pay/downloadbill", fields, MAX_BILL_BYTES)
        if body.lstrip().startswith(b"<xml>"):
            refusal = read_answer(parse_flat_xml, body)
            code = refusal.get("error_code") or refusal.get("return_msg", "")
            if code.replace(" ", "_").upper() in NO_BILL_CODES:
                return
            raise GatewayRefused(code, refusal.get("return_msg", ""))
        yield from read_bill(open_bill(io.BytesIO(body)))

    def read_notice(self, headers: Mapping[str, str], raw_body: bytes, now: datetime) -> Notice:
        """Parse within bounds, then verify: v2 signs fields, not bytes."""
        return self.reread_notice(raw_body)

    def reread_notice(self, raw_body: bytes) -> Notice:
        """Do the same again: the signature is inside."""
        return pay_v2_notice.read_notice(raw_body, self._identity.signer)

    def close_connections(self) -> None:
        """Release the network."""
        self._transport.close()

    def _post(self, path: str, fields: Mapping[str, str], max_bytes: int) -> bytes:
        signer = self._identity.signer
        request = {
            **fields,
            "appid": self.app_id,
            "mch_id": self.mch_id,
            "nonce_str": make_nonce(),
            "sign_type": signer.sign_type,
        }
        request["sign"] = signer.sign(request)
        answer = self._transport.send(
            "POST",
            path,
            headers={"Content-Type": "text/xml; charset=utf-8", "User-Agent": "caiji"},
            content=write_flat_xml(request),
            max_bytes=max_bytes,
        )
        if answer.status != 200:  # noqa: PLR2004
            raise GatewayUnavailable(f"HTTP {answer.status}")
        return answer.body

    def _call(self, path: str, fields: Mapping[str, str]) -> dict[str, str]:
        """Send a signed request and return the verified fields of a successful answer."""
        content = read_answer(parse_flat_xml, self._post(path, fields, 64 * 1024))
        if content.get("return_code") != "SUCCESS":
            # never signed, so it may not decide anything
            raise GatewayUnavailable(f"return_code FAIL: {content.get('return_msg', '')[:100]}")
        self._identity.signer.verify(content)
        if (content.get("appid"), content.get("mch_id")) != (self.app_id, self.mch_id):
            raise AnswerForeign("the answer is about another merchant or app")
        if content.get("result_code") == "SUCCESS":
            return content
        code = content.get("err_code", "")
        if code in TRY_AGAIN_CODES:
            raise GatewayUnavailable(code)
        raise GatewayRefused(code, content.get("err_code_des", ""))

    def _require_ours(self, content: Mapping[str, str], name: str, expected: str) -> None:
        if content.get(name) != expected:
            raise AnswerForeign(f"the answer is about another {name}")


def _read_queried_refund(content: Mapping[str, str]) -> RefundEvidence:
    """Type the answer of a refund query, which numbers its fields from 0."""
    return RefundEvidence(
        out_refund_no=content["out_refund_no_0"],
        status=pay_v2_notice.read_refund_status(content, "refund_status_0"),
        refund_id=pay_v2_notice.required(content, "refund_id_0"),
        out_trade_no=content.get("out_trade_no", ""),
        transaction_id=content.get("transaction_id", ""),
        refund_fen=pay_v2_notice.whole(content, "refund_fee_0"),
        success_time=pay_v2_notice.read_spaced_time(content.get("refund_success_time_0", "")),
    )
