"""What a reviewer sees of one photo."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from models import Batch, Enrolment, FeatureCode, Photo, PhotoState, Review, Staff
from server.context import Context
from server.errors import NotFound
from server.services.college.batches import find_target_batch
from server.services.college.own_reasons import read_own_reasons
from server.services.faces.hints import Hint, list_hints
from server.services.messages.reasons import list_other_reasons, offer_reasons
from server.services.profiles.plan import CutView, list_cuts
from server.services.review.nudge import CropView, view_crop
from server.services.review.queue import hold_photo
from server.services.review.twins import Twins, find_twins
from server.services.student.view import list_photos
from server.services.viewer import Viewer, get_visible


@dataclass(frozen=True)
class PhotoView:
    """One photo with its student, the earlier tries and the reasons to choose from."""

    photo: Photo
    enrolment: Enrolment
    centre_name: str
    batch: Batch | None
    earlier: list[Photo]
    reviews: dict[uuid.UUID, Review]
    reasons: list[tuple[str, str]]
    other_reasons: list[tuple[str, str]]
    twins: Twins
    is_camera_only: bool
    """The feature code allows the camera alone: a photo from the album deserves a look."""
    decision: Review | None
    """The standing decision on this photo; None while it waits."""
    decided_by: str
    crop: CropView
    hints: list[Hint]
    """What comparing faces says, where both students allow it."""
    taken_by: str
    """The photographer on site; empty where the student sent the photo."""
    cuts: list[CutView]
    """What became of the college's other photo profiles."""


def open_photo(ctx: Context, viewer: Viewer, photo_id: uuid.UUID) -> PhotoView:
    """Hold a waiting photo for this reviewer and return what to judge it by.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther.
    """
    hold_photo(ctx, viewer, photo_id, opens=True)
    return view_photo(ctx, viewer, photo_id)


def _name_decider(decision: Review | None, decider: Staff | None) -> str:
    if decision is not None and decision.is_automatic:
        return "自动通过"
    return decider.shown_name if decider else ""


def view_photo(ctx: Context, viewer: Viewer, photo_id: uuid.UUID) -> PhotoView:
    """Return a photo with all that belongs to it, decided or not; holds nothing.

    Raises:
        NotFound.
    """
    with ctx.db.read() as session:
        photo = session.get(Photo, photo_id)
        if photo is None:
            raise NotFound
        enrolment = get_visible(session, viewer, photo.enrolment_id)
        reviews = session.scalars(
            select(Review)
            .where(Review.enrolment_id == enrolment.id, Review.undone_at.is_(None))
            .order_by(Review.at)
        ).all()
        own = read_own_reasons(session, enrolment.institution_id)
        reasons = offer_reasons(photo.report, own)
        code = session.get(FeatureCode, enrolment.feature_code_id or uuid.UUID(int=0))
        standing = [review for review in reviews if review.photo_id == photo_id]
        decision = standing[-1] if standing and photo.state is not PhotoState.CHECKED else None
        decider = session.get(Staff, decision.staff_id) if decision else None
        photographer = session.get(Staff, photo.taken_by) if photo.taken_by else None
        return PhotoView(
            photo=photo,
            enrolment=enrolment,
            centre_name=enrolment.centre.name,
            batch=find_target_batch(session, enrolment, ctx.now()),
            earlier=[one for one in list_photos(session, enrolment.id) if one.id != photo_id],
            reviews={review.photo_id: review for review in reviews},
            reasons=reasons,
            other_reasons=list_other_reasons(reasons, own),
            twins=find_twins(session, viewer, photo, enrolment),
            is_camera_only=code is not None and code.capture_policy == "camera_only",
            decision=decision,
            decided_by=_name_decider(decision, decider),
            crop=view_crop(session, photo),
            hints=list_hints(ctx, session, photo),
            taken_by=photographer.shown_name if photographer else "",
            cuts=list_cuts(session, photo_id),
        )
