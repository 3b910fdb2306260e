"""Upload, verdict, pictures and withdrawal of the student's own photos."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from typing import Any, Literal, TypeVar, cast

from apiflask.fields import UploadFile
from flask import Response, request
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models import Photo, PhotoState
from server.api import schemas
from server.api.access import bp, get_user_id
from server.api.presenters import show_enrolment, show_photo
from server.api.queue_door import before_queue
from server.context import Context
from server.errors import CaijiError, NotFound, ServiceBusy
from server.gateways.photo_store import PhotoMissing
from server.lanes import UPLOADS, VERDICTS, leave_lane
from server.security.throttle import (
    READS_PER_USER,
    UPLOADS_PER_USER,
    identify_user_or_address,
    throttled,
)
from server.services.photo.refused import note_refused_upload
from server.services.photo.submit import (
    PhotoTooLarge,
    Submission,
    submit_photo,
    wait_for_verdict,
)
from server.services.photo.withdraw import withdraw_photo
from server.services.student.view import get_own_photo, view_enrolment
from server.sizes import MAX_PHOTO_BYTES
from server.surfaces import get_ctx

View = TypeVar("View", bound=Callable[..., Any])
CONFIRM_UPLOAD = "更换会改到下一批次时先回答 409；表单字段 confirm=true 表示学生已确认。"
CONFIRM_WITHDRAWAL = '撤回会改到下一批次时先回答 409；JSON {"confirm": true} 表示学生已确认。'
WOULD_LOSE_BATCH = "would_lose_batch：data.batch 为现在的批次，data.next_batch 为之后的批次"


class UploadForm(BaseModel):
    """The multipart body."""

    photo: UploadFile
    source: Literal["camera", "album"] | None = Field(
        default=None,
        description="where the photo came from; camera_only codes expect camera",
    )


def _is_yes(value: object) -> bool:
    """Whether a form field or a JSON value says true."""
    return value is True or (isinstance(value, str) and value.strip().lower() in {"true", "1"})


def _note_refusals(view: View) -> View:
    """Let a photo that we could not take count from its first try: see ``services.moment``."""

    @functools.wraps(view)
    def noting(*args: Any, **kwargs: Any) -> Any:
        try:
            return view(*args, **kwargs)
        except (CaijiError, OperationalError, PoolTimeout) as error:
            if not isinstance(error, CaijiError) or error.status == ServiceBusy.status:
                note_refused_upload(get_ctx(), get_user_id(), kwargs["enrolment_id"])
            raise

    return cast("View", noting)


@bp.post("/enrolments/<uuid:enrolment_id>/photos")
@throttled(UPLOADS_PER_USER, identify_user_or_address)
@_note_refusals
@before_queue
@UPLOADS.guard
@bp.input(UploadForm, location="files", arg_name="form")
@bp.output(schemas.PhotoAnswer)
@bp.doc(
    summary="上传照片并得到检测结论",
    description=CONFIRM_UPLOAD,
    responses={
        202: "已保存，结论稍后查询",
        409: WOULD_LOSE_BATCH,
        413: "超过 10 MB",
        415: "不是支持的照片格式",
    },
)
def upload_photo(enrolment_id: uuid.UUID, form: UploadForm) -> tuple[schemas.PhotoAnswer, int]:
    """Keep a photo, and wait for its verdict where that is near."""
    ctx, user_id = get_ctx(), get_user_id()
    data = _read_photo(form.photo)
    submission = submit_photo(
        ctx,
        user_id=user_id,
        enrolment_id=enrolment_id,
        data=data,
        is_confirmed=_is_yes(request.form.get("confirm")),
        source=form.source,
    )
    leave_lane()
    photo = _wait_where_it_helps(ctx, submission)
    answer = schemas.PhotoAnswer(data=show_photo(ctx, photo, estimate_s=submission.estimate_s))
    return answer, 202 if photo.state is PhotoState.RECEIVED else 200


@bp.get("/photos/<uuid:photo_id>")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.PhotoAnswer)
@bp.doc(summary="照片的检测结论")
def show_own_photo(photo_id: uuid.UUID) -> schemas.PhotoAnswer:
    """Show the verdict."""
    ctx = get_ctx()
    return schemas.PhotoAnswer(data=show_photo(ctx, get_own_photo(ctx, get_user_id(), photo_id)))


@bp.get("/photos/<uuid:photo_id>/image")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.doc(summary="480x640 标准照片 (JPEG)", responses=[200])
def show_own_image(photo_id: uuid.UUID) -> Response:
    """Send the standard photo."""
    ctx = get_ctx()
    photo = get_own_photo(ctx, get_user_id(), photo_id)
    if photo.standard_key is None:
        raise NotFound("这张照片还没有标准照")
    try:
        data = ctx.photo_store.get(photo.standard_key)
    except PhotoMissing as error:
        raise NotFound from error
    return Response(data, mimetype="image/jpeg", headers={"Cache-Control": "private, no-store"})


@bp.get("/photos/<uuid:photo_id>/overlay")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.doc(summary="测量线与允许范围 (SVG)", responses=[200])
def show_own_overlay(photo_id: uuid.UUID) -> Response:
    """Send the measured lines."""
    photo = get_own_photo(get_ctx(), get_user_id(), photo_id)
    if photo.overlay_svg is None:
        raise NotFound("这张照片还没有测量线")
    return Response(
        photo.overlay_svg,
        mimetype="image/svg+xml",
        headers={
            "Cache-Control": "private, no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
        },
    )


@bp.delete("/photos/<uuid:photo_id>")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.EnrolmentAnswer)
@bp.doc(summary="审核前撤回照片", description=CONFIRM_WITHDRAWAL, responses={409: WOULD_LOSE_BATCH})
def withdraw_own_photo(photo_id: uuid.UUID) -> schemas.EnrolmentAnswer:
    """Withdraw a photo that nobody has opened."""
    ctx, user_id = get_ctx(), get_user_id()
    body = request.get_json(silent=True)
    is_confirmed = _is_yes(body.get("confirm")) if isinstance(body, dict) else False
    enrolment_id = withdraw_photo(
        ctx, user_id=user_id, photo_id=photo_id, is_confirmed=is_confirmed
    )
    view = view_enrolment(ctx, user_id, enrolment_id)
    return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))


def _read_photo(file: UploadFile) -> bytes:
    data = file.stream.read(MAX_PHOTO_BYTES + 1)
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoTooLarge
    return data


def _wait_where_it_helps(ctx: Context, submission: Submission) -> Photo:
    """Return the photo, with its verdict where that is near and a thread may wait for it."""
    wait_s = ctx.settings.verdict_wait_s
    with VERDICTS.enter() as is_free:
        if is_free and wait_s > 0 and submission.estimate_s <= wait_s:
            return wait_for_verdict(ctx, submission.photo.id, wait_s)
        return submission.photo
