"""Closing a batch: from then on photos belong to the next one."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from models import Batch
from server.context import Context
from server.errors import CaijiError
from server.services.college.set_up import find_institution
from server.services.moment import whole_second


class BatchUnknown(CaijiError):
    """The institution has no batch of this date."""

    code = "batch_unknown"
    status = 404
    message = "没有这个批次"


class BatchStillOpen(CaijiError):
    """The cut-off has not passed: students still count on it."""

    code = "batch_still_open"
    status = 409
    message = "截止时间还没有到，不能关闭这个批次"


def close_batch(ctx: Context, *, institution: str | None, date: dt.date) -> None:
    """Close a batch whose cut-off has passed. Closing it again changes nothing.

    Raises:
        InstitutionUnknown, BatchUnknown, BatchStillOpen.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        owner = find_institution(session, institution)
        batch = session.scalars(
            select(Batch)
            .where(Batch.institution_id == owner.id, Batch.date == date)
            .with_for_update()
        ).one_or_none()
        if batch is None:
            raise BatchUnknown
        if whole_second(now) <= batch.cutoff_at:
            raise BatchStillOpen
        batch.closed_at = batch.closed_at or now
