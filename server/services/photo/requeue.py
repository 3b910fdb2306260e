"""Asks for verdicts, and asks again where the message was lost."""

from __future__ import annotations

import uuid

import structlog
from sqlalchemy import select

from models import Photo
from server.context import Context
from server.gateways.queue import QueueUnavailable
from server.services.photo.check import begin_of_lease, is_free_to_check

log = structlog.get_logger()


def _list_unqueued(ctx: Context, queued_count: int) -> list[uuid.UUID]:
    """Return as many waiting photos as the queue, which holds ``queued_count``, has too few."""
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(Photo.id)
                .where(is_free_to_check(Photo, begin_of_lease(ctx)))
                .order_by(Photo.submitted_at, Photo.id)
                .offset(queued_count)
                .limit(ctx.settings.queue_limit)
            )
        )


def enqueue_check(ctx: Context, photo_id: uuid.UUID) -> None:
    """Ask for the verdict; when the queue is away the sweeper asks later."""
    try:
        ctx.queue.enqueue_photo(photo_id)
    except QueueUnavailable as error:
        log.warning("queue_unavailable", photo_id=str(photo_id), kind=str(error))


def requeue_unchecked_photos(ctx: Context) -> int:
    """Top the queue up to one message for each waiting photo; returns how many were missing.

    Messages go missing with a killed worker, a lost queue file or a flushed Redis.
    """
    try:
        queued_count = ctx.queue.count_waiting()
    except QueueUnavailable:
        return 0
    photo_ids = _list_unqueued(ctx, queued_count)
    for photo_id in photo_ids:
        enqueue_check(ctx, photo_id)
    return len(photo_ids)
