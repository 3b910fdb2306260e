"""The institution's own page: whom students ask, and its own reasons for sending photos back."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Institution, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.forms import FormReader
from server.console.rendering import say
from server.services.college.contact import FIELD_LENGTH, edit_contact, read_contact
from server.services.college.own_reasons import (
    MAX_REASONS,
    REASON_LENGTH,
    edit_own_reasons,
    read_own_reasons,
)
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
CONTACT = ("contact_name", "contact_phone", "contact_hours")


@blueprint.route("/institution", methods=["GET", "POST"])
@roles(Role.ADMIN)
def institution() -> Page:
    """Show and change the contact and the reasons; a field that is not sent stays as it is."""
    ctx, viewer = get_ctx(), current_viewer()
    with ctx.db.read() as session:
        contact = read_contact(session.get_one(Institution, viewer.institution_id))
        reasons = read_own_reasons(session, viewer.institution_id)
    present = dict(zip(CONTACT, (contact.name, contact.phone, contact.hours), strict=True))
    present["reasons"] = "\n".join(reasons)
    if request.method == "GET":
        return _show(present, {}, contact.text)
    values = present | {name: request.form[name] for name in present if name in request.form}
    form = FormReader(values)
    name, phone, hours = (form.text(field, longest=FIELD_LENGTH) for field in CONTACT)
    lines = [" ".join(line.split()) for line in values["reasons"].splitlines()]
    lines = list(dict.fromkeys(filter(None, lines)))
    if len(lines) > MAX_REASONS or any(len(line) > REASON_LENGTH for line in lines):
        form.errors["reasons"] = f"最多 {MAX_REASONS} 条，每条不超过 {REASON_LENGTH} 个字"
    if form.errors:
        return _show(values, form.errors, contact.text), 422
    if (name, phone, hours) != (contact.name, contact.phone, contact.hours):
        edit_contact(ctx, viewer, name=name, phone=phone, hours=hours)
    if lines != reasons:
        edit_own_reasons(ctx, viewer, lines)
    say("已保存")
    return redirect(url_for("console.institution"), 303)


def _show(values: dict[str, str], errors: dict[str, str], text: str) -> str:
    return render_template(
        "console/institution.html", values=values, errors=errors, text=text, most=MAX_REASONS
    )
