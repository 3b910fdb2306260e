"""Review (审核): the queue, one photo, the decision, undo, and the contact sheet."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from models import Role
from server.console.access import blueprint, current_viewer, roles
from server.console.rendering import say
from server.errors import NotFound
from server.services.review.decide import (
    UNDO_WINDOW,
    RejectionUnexplained,
    StudentLeft,
    approve_photo,
    find_undoable,
    reject_photo,
    undo_review,
)
from server.services.review.nudge import (
    CropOutsideBand,
    CropUnusable,
    ask_for_crop,
    read_nudge,
    wait_for_crop,
)
from server.services.review.queue import (
    PhotoHeldByOther,
    PhotoNotWaiting,
    hold_photo,
    peek_next,
    show_queue,
    take_next,
)
from server.services.review.sheet import approve_sheet, leave_photos, mark_sheet, show_sheet
from server.services.review.sheet_doubts import find_doubts
from server.services.review.undo_sheet import find_undoable_sheet, undo_sheet
from server.services.review.view import open_photo, view_photo
from server.surfaces import get_ctx

Page = str | Response | tuple[str, int]


@blueprint.get("/review")
@roles(Role.ADMIN, Role.REVIEWER)
def review_queue() -> Page:
    """Show what waits."""
    return render_template(
        "console/review_queue.html",
        queue=show_queue(get_ctx(), current_viewer()),
        done=_read_done(),
    )


@blueprint.get("/review/next")
@roles(Role.ADMIN, Role.REVIEWER)
def review_next() -> Page:
    """Go to the next photo; ``after`` names the one that is left, and lets go of it."""
    after = _read_id(request.args.get("after"))
    if after is not None:
        leave_photos(get_ctx(), current_viewer(), [after])
    return _go_on(done=None, after=after)


@blueprint.get("/review/<uuid:photo_id>")
@roles(Role.ADMIN, Role.REVIEWER)
def review_photo(photo_id: uuid.UUID) -> Page:
    """Show one photo to judge and hold it for this reviewer; one that is decided with its undo."""
    try:
        return _show_photo(photo_id)
    except PhotoNotWaiting as error:
        return _show_decided(photo_id, error)


@blueprint.post("/review/<uuid:photo_id>/approve")
@roles(Role.ADMIN, Role.REVIEWER)
def review_approve(photo_id: uuid.UUID) -> Page:
    """Approve, and go on with the next photo."""
    although_left = request.form.get("although_left") == "yes"
    try:
        review_id = approve_photo(
            get_ctx(), current_viewer(), photo_id, although_left=although_left
        )
    except StudentLeft as error:
        return _show_photo(photo_id, error=error.shown_message), error.status
    except PhotoNotWaiting as error:
        return _show_decided(photo_id, error), error.status
    return _go_on(done=review_id, after=photo_id)


@blueprint.post("/review/<uuid:photo_id>/reject")
@roles(Role.ADMIN, Role.REVIEWER)
def review_reject(photo_id: uuid.UUID) -> Page:
    """Send back with reasons, and go on with the next photo."""
    ctx, viewer = get_ctx(), current_viewer()
    codes, note = request.form.getlist("reason"), request.form.get("note", "")
    try:
        review_id = reject_photo(ctx, viewer, photo_id, reason_codes=codes, note=note)
    except RejectionUnexplained as error:
        return _show_photo(photo_id, error=error.shown_message), error.status
    except PhotoNotWaiting as error:
        return _show_decided(photo_id, error), error.status
    return _go_on(done=review_id, after=photo_id)


@blueprint.post("/review/<uuid:photo_id>/crop")
@roles(Role.ADMIN, Role.REVIEWER)
def review_crop(photo_id: uuid.UUID) -> Page:
    """Let the worker cut the standard photo anew, moved by hand, and show what came of it."""
    form = request.form
    try:
        is_reset = form.get("reset") == "yes"
        nudge = (
            read_nudge("0", "0", "100")
            if is_reset
            else read_nudge(form.get("right", ""), form.get("down", ""), form.get("percent", ""))
        )
        request_id = ask_for_crop(get_ctx(), current_viewer(), photo_id, nudge)
    except (CropUnusable, CropOutsideBand) as error:
        return _show_photo(photo_id, crop_error=error.shown_message), error.status
    except PhotoNotWaiting as error:
        return _show_decided(photo_id, error), error.status
    wait_for_crop(get_ctx(), request_id, get_ctx().settings.verdict_wait_s)
    return redirect(url_for("console.review_photo", photo_id=photo_id, crop=request_id), 303)


@blueprint.post("/review/decisions/<uuid:review_id>/undo")
@roles(Role.ADMIN, Role.REVIEWER)
def review_undo(review_id: uuid.UUID) -> Page:
    """Take a decision back and show its photo again."""
    photo_id = undo_review(get_ctx(), current_viewer(), review_id)
    say("已撤销，请重新审核", "info")
    return redirect(url_for("console.review_photo", photo_id=photo_id))


@blueprint.get("/review/sheet")
@roles(Role.ADMIN, Role.REVIEWER)
def review_sheet() -> Page:
    """Show clean passes side by side. Looking holds nothing."""
    ctx, viewer = get_ctx(), current_viewer()
    done = _read_id(request.args.get("done"))
    photos = show_sheet(ctx, viewer)
    return render_template(
        "console/review_sheet.html",
        photos=photos,
        doubts=find_doubts(ctx, viewer, photos),
        sheet_id=done,
        undoable=find_undoable_sheet(ctx, viewer, done) if done else 0,
    )


@blueprint.post("/review/sheet")
@roles(Role.ADMIN, Role.REVIEWER)
def review_sheet_approve() -> Page:
    """Approve the ticked photos of a contact sheet; what is unticked is judged alone later."""
    outcome = approve_sheet(
        get_ctx(), current_viewer(), shown=_read_ids("shown"), ticked=_read_ids("photo")
    )
    if outcome.approved:
        say(f"已通过 {outcome.approved} 张")
    else:
        say("没有通过任何照片", "info")
    if outcome.doubted:
        say(f"{outcome.doubted} 张存疑，不会再出现在一览中，请在审核队列里逐张审核", "info")
    if outcome.skipped:
        say(f"{outcome.skipped} 张已被更换、撤回或由他人审核，未处理", "warning")
    done = outcome.sheet_id if outcome.approved else None
    return redirect(url_for("console.review_sheet", done=done), 303)


@blueprint.post("/review/sheet/mark")
@roles(Role.ADMIN, Role.REVIEWER)
def review_sheet_mark() -> Page:
    """Hold the sheet with the first decision, and note what is unticked on it."""
    mark_sheet(get_ctx(), current_viewer(), shown=_read_ids("shown"), doubted=_read_ids("doubted"))
    return Response(status=204)


@blueprint.post("/review/leave")
@roles(Role.ADMIN, Role.REVIEWER)
def review_leave() -> Page:
    """Let go of photos: the page that held them was left."""
    leave_photos(get_ctx(), current_viewer(), _read_ids("shown"))
    return Response(status=204)


@blueprint.post("/review/sheets/<uuid:sheet_id>/undo")
@roles(Role.ADMIN, Role.REVIEWER)
def review_sheet_undo(sheet_id: uuid.UUID) -> Page:
    """Take the approvals of a sheet back."""
    outcome = undo_sheet(get_ctx(), current_viewer(), sheet_id)
    say(f"已撤销 {outcome.undone} 张，重新等待审核", "info")
    if outcome.kept:
        say(f"{outcome.kept} 张已超过一分钟或学生已重新上传，没有撤销", "warning")
    return redirect(url_for("console.review_sheet"), 303)


def _read_ids(name: str) -> list[uuid.UUID]:
    ids = (_read_id(text) for text in request.form.getlist(name))
    return [photo_id for photo_id in ids if photo_id is not None]


def _show_decided(photo_id: uuid.UUID, error: PhotoNotWaiting) -> str:
    """Show what was decided on a photo that waits no more, with its undo while the minute lasts."""
    ctx, viewer = get_ctx(), current_viewer()
    view = view_photo(ctx, viewer, photo_id)
    can_undo = view.decision is not None and find_undoable(ctx, viewer, view.decision.id)
    return render_template(
        "console/review_decided.html", view=view, can_undo=can_undo, message=error.shown_message
    )


def _show_photo(photo_id: uuid.UUID, error: str = "", crop_error: str = "") -> str:
    ctx, viewer = get_ctx(), current_viewer()
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
        crop_error=crop_error,
        asked_crop=_read_id(request.args.get("crop")),
    )


def _hold_following(photo_id: uuid.UUID) -> uuid.UUID | None:
    """Hold the photo after this one, so that its pictures can be loaded while this one is judged.

    It is held, not opened: its student may still replace it.
    """
    ctx, viewer = get_ctx(), current_viewer()
    following = peek_next(ctx, viewer, after=photo_id)
    if following is None:
        return None
    try:
        hold_photo(ctx, viewer, following, opens=False)
    except (PhotoNotWaiting, PhotoHeldByOther, NotFound):
        return None
    return following


def _go_on(done: uuid.UUID | None, after: uuid.UUID | None = None) -> Response:
    photo_id = take_next(get_ctx(), current_viewer(), after=after)
    if photo_id is None:
        if done is None:
            flash("没有其他等待审核的照片", "info")
        return redirect(url_for("console.review_queue", done=done), 303)
    return redirect(url_for("console.review_photo", photo_id=photo_id, done=done), 303)


def _read_done() -> object:
    review_id = _read_id(request.args.get("done"))
    return find_undoable(get_ctx(), current_viewer(), review_id) if review_id else None


def _read_id(text: str | None) -> uuid.UUID | None:
    try:
        return uuid.UUID(text or "")
    except ValueError:
        return None
