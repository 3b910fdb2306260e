"""Identity check and the student's own enrolments."""

from __future__ import annotations

import uuid

from server.api import schemas
from server.api.access import bp, get_user_id
from server.api.presenters import show_enrolment
from server.security.throttle import (
    IDENTITY_PER_ADDRESS,
    READS_PER_USER,
    get_attempts,
    identify_user_or_address,
    throttled,
)
from server.services.consent.guardian import Guardian
from server.services.student.allow_messages import allow_messages
from server.services.student.bind import bind_enrolment
from server.services.student.view import list_enrolments, view_enrolment
from server.surfaces import get_ctx


@bp.post("/enrolments")
@throttled(IDENTITY_PER_ADDRESS)
@bp.input(schemas.BindIn, arg_name="body")
@bp.output(schemas.EnrolmentAnswer)
@bp.doc(summary="核对身份并绑定学籍")
def bind_own_enrolment(body: schemas.BindIn) -> schemas.EnrolmentAnswer:
    """Bind the enrolment that name and number prove; wrong tries are counted."""
    ctx, user_id = get_ctx(), get_user_id()
    guardian = Guardian(body.guardian.name, body.guardian.relation) if body.guardian else None
    enrolment_id = bind_enrolment(
        ctx,
        get_attempts(),
        user_id=user_id,
        **body.model_dump(exclude={"guardian"}),
        guardian=guardian,
    )
    view = view_enrolment(ctx, user_id, enrolment_id)
    return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))


@bp.get("/enrolments")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.EnrolmentListAnswer)
@bp.doc(summary="本人绑定的全部学籍")
def list_own_enrolments() -> schemas.EnrolmentListAnswer:
    """List what this WeChat user has bound."""
    ctx = get_ctx()
    items = [show_enrolment(ctx, view) for view in list_enrolments(ctx, get_user_id())]
    return schemas.EnrolmentListAnswer(data=schemas.EnrolmentList(items=items))


@bp.get("/enrolments/<uuid:enrolment_id>")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.EnrolmentAnswer)
@bp.doc(summary="采集情况与下一步")
def show_own_enrolment(enrolment_id: uuid.UUID) -> schemas.EnrolmentAnswer:
    """Show where one enrolment stands and what comes next."""
    ctx = get_ctx()
    view = view_enrolment(ctx, get_user_id(), enrolment_id)
    return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))


@bp.post("/enrolments/<uuid:enrolment_id>/messages")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.input(schemas.AllowMessagesIn, arg_name="body")
@bp.output(schemas.EnrolmentAnswer)
@bp.doc(summary="登记学生同意接收的订阅消息")
def allow_own_messages(
    enrolment_id: uuid.UUID, body: schemas.AllowMessagesIn
) -> schemas.EnrolmentAnswer:
    """Note which messages the student has agreed to."""
    ctx, user_id = get_ctx(), get_user_id()
    view = view_enrolment(ctx, user_id, enrolment_id)
    allow_messages(ctx, user_id, body.templates)
    return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))
