"""Reminders of the cut-off to students who are missing: in WeChat where allowed, else by SMS."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from models import (
    REGISTERED,
    Enrolment,
    Institution,
    MessageAllowance,
    OutboxMessage,
    SmsMessage,
)
from server.context import Context
from server.gateways.clock import find_day_start, to_local
from server.services.audit import record_audit
from server.services.college.batches import find_target_batch
from server.services.college.windows import find_cutoff
from server.services.messages.outbox import queue_message
from server.services.messages.sms import find_quiet_end
from server.services.overview.list_students import MISSING, StudentFilter, list_conditions
from server.services.overview.missing import TEMPLATE
from server.services.viewer import Viewer
from server.upsert import insert_once

REMINDED_AT_ONCE = 500


@dataclass(frozen=True)
class Reach:
    """How many of the matches can be reminded now, and why the others cannot.

    ``waiting`` counts messages in WeChat, ``sms`` text messages, ``before`` those reminded today.
    """

    waiting: int
    sms: int
    before: int
    unreachable: int
    is_sms_on: bool

    @property
    def can_remind(self) -> int:
        """How many one or more clicks will reach."""
        return self.waiting + self.sms


@dataclass(frozen=True)
class Reminded:
    """How many messages were written now, and how many students are left for the next click."""

    new: int
    sms: int
    left: int
    is_quiet: bool
    """SMS wait for the end of the quiet hours."""


def count_reach(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> Reach:
    """Return who of the missing can be reached today."""
    today = _today(ctx)
    with ctx.db.read() as session:
        conditions = list_conditions(session, viewer, wanted, ctx.now())

        def count(*more: ColumnElement[bool]) -> int:
            query = select(func.count()).select_from(Enrolment).where(*conditions, *more)
            return session.scalar(query) or 0

        everybody = count()
        before = count(_is_reminded(today))
        waiting = count(_may_message(), ~_is_reminded(today))
        sms = count(_needs_sms(), ~_is_reminded(today)) if ctx.sms.is_on else 0
    return Reach(waiting, sms, before, everybody - before - waiting - sms, ctx.sms.is_on)


def remind_missing(
    ctx: Context, viewer: Viewer, wanted: StudentFilter, *, at_once: int = REMINDED_AT_ONCE
) -> Reminded:
    """Write one reminder a day for each missing student who can be reached.

    At most ``at_once`` at a time, those not yet reminded today: the next click reaches the
    rest. Owns its transaction.
    """
    now, today = ctx.now(), _today(ctx)
    new = sms = 0
    with ctx.db.write() as session:
        messages = _pick(session, viewer, wanted, now, _may_message(), at_once)
        for enrolment in messages:
            new += _remind_in_wechat(session, enrolment, today, now)
        if ctx.sms.is_on:
            room = at_once - len(messages)
            texts = _pick(session, viewer, wanted, now, _needs_sms(), room)
            send_at = find_quiet_end(ctx, now) or now
            for enrolment in texts:
                sms += _remind_by_sms(session, enrolment, today, now, send_at)
        record_audit(session, viewer, "students.remind", at=now, count=new, sms=sms)
    left = count_reach(ctx, viewer, wanted).can_remind
    return Reminded(new, sms, left, is_quiet=find_quiet_end(ctx, now) is not None)


def _today(ctx: Context) -> str:
    return to_local(ctx.now()).date().isoformat()


def _pick(
    session: Session,
    viewer: Viewer,
    wanted: StudentFilter,
    now: dt.datetime,
    how: ColumnElement[bool],
    most: int,
) -> list[Enrolment]:
    query: Select[Enrolment] = (
        select(Enrolment)
        .where(
            *list_conditions(session, viewer, wanted, now),
            Enrolment.collection_status.in_(MISSING),
            Enrolment.register_status == REGISTERED,
            how,
            ~_is_reminded(to_local(now).date().isoformat()),
        )
        .order_by(Enrolment.student_no)
        .limit(most)
    )
    return list(session.scalars(query))


def _may_message() -> ColumnElement[bool]:
    return exists().where(
        MessageAllowance.user_id == Enrolment.wechat_user_id,
        MessageAllowance.template == TEMPLATE,
        MessageAllowance.remaining > 0,
    )


def _needs_sms() -> ColumnElement[bool]:
    return and_(Enrolment.phone_encrypted.is_not(None), ~_may_message())


def _is_reminded(today: str) -> ColumnElement[bool]:
    """Return the condition that a reminder was written today, in WeChat or by SMS."""
    start = find_day_start(dt.date.fromisoformat(today))
    return exists().where(
        OutboxMessage.enrolment_id == Enrolment.id,
        OutboxMessage.template == TEMPLATE,
        OutboxMessage.created_at >= start,
    ) | exists().where(SmsMessage.enrolment_id == Enrolment.id, SmsMessage.created_at >= start)


def _remind_in_wechat(session: Session, enrolment: Enrolment, today: str, now: dt.datetime) -> bool:
    batch = find_target_batch(session, enrolment, now)
    if enrolment.wechat_user_id is None or batch is None:
        return False
    return queue_message(
        session,
        user_id=enrolment.wechat_user_id,
        enrolment_id=enrolment.id,
        template=TEMPLATE,
        fact=f"{enrolment.id}:{today}",
        fields={
            "thing1": enrolment.collection_status.label,
            "time2": to_local(find_cutoff(batch, enrolment)).strftime("%Y-%m-%d %H:%M"),
        },
        at=now,
    )


def _remind_by_sms(
    session: Session, enrolment: Enrolment, today: str, now: dt.datetime, send_at: dt.datetime
) -> bool:
    batch = find_target_batch(session, enrolment, now)
    if batch is None:
        return False
    last_at = find_cutoff(batch, enrolment)
    row_id: uuid.UUID | None = insert_once(
        session,
        SmsMessage,
        key="dedupe_key",
        values={
            "dedupe_key": f"{TEMPLATE}:{enrolment.id}:{today}",
            "enrolment_id": enrolment.id,
            "text": _write_sms(session.get_one(Institution, enrolment.institution_id), last_at),
            "state": "pending",
            "attempts": 0,
            "next_attempt_at": send_at,
            "last_error": "",
            "created_at": now,
        },
    )
    return row_id is not None


def _write_sms(institution: Institution, last_at: dt.datetime) -> str:
    """Return the text: no name, no 学号, nothing that a stranger with this number could use."""
    cutoff = to_local(last_at)
    asked = f"咨询{institution.contact_phone}。" if institution.contact_phone else ""
    return (
        f"【{institution.name}】毕业照片还没有采集完成，本批次{cutoff.month}月{cutoff.day}日"
        f"{cutoff:%H:%M}截止。请打开微信小程序“高校图像信息采集”办理。{asked}"
    )[:300]
