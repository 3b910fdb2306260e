"""What a decision tells the student: one message beside the change, in its transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from models import (
    Batch,
    ChsiOutcome,
    ChsiResult,
    DataRequest,
    Enrolment,
    OutboxMessage,
    RefundRequest,
    Review,
)
from server.gateways.clock import to_local
from server.services.messages.outbox import PENDING, queue_message
from server.services.messages.reasons import describe_reasons

COLLECTED = "已采集(锁定)"


def tell_collected(session: Session, enrolment: Enrolment, review: Review, batch: Batch) -> None:
    """Write the message that the photo is collected and locked."""
    _tell(
        session,
        enrolment,
        review,
        "photo_collected",
        {"thing1": COLLECTED, "date2": batch.label},
        review.at,
    )


def tell_collected_many(
    session: Session,
    collected: Sequence[tuple[Enrolment, uuid.UUID, Batch]],
    *,
    at: dt.datetime,
    send_at: dt.datetime,
) -> None:
    """Write the messages of fresh reviews (enrolment, review, batch) with one statement."""
    values = [
        {
            "dedupe_key": f"photo_collected:{review_id}",
            "user_id": enrolment.wechat_user_id,
            "enrolment_id": enrolment.id,
            "template": "photo_collected",
            "fields": {"thing1": COLLECTED, "date2": batch.label},
            "state": PENDING,
            "next_attempt_at": send_at,
            "created_at": at,
        }
        for enrolment, review_id, batch in collected
        if enrolment.wechat_user_id is not None
    ]
    if values:
        session.execute(insert(OutboxMessage), values)


def tell_rejected(
    session: Session, enrolment: Enrolment, review: Review, *, at: dt.datetime
) -> None:
    """Write the message that a new photo is needed, and why."""
    reasons = describe_reasons(review.reason_codes, review.note)
    fields = {
        "thing1": "需重新上传",
        "thing2": reasons[:20] or "请重新拍摄",
        "time3": to_local(at).strftime("%Y-%m-%d %H:%M"),
    }
    _tell(session, enrolment, review, "photo_rejected", fields, at)


def tell_request(session: Session, request: DataRequest, *, at: dt.datetime) -> None:
    """Write the message that a request about the own data was decided."""
    if request.user_id is None:
        return
    queue_message(
        session,
        user_id=request.user_id,
        enrolment_id=request.enrolment_id,
        template="data_request",
        fact=f"{request.id}:{request.state.value}",
        fields={
            "thing1": f"{request.kind.label}申请",
            "thing2": request.state.label,
            "time3": to_local(at).strftime("%Y-%m-%d %H:%M"),
        },
        at=at,
    )


def tell_refund_answer(session: Session, request: RefundRequest, *, at: dt.datetime) -> None:
    """Write the message that finance has answered a request for the fee."""
    queue_message(
        session,
        user_id=request.user_id,
        enrolment_id=request.enrolment_id,
        template="data_request",
        fact=f"{request.id}:{request.state.value}",
        fields={
            "thing1": "退款申请",
            "thing2": request.state.label,
            "time3": to_local(at).strftime("%Y-%m-%d %H:%M"),
        },
        at=at,
    )


def tell_chsi_result(session: Session, enrolment: Enrolment, result: ChsiResult) -> None:
    """Write the message that the photo has come further, or that a new one may be needed."""
    is_wrong = result.outcome is ChsiOutcome.WRONG
    day = result.day.isoformat()
    fields = {"thing1": result.outcome.label, "date2": day}
    if is_wrong:
        fields = {"thing1": result.outcome.label, "thing2": "请联系学校", "time3": f"{day} 00:00"}
    if enrolment.wechat_user_id is not None:
        queue_message(
            session,
            user_id=enrolment.wechat_user_id,
            enrolment_id=enrolment.id,
            template="photo_rejected" if is_wrong else "photo_collected",
            fact=f"chsi {result.id}",
            fields=fields,
            at=result.at,
        )


def hold_until(session: Session, review: Review, moment: dt.datetime) -> None:
    """Keep the decision's message back until the decision can no longer be undone."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.dedupe_key.in_(_keys(review)))
        .values(next_attempt_at=moment)
    )


def take_back(session: Session, *reviews: Review) -> None:
    """Delete the messages of undone decisions; they have not been sent yet."""
    keys = [key for review in reviews for key in _keys(review)]
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.dedupe_key.in_(keys), OutboxMessage.state == PENDING
        )
    )


def _tell(
    session: Session,
    enrolment: Enrolment,
    review: Review,
    template: str,
    fields: dict[str, str],
    at: dt.datetime,
) -> None:
    if enrolment.wechat_user_id is None:
        return
    queue_message(
        session,
        user_id=enrolment.wechat_user_id,
        enrolment_id=enrolment.id,
        template=template,
        fact=str(review.id),
        fields=fields,
        at=at,
    )


def _keys(review: Review) -> list[str]:
    return [f"{template}:{review.id}" for template in ("photo_collected", "photo_rejected")]
