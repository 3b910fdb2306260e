"""Reminders of the cut-off to students who are missing, where they have allowed a message."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from models import REGISTERED, Enrolment, MessageAllowance
from server.context import Context
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.batches import find_target_batch
from server.services.list_students import MISSING, StudentFilter, list_conditions
from server.services.send_messages import queue_message
from server.services.staff_viewer import Viewer

TEMPLATE = "deadline_near"
REMINDED_AT_ONCE = 500


@dataclass(frozen=True)
class Reminded:
    """How many messages were written now, and how many had been written today before."""

    new: int
    before: int


def count_remindable(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> int:
    """Return how many of the missing have allowed a reminder (at most REMINDED_AT_ONCE)."""
    return len(_list_remindable(ctx, viewer, wanted))


def remind_missing(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> Reminded:
    """Write one reminder a day for each missing student who allowed one. Owns its transaction."""
    now = ctx.now()
    today = to_local(now).date().isoformat()
    ids = _list_remindable(ctx, viewer, wanted)
    new = 0
    with ctx.db.write() as session:
        for enrolment in session.scalars(
            select(Enrolment).where(
                Enrolment.id.in_(ids),
                Enrolment.collection_status.in_(MISSING),
                Enrolment.register_status == REGISTERED,
            )
        ).all():
            batch = find_target_batch(session, enrolment, now)
            if enrolment.wechat_user_id is None or batch is None:
                continue
            new += queue_message(
                session,
                user_id=enrolment.wechat_user_id,
                enrolment_id=enrolment.id,
                template=TEMPLATE,
                fact=f"{enrolment.id}:{today}",
                fields={
                    "thing1": enrolment.collection_status.label,
                    "time2": to_local(batch.cutoff_at).strftime("%Y-%m-%d %H:%M"),
                },
                at=now,
            )
        record_audit(session, viewer, "students.remind", at=now, count=new)
    return Reminded(new=new, before=len(ids) - new)


def _list_remindable(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> list[uuid.UUID]:
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(Enrolment.id)
                .join(MessageAllowance, MessageAllowance.user_id == Enrolment.wechat_user_id)
                .where(
                    *list_conditions(session, viewer, wanted),
                    MessageAllowance.template == TEMPLATE,
                    MessageAllowance.remaining > 0,
                )
                .limit(REMINDED_AT_ONCE)
            )
        )
