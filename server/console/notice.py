"""告知书: the notice that students agree to, written part by part and published for good."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.rendering import say
from server.errors import CaijiError
from server.services.compliance.assessments import AssessmentMissing
from server.services.compliance.kept_years import read_kept_years
from server.services.consent.ask import current_notice, list_notices
from server.services.consent.parts import (
    PERIODS,
    RECEIVER_PARTS,
    TEXT_PARTS,
    NoticeParts,
    Receiver,
    list_missing,
    read_parts,
)
from server.services.consent.publish import (
    MeaningChanged,
    NoticeIncomplete,
    ReceiverMalformed,
    propose_version,
    publish_notice,
    read_draft,
    save_draft,
)
from server.services.consent.shipped import OFFERED, list_other_years
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
LONGEST_TEXT = 2000
SPARE = 2
"""Empty rows for receivers of the college's own."""
WORDS, MEANING = "words", "meaning"


@blueprint.get("/notice")
@roles(Role.ADMIN, Role.AUDITOR)
def notice() -> Page:
    """Show the notice that is being written, what it lacks, and the versions so far."""
    with get_ctx().db.read() as session:
        parts = read_draft(session, current_viewer().institution_id)
    return _show(parts)


@blueprint.post("/notice")
@roles(Role.ADMIN)
def notice_save() -> Page:
    """Keep the draft, or publish it."""
    ctx, viewer = get_ctx(), current_viewer()
    parts = _read_form(request.form)
    act = request.form.get("act", "")
    try:
        save_draft(ctx, viewer, parts)
        if act not in {WORDS, MEANING}:
            say("草稿已保存")
            return redirect(url_for("console.notice"), 303)
        has_new_meaning = act == MEANING
        if has_new_meaning and not list_missing(parts) and not is_confirmed():
            return ask(
                "发布告知书，内容有变",
                "发布",
                url_for("console.notice"),
                "发布后不能再修改，只能发布新的版本。",
                "所有学生在下一次上传照片前，会看到新的告知书并重新同意；已经上传的照片不受影响。",
                "接收方和人脸比对：说明没有变的，原来的同意继续有效；有变的，要重新同意。",
            )
        with ctx.db.read() as session:
            version = propose_version(
                ctx, session, viewer.institution_id, has_new_meaning=has_new_meaning
            )
        publish_notice(ctx, viewer.institution_id, parts, version=version, viewer=viewer)
    except (NoticeIncomplete, ReceiverMalformed, MeaningChanged, AssessmentMissing) as error:
        return _show(parts, error), error.status
    say(f"已发布 {version} 版")
    return redirect(url_for("console.notice"), 303)


def _read_form(form: Mapping[str, str]) -> NoticeParts:
    """Return the parts of the form; a receiver that is not used, or has no key, is none."""

    def read(name: str, longest: int = LONGEST_TEXT) -> str:
        return " ".join(form.get(name, "").split())[:longest]

    def read_receiver(prefix: str, key: str, title: str) -> dict[str, str]:
        parts = {part: read(f"{prefix}_{part}", 300) for part in RECEIVER_PARTS}
        return {"key": key, "title": title, **parts}

    own = [
        read_receiver(f"own{number}", read(f"own{number}_key", 30), read(f"own{number}_title", 30))
        for number in range(len(form))
        if read(f"own{number}_key", 30)
    ]
    offered = [
        read_receiver(key, key, title) for key, title in OFFERED.items() if form.get(f"use_{key}")
    ]
    return read_parts(
        {
            **{name: read(name) for name in TEXT_PARTS},
            "periods": {name: read(f"period_{name}", 200) for name in PERIODS},
            "registration": read_receiver("registration", "registration", "学历注册"),
            "receivers": offered + own,
        }
    )


def _show(parts: NoticeParts, error: CaijiError | None = None) -> str:
    ctx, viewer = get_ctx(), current_viewer()
    with ctx.db.read() as session:
        versions = list_notices(session, viewer.institution_id)
        present = current_notice(session, viewer.institution_id)
    known = {receiver.key: receiver for receiver in parts.receivers}
    own = [receiver for receiver in parts.receivers if receiver.key not in OFFERED]
    years = read_kept_years(ctx, viewer)
    return render_template(
        "console/notice.html",
        other_years=list_other_years(parts, years),
        years=years,
        parts=parts,
        text_parts=TEXT_PARTS,
        periods=PERIODS,
        receiver_parts=RECEIVER_PARTS,
        offered=[(key, title, known.get(key)) for key, title in OFFERED.items()],
        own=[*own, *(Receiver("", "") for _ in range(SPARE))],
        missing=list_missing(parts),
        is_present=parts == read_parts(present.parts),
        present=present,
        versions=versions,
        error=error.shown_message if error else "",
    )
