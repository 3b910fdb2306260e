"""调整裁剪: the reviewer moves the crop within the bands; the worker makes the photo anew."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imagecheck.nudge import MAX_SHIFT_PX, PERCENT, Nudge
from imagecheck.profile import find_profile
from models import CropRequest, Photo
from server.context import Context
from server.errors import CaijiError
from server.services.audit import record_audit
from server.services.photo.requeue import enqueue_check
from server.services.review.queue import LEASE, lock_photo, require_free
from server.services.viewer import Viewer

MEASURED = {
    "head_top_px": ("geometry.head_top", "头顶到上边"),
    "eye_line_px": ("geometry.eye_line", "眼睛到上边"),
    "face_width_px": ("geometry.face_width", "脸宽"),
    "off_centre_px": ("geometry.off_centre", "脸偏离中线"),
}
"""Measured line -> its rule and its name."""
POLL_S = 0.05


class CropUnusable(CaijiError):
    """No numbers, or beyond what a hand may move."""

    code = "crop_unusable"
    status = 422
    message = (
        f"左右、上下请填 {MAX_SHIFT_PX} 以内的整数，大小请填 {PERCENT[0]} 到 {PERCENT[1]} 的整数。"
    )


class CropOutsideBand(CaijiError):
    """A measured line would leave its band."""

    code = "crop_outside_band"
    status = 422
    message = "这样裁剪会超出允许的范围，照片没有改变。"


class CropWithoutOriginal(CaijiError):
    """Retention took the original, or there never was a standard photo."""

    code = "crop_without_original"
    status = 409
    message = "原图已不在，不能重新裁剪。"


@dataclass(frozen=True)
class Band:
    """One measured line: where it lies and between what it may lie, in pixels."""

    name: str
    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CropView:
    """What the page needs to let a hand move the crop."""

    nudge: Nudge
    bands: list[Band]
    last: CropRequest | None

    @property
    def is_waiting(self) -> bool:
        """Tell whether the worker has not answered the last request yet."""
        return self.last is not None and self.last.finished_at is None


def read_nudge(right: str, down: str, percent: str) -> Nudge:
    """Return the nudge that was typed; raises CropUnusable."""
    try:
        return Nudge(int(right or 0), int(down or 0), int(percent or 100))
    except ValueError as error:
        raise CropUnusable from error


def view_crop(session: Session, photo: Photo) -> CropView:
    """Return how the photo is cropped, its lines with their bands, and the last request."""
    last = session.scalars(
        select(CropRequest)
        .where(CropRequest.photo_id == photo.id)
        .order_by(CropRequest.asked_at.desc(), CropRequest.id.desc())
        .limit(1)
    ).first()
    return CropView(_nudge_of(photo), _list_bands(photo), last)


def ask_for_crop(ctx: Context, viewer: Viewer, photo_id: uuid.UUID, nudge: Nudge) -> uuid.UUID:
    """Ask the worker for another crop of a waiting photo; returns the request.

    Owns its transaction. The photo stays as it is until the new one is made and passes.

    Raises:
        NotFound, PhotoNotWaiting, PhotoHeldByOther, CropWithoutOriginal, CropOutsideBand.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment, photo = lock_photo(session, viewer, photo_id)
        require_free(viewer, enrolment, photo, now)
        if photo.original_key is None or photo.standard_key is None:
            raise CropWithoutOriginal
        _require_within_bands(photo, nudge)
        photo.leased_by, photo.leased_until = viewer.staff_id, now + LEASE
        request = CropRequest(
            photo_id=photo.id,
            staff_id=viewer.staff_id,
            right_px=nudge.right_px,
            down_px=nudge.down_px,
            percent=nudge.percent,
            asked_at=now,
        )
        session.add(request)
        session.flush()
        record_audit(
            session,
            viewer,
            "photo.crop",
            at=now,
            subject_kind="photo",
            subject_id=photo.id,
            right_px=nudge.right_px,
            down_px=nudge.down_px,
            percent=nudge.percent,
        )
    enqueue_check(ctx, photo_id)
    return request.id


def wait_for_crop(ctx: Context, request_id: uuid.UUID, timeout_s: float) -> CropRequest:
    """Return the request as soon as it is served, or as it is when the time is over."""
    deadline = time.monotonic() + timeout_s
    while True:
        with ctx.db.read() as session:
            request = session.get_one(CropRequest, request_id)
        if request.finished_at is not None or time.monotonic() >= deadline:
            return request
        time.sleep(POLL_S)


def _nudge_of(photo: Photo) -> Nudge:
    return Nudge(photo.crop_right_px, photo.crop_down_px, photo.crop_percent)


def _measured(photo: Photo) -> dict[str, float]:
    measurements = (photo.report or {}).get("measurements", {})
    return {
        name: float(measurements[name])
        for name in MEASURED
        if isinstance(measurements.get(name), int | float)
    }


def _list_bands(photo: Photo) -> list[Band]:
    try:
        profile = find_profile(photo.profile)
    except ValueError:
        return []
    bands = []
    for name, value in _measured(photo).items():
        rule, label = MEASURED[name]
        low, high = profile.limit(rule).fail
        if low is not None and high is not None:
            bands.append(Band(name, label, value, low, high))
    return bands


def _require_within_bands(photo: Photo, nudge: Nudge) -> None:
    expected = nudge.predict(_measured(photo), after=_nudge_of(photo))
    for band in _list_bands(photo):
        value = expected[band.name]
        if not band.low <= value <= band.high:
            raise CropOutsideBand(
                f"{band.label}会是 {value:.0f} 像素，应在 {band.low:.0f} 到 {band.high:.0f} 像素"
                "之间，照片没有改变。"
            )
