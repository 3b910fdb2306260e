"""How many people's faces an institution stores, and when that has to be filed (备案).

人脸识别办法, article 15: who stores the faces of 100,000 people files with the provincial
cyberspace administration within 30 working days. Everybody is counted whose photo lies here, not
only those whose face is compared: the figure is never too low. Working days are Monday to Friday;
holidays are not known years ahead, and leaving them out makes the day earlier, not later.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from models import Enrolment, Institution, Photo, StoredFaces
from server.context import Context
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.viewer import Viewer

WARN_FROM = 80_000
FILE_FROM = 100_000
WORKING_DAYS = 30
SATURDAY = 5


@dataclass(frozen=True)
class FaceNotice:
    """What an administrator has to know: near the figure, or a filing that is due."""

    count: int
    due_on: dt.date | None
    """None while the figure is only near."""


def read_face_notice(session: Session, institution_id: uuid.UUID) -> FaceNotice | None:
    """Return what to tell about the stored faces of an institution; None: nothing."""
    row = session.get(StoredFaces, institution_id)
    if row is None or row.filed_on is not None:
        return None
    if row.reached_at is not None:
        due_on = add_working_days(to_local(row.reached_at).date(), WORKING_DAYS)
        return FaceNotice(row.count, due_on)
    return FaceNotice(row.count, None) if row.count >= WARN_FROM else None


def note_stored_faces(
    session: Session, institution_id: uuid.UUID, count: int, *, at: dt.datetime
) -> None:
    """Write a count down, in the caller's transaction; reaching the figure is noted once.

    Falling below it again ends nothing: the duty arose on the day on which it was reached.
    """
    row = session.get(StoredFaces, institution_id)
    if row is None:
        row = StoredFaces(institution_id=institution_id)
        session.add(row)
    row.count, row.counted_at = count, at
    if count >= FILE_FROM and row.reached_at is None:
        row.reached_at = at


def count_stored_faces(ctx: Context) -> int:
    """Count every institution anew, as a sweeper; returns for how many. Owns its transactions."""
    has_file = or_(Photo.original_key.is_not(None), Photo.standard_key.is_not(None))
    with ctx.db.read() as session:
        rows = session.execute(
            select(Enrolment.institution_id, func.count(Photo.enrolment_id.distinct()))
            .join(Photo, Photo.enrolment_id == Enrolment.id)
            .where(has_file)
            .group_by(Enrolment.institution_id)
        )
        counts: dict[uuid.UUID, int] = {row[0]: row[1] for row in rows}
        institutions = session.scalars(select(Institution.id)).all()
    with ctx.db.write() as session:
        for institution_id in institutions:
            note_stored_faces(session, institution_id, counts.get(institution_id, 0), at=ctx.now())
    return len(institutions)


def read_stored_faces(ctx: Context, viewer: Viewer) -> tuple[StoredFaces | None, FaceNotice | None]:
    """Return the last count of the viewer's institution and what it asks for."""
    with ctx.db.read() as session:
        row = session.get(StoredFaces, viewer.institution_id)
        return row, read_face_notice(session, viewer.institution_id)


def note_filing(ctx: Context, viewer: Viewer, filed_on: dt.date) -> None:
    """Write down that the filing was made; the banner ends. Owns its transaction."""
    with ctx.db.write() as session:
        row = session.get(StoredFaces, viewer.institution_id)
        if row is None:
            row = StoredFaces(institution_id=viewer.institution_id, counted_at=ctx.now())
            session.add(row)
        row.filed_on = filed_on
        record_audit(
            session,
            viewer,
            "faces.filed",
            at=ctx.now(),
            subject_kind="institution",
            subject_id=viewer.institution_id,
            day=filed_on.isoformat(),
        )


def add_working_days(day: dt.date, count: int) -> dt.date:
    """Return the day that lies ``count`` working days behind ``day``."""
    while count:
        day += dt.timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return day
