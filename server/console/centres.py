"""Learning centres (学习中心): their names, and whom their students may ask."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import LearningCentre, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader
from server.console.rendering import say
from server.services.college.edit_centres import get_centre, list_centres, save_centre
from server.services.college.merge_centres import (
    CentreInUse,
    count_use,
    delete_centre,
    merge_centre,
)
from server.services.college.set_up import AlreadyExists
from server.surfaces import get_ctx

NAME_LENGTH = 100
CONTACT_LENGTH = 200
Page = str | Response | tuple[str, int]


@blueprint.get("/centres")
@roles(Role.ADMIN)
def centres() -> Page:
    """List the centres."""
    rows = list_centres(get_ctx(), current_viewer())
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
    return _edit(get_centre(get_ctx(), current_viewer(), centre_id))


@blueprint.post("/centres/<uuid:centre_id>/merge")
@roles(Role.ADMIN)
def centre_merge(centre_id: uuid.UUID) -> Page:
    """Merge a centre into another one; asks first."""
    ctx, viewer = get_ctx(), current_viewer()
    use = count_use(ctx, viewer, centre_id)
    into_id = read_id("into")
    if into_id is None or into_id == centre_id:
        say("请选择要合并到哪个学习中心", "warning")
        return redirect(url_for("console.centre", centre_id=centre_id), 303)
    into = get_centre(ctx, viewer, into_id)
    if not is_confirmed():
        return ask(
            f"把{use.name}合并到{into.name}",
            "确认合并",
            url_for("console.centre", centre_id=centre_id),
            f"{use.students} 名学生和 {use.accounts} 个账号转到{into.name}，"
            "这些账号此后看到合并后的全部学生。",
            "学生的照片、缴费和采集情况不变。",
            f"{use.name}从列表中消失，不能撤销；名单文件里请改用{into.name}。",
        )
    name, kept = merge_centre(ctx, viewer, centre_id, into_id)
    say(f"{name} 已合并到 {kept}")
    return redirect(url_for("console.centres"), 303)


@blueprint.post("/centres/<uuid:centre_id>/delete")
@roles(Role.ADMIN)
def centre_delete(centre_id: uuid.UUID) -> Page:
    """Delete a centre to which nobody belongs; asks first."""
    ctx, viewer = get_ctx(), current_viewer()
    use = count_use(ctx, viewer, centre_id)
    if use.students or use.accounts:
        raise CentreInUse
    if not is_confirmed():
        return ask(
            f"删除{use.name}",
            "确认删除",
            url_for("console.centre", centre_id=centre_id),
            "没有学生和账号属于它；删除后不能撤销，需要时可以重新建立。",
        )
    say(f"{delete_centre(ctx, viewer, centre_id)} 已删除")
    return redirect(url_for("console.centres"), 303)


def read_id(name: str) -> uuid.UUID | None:
    """Return an id that a form chose, or None."""
    try:
        return uuid.UUID(request.form.get(name, ""))
    except ValueError:
        return None


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
                get_ctx(),
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
    rows = list_centres(get_ctx(), current_viewer()) if row else []
    others = [
        (str(one.centre.id), one.centre.name) for one in rows if row and one.centre.id != row.id
    ]
    return render_template(
        "console/centre.html", centre=row, values=values, errors=errors, others=others
    )
