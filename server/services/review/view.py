"""What a reviewer sees of one photo."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import select

from models import Batch, Enrolment, Photo, Review
from server.context import Context
from server.services.batches import find_target_batch
from server.services.rejection_reasons import list_other_reasons, offer_reasons
from server.services.review_queue import hold_photo
from server.services.staff_viewer import Viewer, get_visible
from server.services.view_student import list_photos


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


def open_photo(ctx: Context, viewer: Viewer, photo_id: uuid.UUID) -> PhotoView:
    """Hold a waiting photo for this reviewer and return what to judge it by.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther.
    """
    hold_photo(ctx, viewer, photo_id, opens=True)
    with ctx.db.read() as session:
        photo = session.get_one(Photo, photo_id)
        enrolment = get_visible(session, viewer, photo.enrolment_id)
        reviews = session.scalars(
            select(Review)
            .where(Review.enrolment_id == enrolment.id, Review.undone_at.is_(None))
            .order_by(Review.at)
        )
        reasons = offer_reasons(photo.report)
        return PhotoView(
            photo=photo,
            enrolment=enrolment,
            centre_name=enrolment.centre.name,
            batch=find_target_batch(session, enrolment, ctx.now()),
            earlier=[one for one in list_photos(session, enrolment.id) if one.id != photo_id],
            reviews={review.photo_id: review for review in reviews},
            reasons=reasons,
            other_reasons=list_other_reasons(reasons),
        )
