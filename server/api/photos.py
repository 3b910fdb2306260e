"""Upload, verdict, pictures and withdrawal of the student's own photos."""

from __future__ import annotations

import uuid

from apiflask import APIBlueprint
from apiflask.fields import UploadFile
from flask import Response
from flask_limiter import Limiter
from pydantic import BaseModel

from models import Photo, PhotoState
from server.api import schemas
from server.api.access import get_ctx, get_user_id
from server.api.lanes import UPLOADS, VERDICTS, leave_lane
from server.api.presenters import show_enrolment, show_photo
from server.context import Context
from server.errors import NotFound
from server.gateways.photo_store import PhotoMissing
from server.security.throttle import (
    READS_PER_USER,
    UPLOADS_PER_USER,
    identify_user_or_address,
)
from server.services.queue_wait import estimate_wait_s
from server.services.submit_photo import (
    MAX_PHOTO_BYTES,
    PhotoTooLarge,
    submit_photo,
    wait_for_verdict,
)
from server.services.view_enrolment import get_own_photo, view_enrolment
from server.services.withdraw_photo import withdraw_photo


class UploadForm(BaseModel):
    """The multipart body."""

    photo: UploadFile


def register(bp: APIBlueprint, limiter: Limiter) -> None:
    """Add the views of this room to the blueprint."""
    read_limit = limiter.limit(READS_PER_USER, key_func=identify_user_or_address)

    @bp.post("/enrolments/<uuid:enrolment_id>/photos")
    @limiter.limit(UPLOADS_PER_USER, key_func=identify_user_or_address)
    @UPLOADS.guard
    @bp.input(UploadForm, location="files", arg_name="form")
    @bp.output(schemas.PhotoAnswer)
    @bp.doc(
        summary="上传照片并得到检测结论",
        responses={202: "已保存,结论稍后查询", 413: "超过 10 MB", 415: "不是 JPG 或 PNG"},
    )
    def upload_photo(enrolment_id: uuid.UUID, form: UploadForm) -> tuple[schemas.PhotoAnswer, int]:
        ctx, user_id = get_ctx(), get_user_id()
        data = _read_photo(form.photo)
        submission = submit_photo(ctx, user_id=user_id, enrolment_id=enrolment_id, data=data)
        leave_lane()
        photo = _wait_where_it_helps(ctx, submission.photo_id)
        answer = schemas.PhotoAnswer(data=show_photo(ctx, photo))
        return answer, 202 if photo.state is PhotoState.RECEIVED else 200

    @bp.get("/photos/<uuid:photo_id>")
    @read_limit
    @bp.output(schemas.PhotoAnswer)
    @bp.doc(summary="照片的检测结论")
    def show_own_photo(photo_id: uuid.UUID) -> schemas.PhotoAnswer:
        ctx = get_ctx()
        return schemas.PhotoAnswer(
            data=show_photo(ctx, get_own_photo(ctx, get_user_id(), photo_id))
        )

    @bp.get("/photos/<uuid:photo_id>/image")
    @read_limit
    @bp.doc(summary="480x640 标准照片 (JPEG)", responses=[200])
    def show_own_image(photo_id: uuid.UUID) -> Response:
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
    @read_limit
    @bp.doc(summary="测量线与允许范围 (SVG)", responses=[200])
    def show_own_overlay(photo_id: uuid.UUID) -> Response:
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
    @read_limit
    @bp.output(schemas.EnrolmentAnswer)
    @bp.doc(summary="审核前撤回照片")
    def withdraw_own_photo(photo_id: uuid.UUID) -> schemas.EnrolmentAnswer:
        ctx, user_id = get_ctx(), get_user_id()
        enrolment_id = withdraw_photo(ctx, user_id=user_id, photo_id=photo_id)
        view = view_enrolment(ctx, user_id, enrolment_id)
        return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))


def _read_photo(file: UploadFile) -> bytes:
    data = file.stream.read(MAX_PHOTO_BYTES + 1)
    if len(data) > MAX_PHOTO_BYTES:
        raise PhotoTooLarge
    return data


def _wait_where_it_helps(ctx: Context, photo_id: uuid.UUID) -> Photo:
    """Return the photo, with its verdict where that is near and a thread may wait for it."""
    wait_s = ctx.settings.verdict_wait_s
    with VERDICTS.enter() as is_free:
        is_near = is_free and wait_s > 0 and estimate_wait_s(ctx) <= wait_s
        return wait_for_verdict(ctx, photo_id, wait_s if is_near else 0)
