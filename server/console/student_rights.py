"""Rights of a student who comes in person: consents, guardian, copy, requests."""

from __future__ import annotations

import uuid

from flask import Response as FileResponse
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import RequestKind
from server.console.access import blueprint, current_viewer, roles
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.errors import CaijiError
from server.services.consent.decide import ConsentKindUnknown
from server.services.consent.guardian import (
    RELATIONS,
    Guardian,
    GuardianMalformed,
    GuardianNeeded,
)
from server.services.rights.in_person import (
    IdentityUnseen,
    ask_for,
    copy_for,
    decide_for,
    note_guardian,
    view_rights,
)
from server.services.rights.requests import WishMissing, list_of_student
from server.services.student.release import IDENTITIES_SEEN, MAY_RELEASE
from server.surfaces import get_ctx
from server.zip_answer import send_zip

Page = str | Response | FileResponse | tuple[str, int]
REFUSED = (
    IdentityUnseen,
    ConsentKindUnknown,
    GuardianNeeded,
    GuardianMalformed,
    WishMissing,
)


@blueprint.get("/students/<uuid:enrolment_id>/rights")
@roles(*MAY_RELEASE)
def student_rights(enrolment_id: uuid.UUID) -> Page:
    """Show what the student agreed to and asked for."""
    return _show(enrolment_id)


@blueprint.post("/students/<uuid:enrolment_id>/rights")
@roles(*MAY_RELEASE)
def student_rights_act(enrolment_id: uuid.UUID) -> Page:
    """Act for the student who stands here, with the identity seen."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    ctx, viewer, form = get_ctx(), current_viewer(), request.form
    seen, act = form.get("identity_seen", ""), form.get("act", "")
    try:
        if act in {"give", "withdraw"}:
            kind = form.get("consent_kind", "")
            is_given = act == "give"
            is_new = decide_for(
                ctx, viewer, enrolment_id, kind=kind, is_given=is_given, identity_seen=seen
            )
            if is_new:
                say("已登记同意" if is_given else "已登记撤回")
            else:
                why = "这项同意已经登记过" if is_given else "没有可以撤回的同意"
                say(f"没有变化：{why}", "info")
        elif act == "guardian":
            guardian = Guardian(form.get("guardian_name", ""), form.get("guardian_relation", ""))
            note_guardian(ctx, viewer, enrolment_id, guardian, identity_seen=seen)
            say("已登记监护人同意")
        elif act == "copy":
            return _send_copy(enrolment_id, seen)
        else:
            kinds = {each.value: each for each in RequestKind}
            kind_asked = kinds.get(form.get("request_kind", ""), RequestKind.CORRECTION)
            wish = form.get("wish", "")
            ask_for(ctx, viewer, enrolment_id, kind=kind_asked, wish=wish, identity_seen=seen)
            say("已登记申请")
    except REFUSED as error:
        return _show(enrolment_id, error), error.status
    return redirect(url_for("console.student_rights", enrolment_id=enrolment_id), 303)


def _send_copy(enrolment_id: uuid.UUID, identity_seen: str) -> FileResponse:
    return send_zip(
        lambda file: copy_for(
            get_ctx(), current_viewer(), enrolment_id, file, identity_seen=identity_seen
        ),
        "data-copy.zip",
    )


def _show(enrolment_id: uuid.UUID, error: CaijiError | None = None) -> str:
    ctx, viewer = get_ctx(), current_viewer()
    return render_template(
        "console/student_rights.html",
        view=view_rights(ctx, viewer, enrolment_id),
        requests=list_of_student(ctx, viewer, enrolment_id),
        identity_options=[("", "请选择"), *((one, one) for one in IDENTITIES_SEEN)],
        relations=[("", "请选择"), *((one, one) for one in RELATIONS)],
        kinds=[(each.value, each.label) for each in RequestKind],
        error=error.shown_message if error else "",
    )
