"""Review (审核): the queue, one photo, the decision, undo, and the contact sheet."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_context, current_viewer, roles
from server.console.rendering import say
from server.errors import NotFound
from server.services.review_photo import (
    UNDO_WINDOW,
    RejectionUnexplained,
    approve_photo,
    approve_sheet,
    find_undoable,
    reject_photo,
    undo_review,
)
from server.services.review_queue import (
    PhotoHeldByOther,
    PhotoNotWaiting,
    hold_photo,
    hold_sheet,
    peek_next,
    show_queue,
    take_next,
)
from server.services.view_review import open_photo

Page = str | Response | tuple[str, int]


@blueprint.get("/review")
@roles(Role.ADMIN, Role.REVIEWER)
def review_queue() -> Page:
    """Show what waits."""
    return render_template(
        "console/review_queue.html",
        queue=show_queue(current_context(), current_viewer()),
        done=_read_done(),
    )


@blueprint.get("/review/next")
@roles(Role.ADMIN, Role.REVIEWER)
def review_next() -> Page:
    """Go to the next photo; ``but`` names one to pass over."""
    return _go_on(done=None, but=_read_id(request.args.get("but")))


@blueprint.get("/review/<uuid:photo_id>")
@roles(Role.ADMIN, Role.REVIEWER)
def review_photo(photo_id: uuid.UUID) -> Page:
    """Show one photo to judge, and hold it for this reviewer."""
    return _show_photo(photo_id)


@blueprint.post("/review/<uuid:photo_id>/approve")
@roles(Role.ADMIN, Role.REVIEWER)
def review_approve(photo_id: uuid.UUID) -> Page:
    """Approve, and go on with the next photo."""
    review_id = approve_photo(current_context(), current_viewer(), photo_id)
    return _go_on(done=review_id)


@blueprint.post("/review/<uuid:photo_id>/reject")
@roles(Role.ADMIN, Role.REVIEWER)
def review_reject(photo_id: uuid.UUID) -> Page:
    """Send back with reasons, and go on with the next photo."""
    ctx, viewer = current_context(), current_viewer()
    codes, note = request.form.getlist("reason"), request.form.get("note", "")
    try:
        review_id = reject_photo(ctx, viewer, photo_id, reason_codes=codes, note=note)
    except RejectionUnexplained as error:
        return _show_photo(photo_id, error=error.shown_message), error.status
    return _go_on(done=review_id)


@blueprint.post("/review/decisions/<uuid:review_id>/undo")
@roles(Role.ADMIN, Role.REVIEWER)
def review_undo(review_id: uuid.UUID) -> Page:
    """Take a decision back and show its photo again."""
    photo_id = undo_review(current_context(), current_viewer(), review_id)
    say("已撤销,请重新审核", "info")
    return redirect(url_for("console.review_photo", photo_id=photo_id))


@blueprint.get("/review/sheet")
@roles(Role.ADMIN, Role.REVIEWER)
def review_sheet() -> Page:
    """Show clean passes side by side."""
    photos = hold_sheet(current_context(), current_viewer())
    return render_template("console/review_sheet.html", photos=photos)


@blueprint.post("/review/sheet")
@roles(Role.ADMIN, Role.REVIEWER)
def review_sheet_approve() -> Page:
    """Approve the ticked photos of a contact sheet."""
    ids = [_read_id(text) for text in request.form.getlist("photo")]
    chosen = [photo_id for photo_id in ids if photo_id is not None]
    outcome = approve_sheet(current_context(), current_viewer(), chosen)
    say(f"已采用 {outcome.approved} 张")
    if outcome.skipped:
        say(f"{outcome.skipped} 张已被更换、撤回或由他人审核,未处理", "warning")
    return redirect(url_for("console.review_sheet"))


def _show_photo(photo_id: uuid.UUID, error: str = "") -> str:
    ctx, viewer = current_context(), current_viewer()
    view = open_photo(ctx, viewer, photo_id)
    return render_template(
        "console/review_photo.html",
        view=view,
        following=_hold_following(photo_id),
        done=_read_done(),
        undo_s=int(UNDO_WINDOW.total_seconds()),
        chosen=request.form.getlist("reason"),
        note=request.form.get("note", ""),
        error=error,
    )


def _hold_following(photo_id: uuid.UUID) -> uuid.UUID | None:
    """Hold the photo after this one, so that its pictures can be loaded while this one is judged.

    It is held, not opened: its student may still replace it.
    """
    ctx, viewer = current_context(), current_viewer()
    following = peek_next(ctx, viewer, but=photo_id)
    if following is None:
        return None
    try:
        hold_photo(ctx, viewer, following, opens=False)
    except (PhotoNotWaiting, PhotoHeldByOther, NotFound):
        return None
    return following


def _go_on(done: uuid.UUID | None, but: uuid.UUID | None = None) -> Response:
    photo_id = take_next(current_context(), current_viewer(), but=but)
    if photo_id is None:
        if done is None:
            flash("没有其他等待审核的照片", "info")
        return redirect(url_for("console.review_queue", done=done), 303)
    return redirect(url_for("console.review_photo", photo_id=photo_id, done=done), 303)


def _read_done() -> object:
    review_id = _read_id(request.args.get("done"))
    return find_undoable(current_context(), current_viewer(), review_id) if review_id else None


def _read_id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
