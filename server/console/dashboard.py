"""The first page: how far the collection is."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import STAFF, WORKERS, blueprint, current_viewer, may_open, roles
from server.services.chsi.overview import count_codes
from server.services.compliance.stored_faces import read_stored_faces
from server.services.overview.behind_figures import DAYS_SHOWN
from server.services.overview.dashboard import read_dashboard
from server.services.review.automatic import read_automatic
from server.surfaces import get_ctx

REVIEWING = {Role.ADMIN, Role.REVIEWER}


@blueprint.get("/", strict_slashes=False)
@roles(*STAFF)
def dashboard() -> str | Response:
    """Show the state of the collection; a learning centre starts at its students."""
    if current_viewer().role is Role.AUDITOR:
        return redirect(url_for("console.audit_log"))
    if current_viewer().role is Role.CENTRE:
        return redirect(url_for("console.students"))
    return progress()


@blueprint.get("/progress")
@roles(*WORKERS)
def progress() -> str:
    """Show the figures to everyone, a learning centre its own."""
    ctx, viewer = get_ctx(), current_viewer()
    notice = read_stored_faces(ctx, viewer)[1] if may_open("console.assessments") else None
    figures = read_dashboard(ctx, viewer)
    automatic = read_automatic(ctx, viewer) if viewer.role in REVIEWING else None
    return render_template(
        "console/dashboard.html",
        figures=figures,
        codes=count_codes(ctx, viewer),
        days_shown=DAYS_SHOWN,
        face_notice=notice,
        automatic=automatic,
    )
