"""Learning centres (学习中心): their names, and whom their students may ask."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import LearningCentre, Role
from server.console.access import blueprint, current_context, current_viewer, roles
from server.console.forms import FormReader
from server.console.rendering import say
from server.services.edit_centres import get_centre, list_centres, save_centre
from server.services.manage_institution import AlreadyExists

NAME_LENGTH = 100
CONTACT_LENGTH = 200
Page = str | Response | tuple[str, int]


@blueprint.get("/centres")
@roles(Role.ADMIN)
def centres() -> Page:
    """List the centres."""
    rows = list_centres(current_context(), current_viewer())
    return render_template("console/centres.html", rows=rows)


@blueprint.route("/centres/new", methods=["GET", "POST"])
@roles(Role.ADMIN)
def centre_new() -> Page:
    """Create a centre."""
    return _edit(None)


@blueprint.route("/centres/<uuid:centre_id>", methods=["GET", "POST"])
@roles(Role.ADMIN)
def centre(centre_id: uuid.UUID) -> Page:
    """Change a centre."""
    return _edit(get_centre(current_context(), current_viewer(), centre_id))


def _edit(row: LearningCentre | None) -> Page:
    if request.method == "GET":
        values = {"name": row.name, "contact": row.contact} if row else {}
        return _show_form(row, values, {})
    form = FormReader(request.form)
    name = form.text("name", longest=NAME_LENGTH, is_required=True)
    contact = form.text("contact", longest=CONTACT_LENGTH)
    if not form.errors:
        try:
            save_centre(
                current_context(),
                current_viewer(),
                row.id if row else None,
                name=name,
                contact=contact,
            )
        except AlreadyExists:
            form.errors["name"] = "已有同名的学习中心"
        else:
            say(f"{name} 已保存")
            return redirect(url_for("console.centres"), 303)
    return _show_form(row, request.form, form.errors), 422


def _show_form(row: LearningCentre | None, values: Any, errors: dict[str, str]) -> str:
    return render_template("console/centre.html", centre=row, values=values, errors=errors)
