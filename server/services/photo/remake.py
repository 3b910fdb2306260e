"""The worker's part in 调整裁剪: cut the standard photo anew from the original and judge it again.

The new file takes the place of the former one only where it passes. A crop that reaches beyond the
original, or whose photo would fail, changes nothing but the request, which says why.
"""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from imagecheck.nudge import Nudge
from models import (
    CropOutcome,
    CropRequest,
    CutState,
    Photo,
    PhotoState,
    ProfilePhoto,
    Verdict,
)
from models.base import UtcDateTime
from server.context import Context
from server.gateways.photo_store import PhotoMissing, content_key, hash_bytes
from server.services.collection import lock_enrolment
from server.services.photo.check import Checker, Examination, begin_of_lease
from server.services.photo.keep_file import keep_file, write_keys
from server.services.photo.requeue import enqueue_check

log = structlog.get_logger()

MAX_ATTEMPTS = 3
OVERDUE = dt.timedelta(seconds=5)
"""A request that nobody took for so long has lost its message."""
NO_ROOM = "原图在这一边没有更多内容，裁剪框超出了原图，照片没有改变。"
NO_CROP = "没有裁剪成功，照片没有改变，请稍后再试。"
NO_ORIGINAL = "原图已不在，不能重新裁剪。"

# Built once: this is asked before every photo.
IS_FREE = CropRequest.finished_at.is_(None) & or_(
    CropRequest.started_at.is_(None),
    CropRequest.started_at < bindparam("lease_begins_at", type_=UtcDateTime()),
)
FIND = select(CropRequest.id).where(IS_FREE).limit(1)
CLAIM = (
    select(CropRequest)
    .where(IS_FREE)
    .order_by(CropRequest.asked_at, CropRequest.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)


def remake_next(ctx: Context, checker: Checker) -> bool:
    """Serve the request that has waited longest; returns whether there was one."""
    request = _claim(ctx)
    if request is None:
        return False
    with ctx.db.read() as session:
        photo = session.get_one(Photo, request.photo_id)
    try:
        data = ctx.photo_store.get(photo.original_key or "")
    except (PhotoMissing, ValueError):
        _refuse(ctx, request.id, NO_ORIGINAL)
        return True
    if request.attempts > MAX_ATTEMPTS:
        _refuse(ctx, request.id, NO_CROP)
        return True
    nudge = Nudge(request.right_px, request.down_px, request.percent)
    made = checker.examine(
        data,
        mode="capture",
        profile=photo.profile,
        background=photo.background,
        nudge=None if nudge.is_none else nudge,
    )
    fault = _find_fault(made)
    if fault or made.standard_jpeg is None:
        _refuse(ctx, request.id, fault)
        return True
    key = content_key("standard", hash_bytes(made.standard_jpeg), ".jpg")
    with keep_file(ctx, key, made.standard_jpeg):
        _take(ctx, request, made, key)
    return True


def requeue_crops(ctx: Context) -> int:
    """Ask again for what nobody took; returns how many."""
    with ctx.db.read() as session:
        photo_ids = session.scalars(
            select(CropRequest.photo_id).where(IS_FREE, CropRequest.asked_at < ctx.now() - OVERDUE),
            {"lease_begins_at": begin_of_lease(ctx)},
        ).all()
    for photo_id in photo_ids:
        enqueue_check(ctx, photo_id)
    return len(photo_ids)


def _claim(ctx: Context) -> CropRequest | None:
    times = {"lease_begins_at": begin_of_lease(ctx)}
    with ctx.db.read() as session:
        if session.scalar(FIND, times) is None:
            return None
    with ctx.db.write() as session:
        request = session.scalars(CLAIM, times).first()
        if request is not None:
            request.attempts += 1
            request.started_at = ctx.now()
        return request


def _find_fault(made: Examination) -> str:
    """Return why the new crop cannot take the place of the former one; empty where it can."""
    findings = made.report.get("findings", [])
    failed = [each for each in findings if each["status"] == "fail"]
    if any(each["code"] == "face.cut_off" for each in failed):
        return NO_ROOM
    if made.report.get("unfinished") or (made.standard_jpeg is None and not failed):
        return NO_CROP
    words = "；".join(each["message"] for each in failed[:2])
    return f"这样裁剪不合格：{words} 照片没有改变。" if failed else ""


def _refuse(ctx: Context, request_id: uuid.UUID, message: str) -> None:
    with ctx.db.write() as session:
        _finish(session, ctx, request_id, CropOutcome.REFUSED, message)
    log.info("crop_refused", request_id=str(request_id))


def _take(ctx: Context, request: CropRequest, made: Examination, key: str) -> None:
    with write_keys(ctx, key) as session:
        owner = session.scalars(
            select(Photo.enrolment_id).where(Photo.id == request.photo_id)
        ).one()
        enrolment = lock_enrolment(session, owner)
        photo = session.get_one(Photo, request.photo_id, populate_existing=True)
        is_current = enrolment is not None and enrolment.photo_id == photo.id
        if not is_current or photo.state is not PhotoState.CHECKED:
            _finish(session, ctx, request.id, CropOutcome.DROPPED)
            return
        photo.verdict = Verdict(made.report["verdict"])
        photo.report = made.report
        photo.overlay_svg = made.overlay_svg
        photo.standard_key = key
        photo.standard_sha256 = key.rsplit("/", 1)[-1].removesuffix(".jpg")
        photo.picture_hash, photo.picture_print = made.hashes or (None, None)
        photo.crop_right_px, photo.crop_down_px = request.right_px, request.down_px
        photo.crop_percent = request.percent
        _cut_anew(session, photo.id, ctx.now())
        _finish(session, ctx, request.id, CropOutcome.MADE)
    log.info("crop_made", photo_id=str(request.photo_id), verdict=made.report["verdict"])


def _cut_anew(session: Session, photo_id: uuid.UUID, at: dt.datetime) -> None:
    """Let the pictures of other uses follow the hand; their former files go as orphans."""
    session.execute(
        update(ProfilePhoto)
        .where(ProfilePhoto.photo_id == photo_id)
        .values(
            state=CutState.WAITING,
            requested_at=at,
            attempts=0,
            started_at=None,
            ended_at=None,
            file_key=None,
            sha256=None,
            size_bytes=None,
            derived_wall="",
            report=None,
        )
        .execution_options(synchronize_session=False)
    )


def _finish(
    session: Session,
    ctx: Context,
    request_id: uuid.UUID,
    outcome: CropOutcome,
    message: str = "",
) -> None:
    request = session.get_one(CropRequest, request_id, populate_existing=True)
    request.finished_at = ctx.now()
    request.outcome = outcome
    request.message = message[:500]
