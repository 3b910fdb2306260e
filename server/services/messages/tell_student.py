"""What a decision tells the student: one message beside the change, in its transaction."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from models import Batch, Enrolment, OutboxMessage, Review
from server.gateways.clock import to_local
from server.services.rejection_reasons import describe_reasons
from server.services.send_messages import PENDING, queue_message


def tell_collected(session: Session, enrolment: Enrolment, review: Review, batch: Batch) -> None:
    """Write the message that the photo is collected and locked."""
    _tell(
        session,
        enrolment,
        review,
        "photo_collected",
        {"thing1": "已采集(锁定)", "date2": batch.label},
        review.at,
    )


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


def hold_until(session: Session, review: Review, moment: dt.datetime) -> None:
    """Keep the decision's message back until the decision can no longer be undone."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.dedupe_key.in_(_keys(review)))
        .values(next_attempt_at=moment)
    )


def take_back(session: Session, review: Review) -> None:
    """Delete the message of an undone decision; it has not been sent yet."""
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.dedupe_key.in_(_keys(review)), OutboxMessage.state == PENDING
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
