"""影响评估: the impact assessment, filled from the settings, signed in versions; counted faces."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.services.compliance.assessments import (
    FACES,
    MAX_ANSWER_LENGTH,
    PHOTO,
    QUESTIONS,
    RECEIVER,
    describe_purpose,
    draft_assessment,
    get_assessment,
    list_assessments,
    list_unanswered,
    receiver_purpose,
    sign_assessment,
)
from server.services.compliance.stored_faces import (
    FILE_FROM,
    WARN_FROM,
    WORKING_DAYS,
    note_filing,
    read_stored_faces,
)
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]


@blueprint.app_template_filter("assessed_purpose")
def show_purpose(purpose: str) -> str:
    """Show what an assessment covers."""
    return describe_purpose(purpose)


@blueprint.get("/assessments")
@roles(Role.ADMIN, Role.AUDITOR)
def assessments() -> Page:
    """Show the signed versions, the form of the next one, and the counted faces."""
    draft = draft_assessment(get_ctx(), current_viewer())
    return _show(draft.answers, draft.covers)


@blueprint.post("/assessments")
@roles(Role.ADMIN)
def assessment_sign() -> Page:
    """Sign the next version; asks first."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    form = request.form
    answers = {name: form.get(name, "").strip()[: MAX_ANSWER_LENGTH + 1] for name in QUESTIONS}
    names = [" ".join(line.split()) for line in form.get("receivers", "").splitlines()]
    covers = [one for one in (PHOTO, FACES) if form.get(f"covers_{one}") == "yes"]
    covers += [receiver_purpose(name) for name in dict.fromkeys(filter(None, names))]
    if list_unanswered(answers) or not covers:
        return _show(answers, covers, faults=list_unanswered(answers), has_covers=bool(covers)), 422
    if not is_confirmed():
        return ask(
            "签署新的一版影响评估",
            "确认签署",
            url_for("console.assessments"),
            "签署后不能修改；以后的变化要另签新的一版。",
            "没有列入的用途和接收方，在新的一版签署前不能开启。",
        )
    row = sign_assessment(get_ctx(), current_viewer(), answers, covers)
    say(f"影响评估第 {row.version} 版已签署")
    return redirect(url_for("console.assessments"), 303)


@blueprint.get("/assessments/<uuid:assessment_id>")
@roles(Role.ADMIN, Role.AUDITOR)
def assessment(assessment_id: uuid.UUID) -> Page:
    """Show one signed version."""
    row = get_assessment(get_ctx(), current_viewer(), assessment_id)
    return render_template("console/assessment.html", row=row, questions=QUESTIONS)


@blueprint.post("/assessments/filing")
@roles(Role.ADMIN)
def assessment_filing() -> Page:
    """Note the day on which the storage of faces was filed."""
    form = FormReader(request.form)
    day = form.date("filed_on")
    if form.errors:
        draft = draft_assessment(get_ctx(), current_viewer())
        return _show(draft.answers, draft.covers, filing_error=form.errors["filed_on"]), 422
    note_filing(get_ctx(), current_viewer(), day)
    say("备案日期已记录")
    return redirect(url_for("console.assessments"), 303)


def _show(
    answers: dict[str, str],
    covers: list[str],
    *,
    faults: list[str] | None = None,
    has_covers: bool = True,
    filing_error: str = "",
) -> str:
    ctx, viewer = get_ctx(), current_viewer()
    stored, notice = read_stored_faces(ctx, viewer)
    return render_template(
        "console/assessments.html",
        versions=list_assessments(ctx, viewer),
        facts=draft_assessment(ctx, viewer).facts,
        questions=QUESTIONS,
        answers=answers,
        covers=covers,
        receivers="\n".join(
            one.removeprefix(RECEIVER) for one in covers if one.startswith(RECEIVER)
        ),
        faults=faults or [],
        has_covers=has_covers,
        longest=MAX_ANSWER_LENGTH,
        stored=stored,
        notice=notice,
        warn_from=WARN_FROM,
        file_from=FILE_FROM,
        working_days=WORKING_DAYS,
        filing_error=filing_error,
    )
