"""What on a contact sheet asks for a look of its own: it comes unticked and says why.

A sheet is approved with one click, so what the page of a single photo would say must be said here.
A constant number of statements, whatever the sheet holds.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from models import Enrolment, FeatureCode, Photo
from server.context import Context
from server.services.faces.hints import find_hinted
from server.services.photo.same_picture import is_same_picture, list_neighbours
from server.services.review.twins import CANDIDATES
from server.services.viewer import Viewer

SAME_FILE = "与其他学生的文件相同"
SAME_PICTURE = "与其他学生的照片相同"
FACE = "人脸比对有提示"
NOT_FROM_CAMERA = "要求现场拍摄，不是相机拍的"
TRUSTED_SOURCES = frozenset({"camera", "staff"})
PARTS = 2
"""The neighbours of 24 pictures are more values than one statement takes."""


def find_doubts(
    ctx: Context, viewer: Viewer, shown: Sequence[tuple[Photo, Enrolment]]
) -> dict[uuid.UUID, str]:
    """Return by photo why it should be looked at alone."""
    if not shown:
        return {}
    with ctx.db.read() as session:
        reasons = dict.fromkeys(_find_from_elsewhere(session, shown), NOT_FROM_CAMERA)
        hinted = find_hinted(session, [photo.id for photo, _ in shown])
        reasons |= dict.fromkeys(hinted, FACE)
        return reasons | _find_twins(session, viewer, shown)


def is_source_trusted(code: FeatureCode | None, photo: Photo) -> bool:
    """Tell whether a photo came the way its code asks for; one that says nothing did not."""
    is_strict = code is not None and code.capture_policy == "camera_only"
    return not is_strict or photo.source in TRUSTED_SOURCES


def _find_from_elsewhere(
    session: Session, shown: Sequence[tuple[Photo, Enrolment]]
) -> list[uuid.UUID]:
    ids = {row.feature_code_id for _, row in shown if row.feature_code_id}
    rows = session.scalars(select(FeatureCode).where(FeatureCode.id.in_(ids)))
    codes = {code.id: code for code in rows}
    return [
        photo.id
        for photo, row in shown
        if not is_source_trusted(codes.get(row.feature_code_id or uuid.UUID(int=0)), photo)
    ]


def _find_twins(
    session: Session, viewer: Viewer, shown: Sequence[tuple[Photo, Enrolment]]
) -> dict[uuid.UUID, str]:
    hashes = {photo.picture_hash for photo, _ in shown if photo.picture_hash}
    near = list({value for one in hashes for value in list_neighbours(one)})
    reasons: dict[uuid.UUID, str] = {}
    for part in range(PARTS):
        found = session.execute(
            select(Photo.sha256, Photo.picture_print, Enrolment.id_number_index)
            .join(Enrolment, Enrolment.id == Photo.enrolment_id)
            .where(
                Enrolment.institution_id == viewer.institution_id,
                or_(
                    Photo.sha256.in_([photo.sha256 for photo, _ in shown]),
                    Photo.picture_hash.in_(near[part::PARTS]),
                ),
            )
            .limit(CANDIDATES)
        ).all()
        for photo, row in shown:
            others = [one for one in found if one.id_number_index != row.id_number_index]
            if any(one.sha256 == photo.sha256 for one in others):
                reasons[photo.id] = SAME_FILE
            elif any(_is_same(one.picture_print, photo.picture_print) for one in others):
                reasons.setdefault(photo.id, SAME_PICTURE)
    return reasons


def _is_same(one: str | None, other: str | None) -> bool:
    return bool(one and other) and is_same_picture(one or "", other or "")
