"""Exports (导出): ask for the photos of a batch, watch the job, take the archive, delete it."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass
from typing import IO, cast

from flask import redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.recent_sign_in import require_recent_sign_in
from server.console.rendering import say
from server.errors import CaijiError, ServiceBusy
from server.services.college.edit_centres import list_centres
from server.services.exports.left_out import ExportEmpty, NobodyAgreed, UseUnnamed, list_unnamed
from server.services.exports.manage import (
    delete_export,
    list_export_batches,
    list_exports,
    list_left_out,
    open_export,
    request_export,
    view_export,
)
from server.services.exports.plan import Naming, Use
from server.services.exports.scope import (
    ExportMalformed,
    PicturesWaiting,
    ReceiverMissing,
    list_uses,
)
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]
SINCE_LAST = "last"
DOWNLOADS_AT_ONCE = 3
"""A slow download holds a thread of the web process: uploads and callbacks keep the others."""
BLOCK_BYTES = 256 * 1024

_slots = threading.BoundedSemaphore(DOWNLOADS_AT_ONCE)


@blueprint.get("/exports")
@roles(Role.ADMIN, Role.AUDITOR)
def exports() -> Page:
    """Show the form and the exports so far."""
    args = request.args
    return _show_exports(_Choice.read(args))


@blueprint.post("/exports")
@roles(Role.ADMIN)
def export_request() -> Page:
    """Start an export; asks for the password first."""
    form = request.form
    choice = _Choice.read(form)
    if (detour := require_recent_sign_in()) is not None:
        return detour
    try:
        job_id = request_export(
            get_ctx(),
            current_viewer(),
            batch=choice.batch,
            naming=choice.naming,
            uses=choice.uses,
            centre=choice.centre,
            is_since_last=choice.since == SINCE_LAST,
            receiver=choice.receiver,
            purpose=choice.purpose,
        )
    except (
        ExportMalformed,
        ReceiverMissing,
        ExportEmpty,
        NobodyAgreed,
        PicturesWaiting,
        UseUnnamed,
    ) as error:
        return _show_exports(choice, error), error.status
    return redirect(url_for("console.export_job", job_id=job_id), 303)


@blueprint.get("/exports/<uuid:job_id>")
@roles(Role.ADMIN, Role.AUDITOR)
def export_job(job_id: uuid.UUID) -> Page:
    """Show one export; the page renews itself while it is under way."""
    ctx, viewer = get_ctx(), current_viewer()
    view = view_export(ctx, viewer, job_id)
    left_out = list_left_out(ctx, viewer, job_id)
    return render_template("console/export_job.html", view=view, left_out=left_out)


@blueprint.get("/exports/<uuid:job_id>/archive.zip")
@roles(Role.ADMIN)
def export_download(job_id: uuid.UUID) -> Page:
    """Send the archive; a broken download goes on by Range, checked against the ETag."""
    if (detour := require_recent_sign_in()) is not None:
        return detour
    if not _slots.acquire(blocking=False):
        raise ServiceBusy("正在进行的下载较多，请稍后再试", retry_after_s=30)
    try:
        response = _make_download(job_id)
    except BaseException:
        _slots.release()
        raise
    response.call_on_close(_slots.release)
    return response


@blueprint.post("/exports/<uuid:job_id>/delete")
@roles(Role.ADMIN)
def export_delete(job_id: uuid.UUID) -> Page:
    """Cancel an export or delete its archive."""
    delete_export(get_ctx(), current_viewer(), job_id)
    say("导出已取消或删除", "info")
    return redirect(url_for("console.exports"), 303)


def _make_download(job_id: uuid.UUID) -> Response:
    wanted = request.range.ranges[0][0] if request.range else 0
    archive = open_export(get_ctx(), current_viewer(), job_id, start=max(0, wanted or 0))
    # Not a direct passthrough: werkzeug would not call what releases the slot.
    response = Response(
        FileWrapper(cast("IO[bytes]", archive.file), BLOCK_BYTES), mimetype="application/zip"
    )
    response.content_length = archive.size_bytes
    response.headers["Content-Disposition"] = f'attachment; filename="{archive.name}"'
    response.headers["Cache-Control"] = "private, no-store"
    response.set_etag(archive.sha256)
    return response.make_conditional(
        request.environ, accept_ranges=True, complete_length=archive.size_bytes
    )


@dataclass(frozen=True)
class _Choice:
    """What was chosen in the form, as it was typed."""

    batch: str
    naming: str
    uses: list[str]
    centre: str
    since: str
    receiver: str
    purpose: str

    @classmethod
    def read(cls, values: MultiDict[str, str]) -> _Choice:
        names = ("batch", "naming", "centre", "since", "receiver", "purpose")
        batch, naming, *rest = (values.get(name, "")[:200] for name in names)
        return cls(batch, naming, values.getlist("use"), *rest)


def _show_exports(choice: _Choice, error: CaijiError | None = None) -> str:
    ctx, viewer = get_ctx(), current_viewer()
    batches = [
        (one.label, f"{one.label}（{count} 张{'' if one.closed_at else '，批次未关闭'}）")
        for one, count in list_export_batches(ctx, viewer)
    ]
    uses = list_uses(ctx, viewer)
    with ctx.db.read() as db:
        unnamed = list_unnamed(db, viewer.institution_id, uses)
    return render_template(
        "console/exports.html",
        batches=batches,
        namings=list(Naming),
        all_uses=uses,
        unnamed=unnamed,
        centres=[(str(row.centre.id), row.centre.name) for row in list_centres(ctx, viewer)],
        scopes=[("", "全部"), (SINCE_LAST, "上次导出以后的")],
        chosen=choice,
        views=list_exports(ctx, viewer),
        chosen_naming=choice.naming or Naming.STUDENT_NO.value,
        chosen_uses=choice.uses or [Use.REGISTRATION.value],
        error=error.shown_message if error else "",
    )
