"""``POST /login`` and ``GET /codes/{feature_code}``."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask_limiter import Limiter

from server.api import schemas
from server.api.access import allow_anonymous, get_ctx
from server.api.presenters import show_requirements
from server.security.throttle import (
    LOGIN_PER_ADDRESS,
    READS_PER_USER,
    identify_user_or_address,
)
from server.services.batches import find_batch_for
from server.services.consent import current_consent
from server.services.feature_codes import (
    FeatureCodeClosed,
    FeatureCodeNotOpen,
    find_code,
    require_open,
)
from server.services.login_student import login_student


def register(bp: APIBlueprint, limiter: Limiter) -> None:
    """Add the views of this room to the blueprint."""

    @bp.post("/login")
    @allow_anonymous
    @limiter.limit(LOGIN_PER_ADDRESS)
    @bp.input(schemas.LoginIn, arg_name="body")
    @bp.output(schemas.LoginAnswer)
    @bp.doc(summary="用 wx.login 的 code 换取令牌", security=[])
    def login(body: schemas.LoginIn) -> schemas.LoginAnswer:
        result = login_student(get_ctx(), body.code)
        return schemas.LoginAnswer(
            data=schemas.LoginOut(token=result.token, expires_at=result.expires_at)
        )

    @bp.get("/codes/<feature_code>")
    @limiter.limit(READS_PER_USER, key_func=identify_user_or_address)
    @bp.output(schemas.CodeAnswer)
    @bp.doc(summary="特征码对应的院校、费用与采集时间")
    def show_code(feature_code: str) -> schemas.CodeAnswer:
        ctx = get_ctx()
        with ctx.db.read() as session:
            code = find_code(session, feature_code)
            consent = current_consent(session)
            batch = find_batch_for(session, code.institution_id, ctx.now())
            is_open = True
            try:
                require_open(code, ctx.now())
            except (FeatureCodeNotOpen, FeatureCodeClosed):
                is_open = False
            return schemas.CodeAnswer(
                data=schemas.CodeOut(
                    feature_code=code.code,
                    institution=code.institution.name,
                    mode=code.mode.label,
                    fee_fen=code.fee_fen,
                    pay_first=code.pay_first,
                    capture_policy=code.capture_policy,
                    opens_at=code.opens_at,
                    closes_at=code.closes_at,
                    is_open=is_open,
                    next_cutoff_at=batch.cutoff_at if batch else None,
                    next_batch=batch.label if batch else None,
                    daily_submissions=code.daily_submissions,
                    photo=show_requirements(code),
                    consent=schemas.ConsentOut(version=consent.version, text=consent.text),
                )
            )
