"""How long each state may last, who ends it, and what tells when nobody did.

One table for ``flask check``, the metric ``caiji_states_overdue`` and docs/limits.md. A state of
the models that is neither here nor among those that are final or wait for people fails a test.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from models import (
    BackgroundJob,
    CutState,
    Order,
    OrderState,
    OutboxMessage,
    PaymentNotice,
    Photo,
    PhotoState,
    ProfilePhoto,
    Refund,
    RefundState,
    SmsMessage,
)
from server.services.upkeep.audit_chain import select_overdue

JOB_RUNNER = "run_jobs"
"""The worker's thread that takes up queued and lost jobs."""


PHOTO_CUTTER = "cut_photos"
"""The worker's thread that cuts the pictures of photo profiles."""


@dataclass(frozen=True)
class StateLimit:
    """One state that must not last.

    Attributes:
        state: the noun and its state, ``photo.received``.
        problem: what ``flask check`` calls a row beyond the limit.
        limit: from its beginning; far beyond what the sweeper needs.
        sweeper: who ends it.
        select_overdue: the ids of rows that began before a moment and still last.
    """

    state: str
    problem: str
    limit: dt.timedelta
    sweeper: str
    select_overdue: Callable[[dt.datetime], Select[uuid.UUID]]


LIMITS = (
    StateLimit(
        "photo.received",
        "photo_waits_too_long",
        dt.timedelta(minutes=5),
        "requeue_unchecked_photos",
        lambda before: select(Photo.id).where(
            Photo.state == PhotoState.RECEIVED, Photo.submitted_at < before
        ),
    ),
    StateLimit(
        "cut.waiting",
        "cut_waits_too_long",
        dt.timedelta(hours=6),
        PHOTO_CUTTER,
        lambda before: select(ProfilePhoto.id).where(
            ProfilePhoto.state == CutState.WAITING, ProfilePhoto.requested_at < before
        ),
    ),
    StateLimit(
        "order.open",
        "order_open_too_long",
        dt.timedelta(hours=3),
        "poll_due_orders",
        lambda before: select(Order.id).where(
            Order.state == OrderState.OPEN, Order.created_at < before
        ),
    ),
    StateLimit(
        "refund.requested",
        "refund_not_submitted",
        dt.timedelta(days=1),
        "poll_due_refunds",
        lambda before: select(Refund.id).where(
            Refund.state == RefundState.REQUESTED, Refund.requested_at < before
        ),
    ),
    StateLimit(
        "refund.processing",
        "refund_runs_too_long",
        dt.timedelta(days=3),
        "poll_due_refunds",
        lambda before: select(Refund.id).where(
            Refund.state == RefundState.PROCESSING, Refund.requested_at < before
        ),
    ),
    StateLimit(
        "notice.undecided",
        "notice_not_handled",
        dt.timedelta(minutes=5),
        "decide_kept_notices",
        lambda before: select(PaymentNotice.id).where(
            PaymentNotice.is_verified.is_(True),
            PaymentNotice.handled_at.is_(None),
            PaymentNotice.received_at < before,
        ),
    ),
    StateLimit(
        "message.pending",
        "message_waits_too_long",
        dt.timedelta(hours=12),
        "send_due_messages",
        lambda before: select(OutboxMessage.id).where(
            OutboxMessage.state == "pending", OutboxMessage.created_at < before
        ),
    ),
    StateLimit(
        "sms.pending",
        "sms_waits_too_long",
        dt.timedelta(hours=24),
        "send_due_sms",
        lambda before: select(SmsMessage.id).where(
            SmsMessage.state == "pending", SmsMessage.created_at < before
        ),
    ),
    StateLimit(
        "job.queued",
        "job_not_started",
        dt.timedelta(hours=1),
        JOB_RUNNER,
        lambda before: select(BackgroundJob.id).where(
            BackgroundJob.state == "queued", BackgroundJob.created_at < before
        ),
    ),
    StateLimit(
        "job.running",
        "job_without_progress",
        dt.timedelta(minutes=10),
        JOB_RUNNER,
        lambda before: select(BackgroundJob.id).where(
            BackgroundJob.state == "running", BackgroundJob.progressed_at < before
        ),
    ),
    StateLimit(
        "audit.unsealed", "audit_not_sealed", dt.timedelta(minutes=10), "seal_audit", select_overdue
    ),
)

WAITS_FOR_PEOPLE = {
    "photo.checked": "caiji_photos_to_review",
    "order.quarantined": "caiji_payments_quarantined",
    "order.refunding": "caiji_states_overdue",
    "refund.abnormal": "caiji_refunds_abnormal",
}
"""States that a person ends, or that end with another one, and the metric that shows them."""

FINAL = {
    *("cut.made", "cut.refused"),
    *("photo.withdrawn", "photo.superseded", "photo.rejected", "photo.approved"),
    *("order.paid", "order.closed", "order.refunded", "order.partly_refunded"),
    *("refund.success", "refund.closed"),
    *("message.sent", "message.refused", "message.failed"),
    *("sms.sent", "sms.refused", "sms.failed"),
    *("job.done", "job.failed", "job.cancelled"),
}


def count_overdue(session: Session, limit: StateLimit, now: dt.datetime) -> int:
    """Return how many rows are beyond this limit."""
    overdue = limit.select_overdue(now - limit.limit).subquery()
    return session.scalar(select(func.count()).select_from(overdue)) or 0
