"""What a reviewer is told about faces: both pictures and a word. Never a refusal, never a student.

The conditions are asked again for both students whenever a hint is shown, and a college whose
photos would carry too many hints sees the strongest alone (``find_weakest_shown``).
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select, union_all
from sqlalchemy.orm import Session

from models import Enrolment, FaceEncoding, FaceHint, FaceHintKind, FaceReference, Photo
from server.context import Context
from server.services.faces.allow import may_compare
from server.services.faces.limits import STRONGEST, WEAKEST, find_weakest_shown
from server.services.viewer import Viewer, get_visible

UNLIKE_WORDS = {3: "很不像", 2: "不像", 1: "有些不像"}
WORDS = {
    FaceHintKind.OTHER_STUDENT: {3: "很像", 2: "像", 1: "有些像"},
    FaceHintKind.UNLIKE_EARLIER: UNLIKE_WORDS,
    FaceHintKind.UNLIKE_REFERENCE: UNLIKE_WORDS,
}
LISTED = 50


@dataclass(frozen=True)
class Hint:
    """One hint, seen from the photo on the page."""

    kind: str
    word: str
    other_photo_id: uuid.UUID | None
    """None: the other picture is the student's reference."""
    enrolment_id: uuid.UUID
    student_no: str
    name: str


@dataclass(frozen=True)
class PhotoHints:
    """A photo of the list of all hints."""

    photo_id: uuid.UUID
    student: Enrolment
    hints: list[Hint]


@dataclass(frozen=True)
class Muted:
    """A kind of hints of which the weaker words, or all, are not shown for they are too many."""

    kind: str
    words: tuple[str, ...]
    photos: int


def list_hints(ctx: Context, session: Session, photo: Photo) -> list[Hint]:
    """Return the hints about a photo whose students, both of them, may be compared now."""
    owner = session.get_one(Enrolment, photo.enrolment_id)
    rows = session.scalars(
        select(FaceHint)
        .where(or_(FaceHint.photo_id == photo.id, FaceHint.other_photo_id == photo.id))
        .order_by(FaceHint.step.desc(), FaceHint.found_at)
    ).all()
    if not rows or not may_compare(ctx, session, owner):
        return []
    weakest = {
        kind: _find_weakest(session, owner.institution_id, kind)
        for kind in {row.kind for row in rows}
    }
    found: dict[object, Hint] = {}
    for row in rows:
        is_mine = row.photo_id == photo.id
        if row.step < weakest[row.kind] or (
            row.kind is not FaceHintKind.OTHER_STUDENT and not is_mine
        ):
            continue
        other_id = row.other_photo_id if is_mine else row.photo_id
        hint = _describe(ctx, session, row, owner, other_id)
        if hint is not None:
            found.setdefault((row.kind, hint.enrolment_id), hint)
    return list(found.values())


def _describe(
    ctx: Context,
    session: Session,
    row: FaceHint,
    owner: Enrolment,
    other_id: uuid.UUID | None,
) -> Hint | None:
    """Return a hint; None where the other student may not be compared, or the reference is gone."""
    student = owner
    if other_id is None:
        if session.get(FaceReference, owner.id) is None:
            return None
    else:
        student = session.get_one(Enrolment, session.get_one(Photo, other_id).enrolment_id)
        if not may_compare(ctx, session, student):
            return None
    word = WORDS[row.kind][row.step]
    return Hint(row.kind.value, word, other_id, student.id, student.student_no, student.name)


def _find_weakest(session: Session, institution_id: uuid.UUID, kind: FaceHintKind) -> int:
    return find_weakest_shown(
        _count_by_step(session, institution_id, kind), _count(session, institution_id)
    )


def _count_by_step(
    session: Session, institution_id: uuid.UUID, kind: FaceHintKind
) -> dict[int, int]:
    """Return how many photos have this as their strongest step, on either side of a hint."""
    of_kind = (FaceHint.institution_id == institution_id, FaceHint.kind == kind)
    sides: list[Select[uuid.UUID | None, int]] = [
        select(FaceHint.photo_id.label("photo"), FaceHint.step).where(*of_kind)
    ]
    if kind is FaceHintKind.OTHER_STUDENT:
        sides.append(select(FaceHint.other_photo_id, FaceHint.step).where(*of_kind))
    both = union_all(*sides).subquery()
    strongest = select(func.max(both.c.step).label("step")).group_by(both.c.photo).subquery()
    rows = session.execute(select(strongest.c.step, func.count()).group_by(strongest.c.step))
    return {row[0]: row[1] for row in rows}


def _count(session: Session, institution_id: uuid.UUID) -> int:
    query = select(func.count()).where(FaceEncoding.institution_id == institution_id)
    return session.scalar(query.select_from(FaceEncoding)) or 0


def has_hint(session: Session, photo_id: uuid.UUID) -> bool:
    """Tell whether anything about this photo's face asks for a person, shown or not."""
    query = select(FaceHint.id).where(
        or_(FaceHint.photo_id == photo_id, FaceHint.other_photo_id == photo_id)
    )
    return session.scalars(query.limit(1)).first() is not None


def find_hinted(session: Session, photo_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of these photos about whose face something asks for a person."""
    rows = session.execute(
        select(FaceHint.photo_id, FaceHint.other_photo_id).where(
            or_(FaceHint.photo_id.in_(photo_ids), FaceHint.other_photo_id.in_(photo_ids))
        )
    )
    return {one for row in rows for one in row if one is not None} & set(photo_ids)


def count_measured(ctx: Context, viewer: Viewer) -> int:
    """Return of how many photos of the viewer's college a measurement is kept."""
    with ctx.db.read() as session:
        return _count(session, viewer.institution_id)


def list_all_hints(ctx: Context, viewer: Viewer) -> list[PhotoHints]:
    """Return the photos of the viewer's college with hints that are shown, the strongest first."""
    with ctx.db.read() as session:
        ids = session.scalars(
            select(FaceHint.photo_id)
            .where(FaceHint.institution_id == viewer.institution_id)
            .group_by(FaceHint.photo_id)
            .order_by(func.max(FaceHint.step).desc(), func.max(FaceHint.found_at).desc())
            .limit(LISTED)
        ).all()
        rows = []
        for photo_id in ids:
            photo = session.get_one(Photo, photo_id)
            hints = list_hints(ctx, session, photo)
            if hints:
                student = get_visible(session, viewer, photo.enrolment_id)
                rows.append(PhotoHints(photo_id, student, hints))
    return rows


def list_muted(ctx: Context, viewer: Viewer) -> list[Muted]:
    """Return which words are not shown in the viewer's college, and on how many photos."""
    muted = []
    with ctx.db.read() as session:
        measured = _count(session, viewer.institution_id)
        for kind in FaceHintKind:
            counts = Counter(_count_by_step(session, viewer.institution_id, kind))
            weakest = find_weakest_shown(counts, measured)
            steps = [step for step in range(WEAKEST, STRONGEST + 1) if step < weakest]
            if photos := sum(counts[step] for step in steps):
                words = tuple(WORDS[kind][step] for step in reversed(steps))
                muted.append(Muted(kind.value, words, photos))
    return muted
