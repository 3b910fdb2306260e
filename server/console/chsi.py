"""图像采集码 on a student's page: go on without one, ask again, delete a wrong one."""

from __future__ import annotations

import uuid

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.rendering import say
from server.services.chsi.waive import (
    ChsiWaiverUnexplained,
    NoWaiverNeeded,
    discard_code,
    end_waiver,
    waive_code,
)
from server.surfaces import get_ctx


@blueprint.post("/students/<uuid:enrolment_id>/chsi/waive")
@roles(Role.ADMIN, Role.CENTRE)
def student_chsi_waive(enrolment_id: uuid.UUID) -> Response:
    """Let a student go on without a code."""
    reason = request.form.get("chsi_reason", "")
    try:
        waive_code(get_ctx(), current_viewer(), enrolment_id, reason=reason)
    except (ChsiWaiverUnexplained, NoWaiverNeeded) as error:
        say(error.shown_message, "danger")
    else:
        say("已设为不需要图像采集码")
    return _back(enrolment_id)


@blueprint.post("/students/<uuid:enrolment_id>/chsi/ask")
@roles(Role.ADMIN, Role.CENTRE)
def student_chsi_ask(enrolment_id: uuid.UUID) -> Response:
    """Ask the student for a code again."""
    end_waiver(get_ctx(), current_viewer(), enrolment_id)
    say("已重新要求这名学生提供图像采集码；已提交的照片不受影响")
    return _back(enrolment_id)


@blueprint.post("/students/<uuid:enrolment_id>/chsi/discard")
@roles(Role.ADMIN, Role.CENTRE)
def student_chsi_discard(enrolment_id: uuid.UUID) -> Response:
    """Delete a code that is not this student's."""
    reason = request.form.get("chsi_reason", "")
    try:
        discard_code(get_ctx(), current_viewer(), enrolment_id, reason=reason)
    except ChsiWaiverUnexplained as error:
        say(error.shown_message, "danger")
    else:
        say("图像采集码已删除，学生可以重新提供")
    return _back(enrolment_id)


def _back(enrolment_id: uuid.UUID) -> Response:
    return redirect(url_for("console.student", enrolment_id=enrolment_id, _anchor="chsi"), 303)
