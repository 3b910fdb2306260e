"""收据: what was paid, when, under which numbers and to whom, as a page that people can pass on.

Made from the books each time it is asked for, so it always says what is true now: also what went
back. It is a receipt of the institution, no tax invoice, and says so.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import HAS_MONEY, Institution, Order, Refund, RefundState
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.id_numbers import mask_name
from server.services.money.amounts import format_yuan
from server.services.money.orders.list_orders import find_order
from server.services.money.refunds.ask import find_own_order
from server.services.viewer import Viewer

PAGE_MM = (148.0, 210.0)
LEFT_MM, VALUE_MM, WIDE_MM = 16.0, 46.0, 88.0
LINE_MM = 9.0
NOTE = "本收据由系统按微信支付的记录生成，不是发票。需要发票请联系学校财务。"


class ReceiptNotReady(CaijiError):
    """Nothing was paid on this order."""

    code = "receipt_not_ready"
    status = 409
    message = "这个订单还没有收款，没有收据"


@dataclass(frozen=True)
class Receipt:
    """What a receipt says."""

    institution: str
    payer: str
    student_no: str
    description: str
    amount_fen: int
    out_trade_no: str
    transaction_id: str
    paid_at: dt.datetime
    refunds: tuple[tuple[dt.datetime | None, int], ...]
    made_at: dt.datetime

    def list_lines(self) -> list[tuple[str, str]]:
        """Return label and value of each line, as page and file show them."""
        lines = [
            ("收款单位", self.institution),
            ("付款学生", f"{self.payer}（学号 {self.student_no}）" if self.payer else "—"),
            ("事项", self.description),
            ("金额", f"人民币 {format_yuan(self.amount_fen)} 元"),
            ("支付时间", _show(self.paid_at)),
            ("支付方式", "微信支付"),
            ("商户订单号", self.out_trade_no),
            ("微信支付单号", self.transaction_id),
        ]
        for at, amount_fen in self.refunds:
            when = f"，{_show(at)}" if at else ""
            lines.append(("已退款", f"人民币 {format_yuan(amount_fen)} 元{when}"))
        return lines


def make_own_receipt(ctx: Context, *, user_id: uuid.UUID, out_trade_no: str) -> bytes:
    """Return the receipt of an own paid order as a PDF; raises NotFound, ReceiptNotReady.

    Whoever paid and is not bound to the enrolment now sees the name masked.
    """
    with ctx.db.read() as session:
        order = find_own_order(session, user_id, out_trade_no)
        is_bound = order.enrolment.wechat_user_id == user_id
        receipt = read_receipt(session, ctx, order, is_masked=not is_bound)
    return draw(receipt)


def make_receipt(ctx: Context, viewer: Viewer, out_trade_no: str) -> bytes:
    """Return the receipt for somebody who comes in person; raises NotFound, ReceiptNotReady."""
    with ctx.db.write() as session:
        order = find_order(session, viewer, out_trade_no)
        receipt = read_receipt(session, ctx, order)
        record_audit(
            session,
            viewer,
            "payment.receipt",
            at=ctx.now(),
            subject_kind="order",
            subject_id=order.id,
            商户订单号=out_trade_no,
        )
    return draw(receipt)


def read_receipt(
    session: Session, ctx: Context, order: Order, *, is_masked: bool = False
) -> Receipt:
    """Return what the receipt of a paid order says; raises ReceiptNotReady."""
    if order.state not in HAS_MONEY or order.transaction_id is None or order.paid_at is None:
        raise ReceiptNotReady
    refunds = session.execute(
        select(Refund.finished_at, Refund.amount_fen)
        .where(
            Refund.order_id == order.id,
            Refund.state == RefundState.SUCCESS,
            Refund.quarantined_payment_id.is_(None),
        )
        .order_by(Refund.id)
    ).all()
    name = order.enrolment.name
    return Receipt(
        institution=session.get_one(Institution, order.institution_id).name,
        payer=mask_name(name) if is_masked else name,
        student_no=order.enrolment.student_no,
        description=order.description,
        amount_fen=order.amount_fen,
        out_trade_no=order.out_trade_no,
        transaction_id=order.transaction_id,
        paid_at=order.paid_at,
        refunds=tuple((at, amount_fen) for at, amount_fen in refunds),
        made_at=ctx.now(),
    )


def draw(receipt: Receipt) -> bytes:
    """Return a receipt as a PDF of one page, A5."""
    # Not above: most of what the web process does needs no drawing.
    from server.services.prints.sheet import Pages

    page = Pages(PAGE_MM, "收据")
    page.write("收据", (PAGE_MM[0] / 2, 28.0), 20, widest_mm=WIDE_MM, is_centred=True)
    top = 44.0
    for label, value in receipt.list_lines():
        page.write(label, (LEFT_MM, top), 10.5, widest_mm=VALUE_MM - LEFT_MM)
        page.write(value, (VALUE_MM, top), 10.5, widest_mm=WIDE_MM)
        page.draw_line((LEFT_MM, top + 3, PAGE_MM[0] - LEFT_MM, top + 3))
        top += LINE_MM
    width = PAGE_MM[0] - 2 * LEFT_MM
    page.write(f"开具时间 {_show(receipt.made_at)}", (LEFT_MM, top + 8), 9, widest_mm=width)
    page.write(NOTE, (LEFT_MM, top + 15), 9, widest_mm=width)
    return page.finish()


def _show(moment: dt.datetime) -> str:
    local = to_local(moment)
    return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M:%S}"
