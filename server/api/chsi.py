"""The student's 图像采集码: given as scanned text or as a picture, exchanged, taken back."""

from __future__ import annotations

import uuid
from typing import Any

from flask import request
from pydantic import ValidationError

from server.api import schemas
from server.api.access import bp, get_user_id
from server.api.presenters import show_enrolment
from server.lanes import UPLOADS
from server.security.throttle import (
    READS_PER_USER,
    UPLOADS_PER_USER,
    identify_user_or_address,
    throttled,
)
from server.services.chsi.keep import ChsiCodeUnusable, keep_picture, keep_text, remove_code
from server.services.chsi.read_apart import MAX_PICTURE_BYTES
from server.services.student.view import view_enrolment
from server.surfaces import get_ctx

MULTIPART = "multipart/form-data"
GIVEN = (
    'JSON {"text"}：wx.scanCode 的 result，原样；或表单字段 picture：学信网页面的截图。'
    "已有的码被替换。码本身不会出现在任何回答里。"
)
CONFLICTS = (
    "chsi_code_taken：这个码已用于另一个学籍，data 只在那是本人的学籍时给出；"
    "chsi_code_not_wanted：这个特征码不收图像采集码"
)


@bp.put("/enrolments/<uuid:enrolment_id>/chsi-code")
@throttled(UPLOADS_PER_USER, identify_user_or_address)
@UPLOADS.guard
@bp.output(schemas.EnrolmentAnswer)
@bp.doc(
    summary="提供图像采集码",
    description=GIVEN,
    responses={
        409: CONFLICTS,
        413: "图片超过 10 MB",
        415: "不是能读取的图片",
        422: "不是图像采集码，或图片里没有读到",
    },
)
def give_own_code(enrolment_id: uuid.UUID) -> schemas.EnrolmentAnswer:
    """Keep the code; the photo moves on where it waited for it."""
    ctx, user_id = get_ctx(), get_user_id()
    if request.mimetype == MULTIPART:
        keep_picture(ctx, user_id=user_id, enrolment_id=enrolment_id, picture=_read_picture())
    else:
        keep_text(ctx, user_id=user_id, enrolment_id=enrolment_id, text=_read_text())
    return _show(enrolment_id)


@bp.delete("/enrolments/<uuid:enrolment_id>/chsi-code")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.EnrolmentAnswer)
@bp.doc(
    summary="删除图像采集码",
    responses={409: "chsi_code_in_use：照片已带着它提交，可以换成新的，不能只删除"},
)
def remove_own_code(enrolment_id: uuid.UUID) -> schemas.EnrolmentAnswer:
    """Delete the code."""
    remove_code(get_ctx(), user_id=get_user_id(), enrolment_id=enrolment_id)
    return _show(enrolment_id)


def _show(enrolment_id: uuid.UUID) -> schemas.EnrolmentAnswer:
    ctx = get_ctx()
    view = view_enrolment(ctx, get_user_id(), enrolment_id)
    return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))


def _read_picture() -> bytes:
    """Return the file, up to one byte more than is taken."""
    file = request.files.get("picture")
    return b"" if file is None else file.stream.read(MAX_PICTURE_BYTES + 1)


def _read_text() -> str:
    body: Any = request.get_json(silent=True)
    try:
        return schemas.ChsiCodeIn.model_validate(body).text
    except ValidationError as error:
        raise ChsiCodeUnusable from error
