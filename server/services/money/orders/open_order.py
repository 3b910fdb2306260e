"""Opens the order for one enrolment's fee, or returns the one that is already open.

The order with its number, amount and expiry is committed before WeChat is asked, so every retry,
after a hanging gateway or a crash, asks for exactly the same order.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import (
    REGISTERED,
    CollectionStatus,
    Enrolment,
    FeatureCode,
    Order,
    OrderState,
    WechatUser,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.pay import PrepayRequest
from server.gateways.transport import GatewayError, GatewayRefused, time_budget
from server.services.collection import has_passing_photo, lock_enrolment
from server.services.money.fee import is_money_held
from server.services.money.numbers import make_out_trade_no
from server.services.money.orders.query_order import (
    QUICK_POLL,
    DueOrder,
    ask_and_apply,
    note_question,
    refresh_order,
)

log = structlog.get_logger()

ORDER_LIFETIME = dt.timedelta(hours=1)  # below the two hours for which a prepay_id lives
REMOTE_BUDGET_S = 7.0  # for all calls to WeChat of one request; the student is promised 10 s
DESCRIPTION = "毕业生图像采集费"


class OrderRefused(CaijiError):
    """No order can be opened for this enrolment now."""

    code = "order_refused"
    status = 409
    message = "当前不能缴费"


class AlreadyPaid(OrderRefused):
    """The fee is settled."""

    code = "already_paid"
    message = "费用已缴清，无需再次支付"


class NothingToPay(OrderRefused):
    """The school pays: there is no order of 0 fen."""

    code = "nothing_to_pay"
    message = "本次采集免费，无需缴费"


class CodeDisabled(OrderRefused):
    """The college has switched the student's feature code off."""

    code = "feature_code_disabled"
    message = "特征码已停用，请使用学校通知中的新特征码重新核验"


class PhotoNotPassed(OrderRefused):
    """Nobody pays for a photo that cannot pass."""

    code = "photo_not_passed"
    message = "照片通过检测后才能缴费"


class NotEligible(OrderRefused):
    """Not registered any more, or already collected."""

    code = "not_eligible"
    message = "当前学籍状态或采集情况不能缴费"


class PaymentUnderReview(OrderRefused):
    """A payment for this enrolment is in quarantine: paying again would make it worse."""

    code = "payment_under_review"
    message = "有一笔付款正在核实，请勿重复支付"


class PaymentUnavailable(CaijiError):
    """WeChat Pay does not answer, or not in a way that we believe."""

    code = "payment_unavailable"
    status = 503
    message = "微信支付暂时没有响应，请稍后再试"


@dataclass(frozen=True, slots=True)
class OpenedOrder:
    """An open order and the arguments of wx.requestPayment."""

    order: Order
    payment: dict[str, str]


def open_order(ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID) -> OpenedOrder:
    """Return the open order of the user's enrolment, ready to be paid.

    Raises:
        NotFound: not this user's enrolment.
        OrderRefused: with the reason.
        PaymentUnavailable: the order is kept; the next try asks for the same one.
    """
    order, fee_fen = _find_or_create(ctx, user_id, enrolment_id)
    with time_budget(REMOTE_BUDGET_S):
        if order.expires_at <= ctx.now() or order.amount_fen != fee_fen:
            order = replace(ctx, order, user_id)
        prepay_id = order.prepay_id or _fetch_prepay_id(ctx, order)
    return OpenedOrder(order, ctx.pay.payment_parameters(prepay_id, ctx.now()))


def replace(ctx: Context, order: Order, user_id: uuid.UUID) -> Order:
    """Close an order whose time or fee is over, unless it turns out to be paid; open the next."""
    note_question(ctx, order.id)
    due = DueOrder(order.id, order.out_trade_no, order.expires_at, is_needless=True)
    try:
        ask_and_apply(ctx, due)
    except GatewayError as error:
        log.warning("order_not_replaced", out_trade_no=order.out_trade_no, reason=str(error))
        raise PaymentUnavailable(retry_after_s=3) from None
    fresh, fee_fen = _find_or_create(ctx, user_id, order.enrolment_id)
    if fresh.id == order.id or fresh.amount_fen != fee_fen:
        raise PaymentUnavailable(retry_after_s=3)
    return fresh


def _find_or_create(ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID) -> tuple[Order, int]:
    """Return the committed open order and the fee of today. Two requests at once get the same."""
    try:
        with ctx.db.write() as session:
            return _find_or_create_in(session, ctx, user_id, enrolment_id)
    except IntegrityError:
        # another process was faster; the unique index on open orders made ours impossible
        with ctx.db.write() as session:
            return _find_or_create_in(session, ctx, user_id, enrolment_id)


def _find_or_create_in(
    session: Session, ctx: Context, user_id: uuid.UUID, enrolment_id: uuid.UUID
) -> tuple[Order, int]:
    """Check everything on the locked enrolment and return its open order, making one if needed."""
    enrolment = lock_enrolment(session, enrolment_id)
    if enrolment is None or enrolment.wechat_user_id != user_id:
        raise NotFound
    code = session.get(FeatureCode, enrolment.feature_code_id)
    if code is None:
        raise NotFound
    _check_may_pay(session, enrolment, code)
    existing = session.scalar(
        select(Order).where(Order.enrolment_id == enrolment.id, Order.state == OrderState.OPEN)
    )
    if existing is not None:
        return existing, code.fee_fen
    order = make_order(enrolment, code, user_id, ctx)
    session.add(order)
    session.flush()
    log.info("order_opened", out_trade_no=order.out_trade_no)
    return order, code.fee_fen


def _check_may_pay(session: Session, enrolment: Enrolment, code: FeatureCode) -> None:
    """Raise the reason why this enrolment cannot be paid for now."""
    if enrolment.fee_settled_at is not None:
        raise AlreadyPaid
    if (
        enrolment.register_status != REGISTERED
        or enrolment.collection_status is CollectionStatus.COLLECTED
    ):
        raise NotEligible
    if not code.is_enabled:
        raise CodeDisabled
    if code.fee_fen == 0:
        raise NothingToPay
    if not code.pay_first and not has_passing_photo(enrolment):
        raise PhotoNotPassed
    if is_money_held(session, enrolment.id):
        raise PaymentUnderReview


def make_order(enrolment: Enrolment, code: FeatureCode, user_id: uuid.UUID, ctx: Context) -> Order:
    """Return a new order with everything that a retry must repeat."""
    now = ctx.now()
    return Order(
        institution_id=enrolment.institution_id,
        enrolment_id=enrolment.id,
        user_id=user_id,
        out_trade_no=make_out_trade_no(ctx.settings.pay_number_prefix, now),
        description=DESCRIPTION,
        amount_fen=code.fee_fen,
        state=OrderState.OPEN,
        pay_version=ctx.pay.version,
        sign_type=ctx.settings.pay_v2_sign_type if ctx.pay.version == "v2" else "RSA",
        # WeChat's times have whole seconds: a fraction would make the retry another order
        expires_at=(now + ORDER_LIFETIME).replace(microsecond=0),
        next_query_at=now + QUICK_POLL,
        created_at=now,
    )


def _fetch_prepay_id(ctx: Context, order: Order) -> str:
    """Ask WeChat for the prepay_id and keep it; the order itself is already committed."""
    try:
        prepay_id = ctx.pay.prepay(_make_prepay_request(ctx, order))
    except GatewayRefused as refusal:
        log.warning("prepay_refused", out_trade_no=order.out_trade_no, code=refusal.code)
        # our books may be behind: paid or closed without our knowing
        refresh_order(ctx, order.id)
        raise PaymentUnavailable(retry_after_s=3) from None
    except GatewayError as error:
        log.warning("prepay_failed", out_trade_no=order.out_trade_no, reason=str(error))
        raise PaymentUnavailable(retry_after_s=3) from None
    _keep_prepay_id(ctx, order, prepay_id)
    return prepay_id


def _make_prepay_request(ctx: Context, order: Order) -> PrepayRequest:
    """Rebuild the request from the row, equal at every try."""
    with ctx.db.read() as session:
        user = session.get_one(WechatUser, order.user_id)
        openid = user.decrypt_openid(ctx.cipher)
    return PrepayRequest(
        out_trade_no=order.out_trade_no,
        description=order.description,
        amount_fen=order.amount_fen,
        payer_openid=openid,
        time_expire=order.expires_at,
    )


def _keep_prepay_id(ctx: Context, order: Order, prepay_id: str) -> None:
    """Remember the prepay_id; it outlives the order, so it needs no second date."""
    with ctx.db.write() as session:
        session.execute(
            update(Order)
            .where(Order.id == order.id, Order.state == OrderState.OPEN)
            .values(prepay_id=prepay_id, prepay_expires_at=order.expires_at)
            .execution_options(synchronize_session=False)
        )
