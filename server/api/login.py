"""``POST /login`` and ``GET /codes/{feature_code}``."""

from __future__ import annotations

from server.api import schemas
from server.api.access import allow_anonymous, bp
from server.api.presenters import show_requirements
from server.security.throttle import (
    LOGIN_PER_ADDRESS,
    READS_PER_USER,
    identify_user_or_address,
    throttled,
)
from server.services.college.batches import find_batch_for
from server.services.college.codes import (
    FeatureCodeClosed,
    FeatureCodeNotOpen,
    find_code,
    require_open,
)
from server.services.college.contact import read_contact
from server.services.consent.ask import current_notice
from server.services.student.login import login_student
from server.surfaces import get_ctx


@bp.post("/login")
@allow_anonymous
@throttled(LOGIN_PER_ADDRESS)
@bp.input(schemas.LoginIn, arg_name="body")
@bp.output(schemas.LoginAnswer)
@bp.doc(summary="用 wx.login 的 code 换取令牌", security=[])
def login(body: schemas.LoginIn) -> schemas.LoginAnswer:
    """Exchange a wx.login code for a token."""
    result = login_student(get_ctx(), body.code)
    return schemas.LoginAnswer(
        data=schemas.LoginOut(token=result.token, expires_at=result.expires_at)
    )


@bp.get("/codes/<feature_code>")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.CodeAnswer)
@bp.doc(summary="特征码对应的院校、费用与采集时间")
def show_code(feature_code: str) -> schemas.CodeAnswer:
    """Show what a feature code decides."""
    ctx = get_ctx()
    with ctx.db.read() as session:
        code = find_code(session, feature_code)
        notice = current_notice(session, code.institution_id)
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
                consent=schemas.ConsentOut(version=notice.version, text=notice.text),
                contact=schemas.ContactOut(**read_contact(code.institution).as_data()),
            )
        )
