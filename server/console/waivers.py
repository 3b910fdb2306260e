"""Waiving a fee (减免): a form on the student's page, for finance and administrators."""

from __future__ import annotations

import uuid

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.services.money.waivers import NothingToWaive, WaiverUnexplained, waive_for_student
from server.surfaces import get_ctx


@blueprint.post("/students/<uuid:enrolment_id>/waive")
@roles(Role.ADMIN, Role.FINANCE)
def student_waive(enrolment_id: uuid.UUID) -> Response:
    """Forgive the fee of one student with a reason, or note that it was paid in cash."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    reason, is_cash = request.form.get("reason", ""), request.form.get("kind") == "cash"
    try:
        waive_for_student(get_ctx(), current_viewer(), enrolment_id, reason=reason, is_cash=is_cash)
    except (WaiverUnexplained, NothingToWaive) as error:
        say(error.shown_message, "danger")
    else:
        done = "已登记现金缴费" if is_cash else "已减免这名学生的费用"
        say(f"{done}，照片通过检测即进入审核")
    return redirect(url_for("console.student", enrolment_id=enrolment_id), 303)
