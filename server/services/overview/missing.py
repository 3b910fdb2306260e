"""Who is missing and why, when they were last seen, and how they can be reached."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from models import (
    Batch,
    Enrolment,
    FeatureCode,
    Institution,
    MessageAllowance,
    Photo,
    Review,
    Verdict,
)
from server.context import Context
from server.gateways.clock import to_local
from server.services.college.contact import read_contact
from server.services.college.windows import describe_windows
from server.services.messages.reasons import describe_reasons
from server.services.overview.list_students import (
    StudentFilter,
    StudentRow,
    list_conditions,
    list_students,
)
from server.services.overview.why_missing import Why, why_column
from server.services.paging import Page
from server.services.viewer import Viewer

TEMPLATE = "deadline_near"


@dataclass(frozen=True)
class MissingRow:
    """One missing student. ``last_reason`` is what the last check or reviewer said."""

    student: StudentRow
    why: Why
    class_name: str
    failed_checks: int
    last_reason: str
    last_active_at: dt.datetime | None
    has_phone: bool
    may_message: bool
    """One reminder in WeChat is allowed."""

    @property
    def reach(self) -> str:
        """How the student can be reached, or why not."""
        if self.may_message:
            return "微信"
        why_not = "没有绑定微信" if self.why is Why.NEVER_SIGNED_IN else "没有允许提醒"
        return "手机" if self.has_phone else f"{why_not}，没有手机号"


def list_missing(
    ctx: Context, viewer: Viewer, wanted: StudentFilter
) -> tuple[Page[StudentRow, str], list[MissingRow]]:
    """Return one page of the missing, with the reasons."""
    page = list_students(ctx, viewer, wanted)
    with ctx.db.read() as session:
        return page, _describe(session, page.rows)


def stream_missing(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> Iterator[MissingRow]:
    """Yield every match, a page at a time."""
    while True:
        page, rows = list_missing(ctx, viewer, wanted)
        yield from rows
        if not page.after:
            return
        wanted = dataclasses.replace(wanted, after=page.after, before="")


def count_reasons(ctx: Context, viewer: Viewer, wanted: StudentFilter) -> Counter[Why]:
    """Return how many of the matches are missing for which reason."""
    why = why_column().label("why")
    with ctx.db.read() as session:
        matches = select(why).where(*list_conditions(session, viewer, wanted, ctx.now())).subquery()
        rows = session.execute(select(matches.c.why, func.count()).group_by(matches.c.why))
        return Counter({Why(value): count for value, count in rows})


def list_classes(ctx: Context, viewer: Viewer) -> list[str]:
    """Return the classes of the viewer's missing students."""
    with ctx.db.read() as session:
        conditions = list_conditions(session, viewer, StudentFilter(only_missing=True), ctx.now())
        return sorted(
            session.scalars(
                select(Enrolment.class_name)
                .where(*conditions, Enrolment.class_name != "")
                .distinct()
            )
        )


def write_group_text(
    ctx: Context, viewer: Viewer, wanted: StudentFilter, counts: Counter[Why]
) -> str:
    """Return a text to paste into a class group: how many and what to do, no name and no 学号."""
    if not counts.total():
        return ""
    now = ctx.now()
    with ctx.db.read() as session:
        institution = session.get_one(Institution, viewer.institution_id)
        contact = read_contact(institution)
        batch = session.scalars(
            select(Batch)
            .where(
                Batch.institution_id == viewer.institution_id,
                Batch.cutoff_at >= now,
                Batch.closed_at.is_(None),
            )
            .order_by(Batch.cutoff_at)
            .limit(1)
        ).first()
        earlier = describe_windows(session, batch, viewer.centre_ids, now) if batch else []
        codes = session.scalars(
            select(FeatureCode.code)
            .where(
                FeatureCode.institution_id == viewer.institution_id,
                FeatureCode.is_enabled.is_(True),
            )
            .limit(2)
        ).all()
    who = wanted.class_name or viewer.centre_name or contact.institution
    parts = "，".join(f"{why.label} {counts[why]} 人" for why in Why if counts[why])
    lines = [f"【毕业照片采集提醒】{who}还有 {counts.total()} 名同学没有完成：{parts}。"]
    if batch is not None:
        cutoff = to_local(batch.cutoff_at)
        lines.append(
            f"本批次截止 {cutoff.year}年{cutoff.month}月{cutoff.day}日 {cutoff:%H:%M}，"
            "错过将顺延到下一批次。"
        )
    for group, last_at in earlier:
        last = to_local(last_at)
        lines.append(
            f"其中{group}的同学截止 {last.year}年{last.month}月{last.day}日 {last:%H:%M}。"
        )
    # Several codes: the notice of each programme names its own.
    entrance = f"，输入特征码 {codes[0]}" if len(codes) == 1 else ""
    lines.append(f"请打开微信小程序“高校图像信息采集”{entrance}，按提示拍照、缴费。")
    lines.append(f"{contact.text}。")
    return "\n".join(lines)


def _describe(session: Session, rows: Sequence[StudentRow]) -> list[MissingRow]:
    ids = [row.id for row in rows]
    facts: dict[uuid.UUID, Any] = {
        row.id: row
        for row in session.execute(
            select(
                Enrolment.id,
                Enrolment.class_name,
                Enrolment.bound_at,
                Enrolment.phone_encrypted.is_not(None).label("has_phone"),
                MessageAllowance.remaining,
                why_column().label("why"),
            )
            .join(
                MessageAllowance,
                and_(
                    MessageAllowance.user_id == Enrolment.wechat_user_id,
                    MessageAllowance.template == TEMPLATE,
                ),
                isouter=True,
            )
            .where(Enrolment.id.in_(ids))
        )
    }
    photos: dict[uuid.UUID, list[Any]] = {}
    for photo in session.execute(
        select(Photo.enrolment_id, Photo.submitted_at, Photo.verdict, Photo.report)
        .where(Photo.enrolment_id.in_(ids))
        .order_by(Photo.submitted_at)
    ):
        photos.setdefault(photo.enrolment_id, []).append(photo)
    said = {
        review.enrolment_id: describe_reasons(review.reason_codes, review.note)
        for review in session.scalars(
            select(Review)
            .where(Review.enrolment_id.in_(ids), Review.undone_at.is_(None))
            .order_by(Review.at)
        )
    }
    return [
        _make_row(row, facts[row.id], photos.get(row.id, []), said.get(row.id, ""))
        for row in rows
        if row.id in facts
    ]


def _make_row(student: StudentRow, facts: Any, photos: Sequence[Any], said: str) -> MissingRow:
    failed = [photo for photo in photos if photo.verdict is Verdict.FAIL]
    moments = [facts.bound_at, *(photo.submitted_at for photo in photos)]
    why = Why(facts.why)
    found = _describe_check(failed[-1].report) if failed else ""
    return MissingRow(
        student=student,
        why=why,
        class_name=facts.class_name,
        failed_checks=len(failed),
        last_reason=(said or found) if why is Why.REJECTED else found,
        last_active_at=max(filter(None, moments), default=None),
        has_phone=facts.has_phone,
        may_message=bool(facts.remaining),
    )


def _describe_check(report: dict[str, Any] | None) -> str:
    findings = (report or {}).get("findings", [])
    failures = [one for one in findings if one.get("status") == "fail"] or findings
    return str(failures[0].get("message", "")) if failures else ""
