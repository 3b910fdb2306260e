"""The audit log, newest first: by who acted, by act and by student; on pages or as a file."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select, tuple_
from sqlalchemy.orm import Session

from models import AuditEntry, Enrolment, Order, Photo, Staff, show_staff_name
from server.context import Context
from server.services.paging import Page, cut_page
from server.services.sealing import unseal_detail
from server.services.viewer import Viewer

PAGE_SIZE = 100
FILE_ROWS = 100_000
"""A file holds the newest of these; narrower filters show the rest."""
CHUNK = 500


@dataclass(frozen=True)
class AuditFilter:
    """What to show; an empty value filters nothing."""

    username: str = ""
    action: str = ""
    student_no: str = ""


@dataclass(frozen=True)
class AuditLine:
    """One entry with the names behind its ids."""

    entry: AuditEntry
    username: str
    student_no: str = ""
    student_name: str = ""
    enrolment_id: uuid.UUID | None = None
    """The student whom the act was about."""
    account: str = ""
    """The account that the act was about."""
    detail: dict[str, Any] = field(default_factory=dict)
    """What the entry says, with what was sealed about a person readable."""


def list_audit(
    ctx: Context, viewer: Viewer, wanted: AuditFilter, *, after: uuid.UUID | None = None
) -> Page[AuditLine, uuid.UUID]:
    """Return one page of the institution's entries."""
    with ctx.db.read() as session:
        query = _make_query(session, viewer, wanted).limit(PAGE_SIZE + 1)
        last = session.get(AuditEntry, after) if after else None
        if last is not None and last.institution_id == viewer.institution_id:
            query = query.where(tuple_(AuditEntry.at, AuditEntry.id) < tuple_(last.at, last.id))
        rows = _name_subjects(ctx, session, session.execute(query).all())
    return cut_page(rows, PAGE_SIZE, lambda row: row.entry.id, after=after)


def iterate_audit(ctx: Context, viewer: Viewer, wanted: AuditFilter) -> Iterator[AuditLine]:
    """Yield the entries of a file, newest first."""
    with ctx.db.read() as session:
        rows = session.execute(_make_query(session, viewer, wanted).limit(FILE_ROWS)).all()
        for start in range(0, len(rows), CHUNK):
            yield from _name_subjects(ctx, session, rows[start : start + CHUNK])


def list_actions(ctx: Context, viewer: Viewer) -> list[str]:
    """Return the acts that the institution's log holds."""
    with ctx.db.read() as session:
        query = select(AuditEntry.action).where(AuditEntry.institution_id == viewer.institution_id)
        return sorted(session.scalars(query.distinct()))


def _make_query(session: Session, viewer: Viewer, wanted: AuditFilter) -> Any:
    query = (
        select(AuditEntry, Staff.username, Staff.display_name)
        .outerjoin(Staff, Staff.id == AuditEntry.staff_id)
        .where(AuditEntry.institution_id == viewer.institution_id)
        .order_by(AuditEntry.at.desc(), AuditEntry.id.desc())
    )
    if wanted.username:
        query = query.where(Staff.username == wanted.username)
    if wanted.action:
        query = query.where(AuditEntry.action == wanted.action)
    if wanted.student_no:
        query = query.where(_is_about(session, viewer, wanted.student_no))
    return query


def _is_about(session: Session, viewer: Viewer, student_no: str) -> ColumnElement[bool]:
    """Acts on the student, on the photos and on the orders of this 学号."""
    enrolments = session.scalars(
        select(Enrolment.id).where(
            Enrolment.institution_id == viewer.institution_id, Enrolment.student_no == student_no
        )
    ).all()
    photos = session.scalars(select(Photo.id).where(Photo.enrolment_id.in_(enrolments))).all()
    orders = session.scalars(select(Order.id).where(Order.enrolment_id.in_(enrolments))).all()
    kinds = {"enrolment": enrolments, "photo": photos, "order": orders}
    seen_together = [cast(AuditEntry.detail, Text).contains(str(photo)) for photo in photos]
    return or_(
        *(and_(AuditEntry.action == "photo.view", one) for one in seen_together),
        *(
            and_(AuditEntry.subject_kind == kind, AuditEntry.subject_id.in_([*map(str, ids)]))
            for kind, ids in kinds.items()
        ),
    )


def _name_subjects(ctx: Context, session: Session, rows: Sequence[Any]) -> list[AuditLine]:
    entries = [entry for entry, *_ in rows]
    students = _find_students(session, entries)
    accounts = {
        str(staff.id): staff.shown_name
        for staff in session.scalars(select(Staff).where(Staff.id.in_(_ids(entries, "staff"))))
    }
    lines = []
    for entry, username, display_name in rows:
        student = students.get((entry.subject_kind, entry.subject_id))
        lines.append(
            AuditLine(
                entry,
                show_staff_name(username or "", display_name or ""),
                student_no=student.student_no if student else "",
                student_name=student.name if student else "",
                enrolment_id=student.id if student else None,
                account=accounts.get(entry.subject_id, ""),
                detail=unseal_detail(session, ctx.cipher, entry.detail),
            )
        )
    return lines


def _find_students(session: Session, entries: list[AuditEntry]) -> dict[tuple[str, str], Any]:
    """Return the student behind each subject that is a student, a photo or an order."""
    student = (Enrolment.id, Enrolment.student_no, Enrolment.name)
    queries: dict[str, Any] = {
        "enrolment": select(Enrolment.id.label("subject"), *student).where(
            Enrolment.id.in_(_ids(entries, "enrolment"))
        ),
        "photo": select(Photo.id.label("subject"), *student)
        .join(Enrolment, Enrolment.id == Photo.enrolment_id)
        .where(Photo.id.in_(_ids(entries, "photo"))),
        "order": select(Order.id.label("subject"), *student)
        .join(Enrolment, Enrolment.id == Order.enrolment_id)
        .where(Order.id.in_(_ids(entries, "order"))),
    }
    return {
        (kind, str(row.subject)): row
        for kind, query in queries.items()
        for row in session.execute(query)
    }


def _ids(entries: list[AuditEntry], kind: str) -> list[uuid.UUID]:
    found = set()
    for entry in entries:
        if entry.subject_kind == kind:
            try:
                found.add(uuid.UUID(entry.subject_id))
            except ValueError:
                continue
    return sorted(found)
