"""Identity check and the student's own enrolments."""

from __future__ import annotations

import uuid

from apiflask import APIBlueprint
from flask_limiter import Limiter

from server.api import schemas
from server.api.access import get_ctx, get_user_id
from server.api.presenters import show_enrolment
from server.security.throttle import (
    IDENTITY_PER_ADDRESS,
    READS_PER_USER,
    WRONG_IDENTITY_PER_USER,
    FailureCounter,
    identify_user_or_address,
)
from server.services.allow_messages import allow_messages
from server.services.bind_enrolment import EnrolmentTaken, IdentityMismatch, bind_enrolment
from server.services.view_enrolment import list_enrolments, view_enrolment


def register(bp: APIBlueprint, limiter: Limiter) -> None:
    """Add the views of this room to the blueprint."""
    wrong_identity = FailureCounter(limiter, WRONG_IDENTITY_PER_USER, "wrong-identity")

    @bp.post("/enrolments")
    @limiter.limit(IDENTITY_PER_ADDRESS)
    @bp.input(schemas.BindIn, arg_name="body")
    @bp.output(schemas.EnrolmentAnswer)
    @bp.doc(summary="核对身份并绑定学籍")
    def bind_own_enrolment(body: schemas.BindIn) -> schemas.EnrolmentAnswer:
        ctx, user_id = get_ctx(), get_user_id()
        wrong_identity.refuse_if_exceeded(str(user_id))
        try:
            enrolment_id = bind_enrolment(ctx, user_id=user_id, **body.model_dump())
        except (IdentityMismatch, EnrolmentTaken):
            wrong_identity.count(str(user_id))
            raise
        view = view_enrolment(ctx, user_id, enrolment_id)
        return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))

    @bp.get("/enrolments")
    @limiter.limit(READS_PER_USER, key_func=identify_user_or_address)
    @bp.output(schemas.EnrolmentListAnswer)
    @bp.doc(summary="本人绑定的全部学籍")
    def list_own_enrolments() -> schemas.EnrolmentListAnswer:
        ctx = get_ctx()
        items = [show_enrolment(ctx, view) for view in list_enrolments(ctx, get_user_id())]
        return schemas.EnrolmentListAnswer(data=schemas.EnrolmentList(items=items))

    @bp.get("/enrolments/<uuid:enrolment_id>")
    @limiter.limit(READS_PER_USER, key_func=identify_user_or_address)
    @bp.output(schemas.EnrolmentAnswer)
    @bp.doc(summary="采集情况与下一步")
    def show_own_enrolment(enrolment_id: uuid.UUID) -> schemas.EnrolmentAnswer:
        ctx = get_ctx()
        view = view_enrolment(ctx, get_user_id(), enrolment_id)
        return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))

    @bp.post("/enrolments/<uuid:enrolment_id>/messages")
    @limiter.limit(READS_PER_USER, key_func=identify_user_or_address)
    @bp.input(schemas.AllowMessagesIn, arg_name="body")
    @bp.output(schemas.EnrolmentAnswer)
    @bp.doc(summary="登记学生同意接收的订阅消息")
    def allow_own_messages(
        enrolment_id: uuid.UUID, body: schemas.AllowMessagesIn
    ) -> schemas.EnrolmentAnswer:
        ctx, user_id = get_ctx(), get_user_id()
        view = view_enrolment(ctx, user_id, enrolment_id)
        allow_messages(ctx, user_id, body.templates)
        return schemas.EnrolmentAnswer(data=show_enrolment(ctx, view))
