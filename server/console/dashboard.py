"""The first page: how far the collection is."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import STAFF, blueprint, current_context, current_viewer, roles
from server.services.dashboard import DAYS_SHOWN, read_dashboard


@blueprint.get("/", strict_slashes=False)
@roles(*STAFF)
def dashboard() -> str | Response:
    """Show the state of the collection; a learning centre starts at its students."""
    if current_viewer().role is Role.CENTRE:
        return redirect(url_for("console.students"))
    return progress()


@blueprint.get("/progress")
@roles(*STAFF)
def progress() -> str:
    """Show the figures to everyone, a learning centre its own."""
    figures = read_dashboard(current_context(), current_viewer())
    return render_template("console/dashboard.html", figures=figures, days_shown=DAYS_SHOWN)
