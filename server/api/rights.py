"""Consents one by one, a copy of the own data, requests for correction and deletion."""

from __future__ import annotations

from flask import Response

from models import RequestKind
from server.api import rights_schemas as schemas
from server.api.access import bp, get_user_id
from server.security.throttle import READS_PER_USER, identify_user_or_address, throttled
from server.services.consent.guardian import Guardian
from server.services.id_numbers import mask_name
from server.services.rights.change_consent import change_own_consent, list_consents
from server.services.rights.copy import list_bound, write_copy
from server.services.rights.requests import RequestView, ask, list_own_requests
from server.surfaces import get_ctx
from server.zip_answer import send_zip

COPIES_PER_USER = "10/hour"
"""A copy reads every photo of a person."""
REQUESTS_PER_USER = "20/hour"


@bp.get("/consents")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.ConsentListAnswer)
@bp.doc(summary="本人的各项同意")
def list_own_consents() -> schemas.ConsentListAnswer:
    """List every consent of what this WeChat user has bound, given or not."""
    return _show_consents()


@bp.put("/consents")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.input(schemas.ConsentIn, arg_name="body")
@bp.output(schemas.ConsentListAnswer)
@bp.doc(summary="给出或撤回一项同意")
def change_consent(body: schemas.ConsentIn) -> schemas.ConsentListAnswer:
    """Give or withdraw one consent; answers with all of them as they stand now."""
    guardian = Guardian(body.guardian.name, body.guardian.relation) if body.guardian else None
    change_own_consent(
        get_ctx(),
        user_id=get_user_id(),
        enrolment_id=body.enrolment_id,
        kind=body.kind,
        is_given=body.given,
        guardian=guardian,
    )
    return _show_consents()


def _show_consents() -> schemas.ConsentListAnswer:
    items, enrolments = [], []
    for found in list_consents(get_ctx(), get_user_id()):
        row = found.enrolment
        enrolments.append(
            schemas.EnrolmentConsentsOut(
                enrolment_id=row.id,
                institution=row.institution.name,
                student_no=row.student_no,
                name=mask_name(row.name),
                version=found.notice.version,
                text=found.notice.text,
                by_guardian=found.is_child,
            )
        )
        items += [
            schemas.OneConsentOut(
                enrolment_id=row.id,
                kind=state.kind,
                title=state.title,
                text=state.text,
                given=state.is_given,
                version=state.version,
                at=state.at,
                may_ask=state.may_ask,
            )
            for state in found.states
        ]
    data = schemas.ConsentListOut(items=items, enrolments=enrolments)
    return schemas.ConsentListAnswer(data=data)


@bp.get("/me/copy")
@throttled(COPIES_PER_USER, identify_user_or_address)
@bp.doc(summary="本人全部信息的副本（zip）")
def send_own_copy() -> Response:
    """Send a zip of everything that is held about what this WeChat user has bound."""
    ctx = get_ctx()
    with ctx.db.read() as session:
        ids = list_bound(session, get_user_id())
    return send_zip(lambda file: write_copy(ctx, ids, file), "my-data.zip")


@bp.get("/me/requests")
@throttled(READS_PER_USER, identify_user_or_address)
@bp.output(schemas.RequestListAnswer)
@bp.doc(summary="本人的更正和删除申请")
def list_requests() -> schemas.RequestListAnswer:
    """List what was asked for, with due day and answer."""
    items = [_show_request(each) for each in list_own_requests(get_ctx(), get_user_id())]
    return schemas.RequestListAnswer(data=schemas.RequestListOut(items=items))


@bp.post("/me/requests")
@throttled(REQUESTS_PER_USER, identify_user_or_address)
@bp.input(schemas.RequestIn, arg_name="body")
@bp.output(schemas.RequestAnswer)
@bp.doc(summary="申请更正或删除")
def send_request(body: schemas.RequestIn) -> schemas.RequestAnswer:
    """Ask for a correction or for deletion; the same while it is open is one request."""
    made = ask(
        get_ctx(),
        user_id=get_user_id(),
        enrolment_id=body.enrolment_id,
        kind=RequestKind(body.kind),
        wish=body.text,
    )
    return schemas.RequestAnswer(data=_show_request(made))


def _show_request(view: RequestView) -> schemas.RequestOut:
    row = view.row
    return schemas.RequestOut(
        id=row.id,
        enrolment_id=row.enrolment_id,
        kind=row.kind.value,
        label=row.kind.label,
        state=row.state.value,
        state_label=row.state.label,
        text=view.wish,
        asked_at=row.asked_at,
        due_at=row.due_at,
        answer=view.answer,
        decided_at=row.decided_at,
        done_at=row.done_at,
    )
