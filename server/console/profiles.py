"""Photo profiles (照片规格): list, switch, change, add, try on a real photo, and catch up."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from imagecheck.profiles.feasible import FILE_NAMES, MOST_KB
from imagecheck.profiles.photo_profile import MEASURES, WALLS, HeadRule, Measure, PhotoProfile
from models import ProfileTrial, Role
from server.console.access import blueprint, current_viewer, roles
from server.console.confirmation import ask, is_confirmed
from server.console.forms import FormReader
from server.console.rendering import say
from server.errors import NotFound
from server.services.exports.manage import list_export_batches
from server.services.profiles.catalogue import (
    ProfileImpossible,
    ProfileTaken,
    TooManyProfiles,
    get_profile,
    list_profiles,
    save_profile,
    switch_profile,
)
from server.services.profiles.plan import catch_up
from server.services.profiles.trial import (
    NoPhotoToTry,
    get_trial,
    open_picture,
    request_trial,
)
from server.surfaces import get_ctx

CONFIDENCES = {"high": "有原文", "medium": "多处一致", "low": "待核对"}
UNITS = {"share": "百分比", "px": "像素"}
CHOICES = {
    "file_name": list(FILE_NAMES.items()),
    "derived_wall": [("", "不换背景"), *((name, f"换成{zh}") for name, zh in WALLS.items())],
    "confidence": list(CONFIDENCES.items()),
    "unit": list(UNITS.items()),
    "walls": list(WALLS.items()),
    "measures": list(MEASURES.items()),
}
REFRESH_S = 2
MOST_PX = 10_000
Page = str | BaseResponse | tuple[str, int]


@blueprint.get("/profiles")
@roles(Role.ADMIN)
def profiles() -> Page:
    """List the profiles."""
    ctx, viewer = get_ctx(), current_viewer()
    return render_template(
        "console/profiles.html",
        rows=list_profiles(ctx, viewer),
        batches=[(batch.id, batch.label) for batch, _ in list_export_batches(ctx, viewer)],
        walls=WALLS,
        confidences=CONFIDENCES,
    )


@blueprint.route("/profiles/new", methods=["GET", "POST"])
@roles(Role.ADMIN)
def profile_new() -> Page:
    """Add a profile of the college's own."""
    if request.method == "GET":
        trial = _find_trial()
        return _show(None, _fill_in(trial) if trial else _NEW, {}, trial=trial)
    return _save(None)


@blueprint.route("/profiles/<key>", methods=["GET", "POST"])
@roles(Role.ADMIN)
def profile(key: str) -> Page:
    """Show a profile and change it, or try it on a photo."""
    view = get_profile(get_ctx(), current_viewer(), key)
    if request.method == "POST":
        return _save(view.profile)
    trial = _find_trial()
    return _show(view.profile, _fill_in(trial or view.profile), {}, trial=trial)


@blueprint.post("/profiles/<key>/on")
@roles(Role.ADMIN)
def profile_on(key: str) -> Page:
    """Have pictures made by it from now on."""
    named = switch_profile(get_ctx(), current_viewer(), key, is_on=True)
    say(f"已启用 {named.title}：以后审核通过的照片会生成这一规格。已采集的照片请选批次补做")
    return redirect(url_for("console.profiles"), 303)


@blueprint.post("/profiles/<key>/off")
@roles(Role.ADMIN)
def profile_off(key: str) -> Page:
    """Make no more pictures by it; asks first."""
    named = get_profile(get_ctx(), current_viewer(), key).profile
    if not is_confirmed():
        return ask(
            f"停用 {named.title}",
            "确认停用",
            url_for("console.profiles"),
            "以后审核通过的照片不再生成这一规格，导出时也不能再选它。",
            "已生成的照片保留；需要时可以重新启用。",
        )
    switch_profile(get_ctx(), current_viewer(), key, is_on=False)
    say(f"已停用 {named.title}")
    return redirect(url_for("console.profiles"), 303)


@blueprint.post("/profiles/<key>/catch-up")
@roles(Role.ADMIN)
def profile_catch_up(key: str) -> Page:
    """Have the pictures of a batch made that is collected already."""
    named = get_profile(get_ctx(), current_viewer(), key).profile
    try:
        batch_id = uuid.UUID(request.form.get("batch", ""))
    except ValueError:
        say("请先选择批次", "warning")
        return redirect(url_for("console.profiles"), 303)
    count = catch_up(get_ctx(), current_viewer(), batch_id, key=named.key)
    say(f"正在生成 {count} 张" if count else "没有需要补做的照片", "success" if count else "info")
    return redirect(url_for("console.profiles"), 303)


@blueprint.get("/profiles/trials/<uuid:trial_id>.jpg")
@roles(Role.ADMIN)
def profile_trial(trial_id: uuid.UUID) -> Response:
    """Send the picture of one's own trial."""
    ctx = get_ctx()
    response = make_response(open_picture(ctx, get_trial(ctx, current_viewer(), trial_id)))
    response.headers["Content-Type"] = "image/jpeg"
    response.headers["Cache-Control"] = "no-store"
    return response


def _save(former: PhotoProfile | None) -> Page:
    """Save what was typed, or have it tried: both go by the same form."""
    form = FormReader(request.form)
    wanted = _read(form, former)
    if form.errors:
        return _show(former, request.form, form.errors), 422
    act = _try if request.form.get("act") == "try" else _keep
    try:
        return act(wanted, former)
    except (ProfileTaken, NoPhotoToTry) as error:
        field = "key" if isinstance(error, ProfileTaken) else "student_no"
        return _show(former, request.form, {field: error.shown_message}), 422
    except (ProfileImpossible, TooManyProfiles) as error:
        return _show(former, request.form, {}, error=error.shown_message), error.status


def _try(wanted: PhotoProfile, former: PhotoProfile | None) -> Page:
    student_no = request.form.get("student_no", "").strip()
    trial_id = request_trial(get_ctx(), current_viewer(), wanted, student_no=student_no)
    if former is None:
        return redirect(url_for("console.profile_new", trial=trial_id), 303)
    return redirect(url_for("console.profile", key=former.key, trial=trial_id), 303)


def _keep(wanted: PhotoProfile, former: PhotoProfile | None) -> Page:
    save_profile(get_ctx(), current_viewer(), wanted, is_new=former is None)
    say("已保存。已生成的照片不变，以后的按新要求生成")
    return redirect(url_for("console.profile", key=wanted.key), 303)


def _read(form: FormReader, former: PhotoProfile | None) -> PhotoProfile:
    values = request.form
    return PhotoProfile(
        key=former.key if former else values.get("key", "").strip().lower(),
        title=form.text("title", longest=40, is_required=True),
        width_px=form.integer("width_px", least=1, most=MOST_PX),
        height_px=form.integer("height_px", least=1, most=MOST_PX),
        dpi=form.integer("dpi", least=1, most=MOST_PX),
        min_kb=form.number("min_kb", least=0, most=MOST_KB),
        max_kb=form.number("max_kb", least=0, most=MOST_KB),
        walls=tuple(name for name in WALLS if name in values.getlist("walls")),
        head=_read_head(form),
        file_name=form.choice("file_name", FILE_NAMES),
        derived_wall=form.choice("derived_wall", {"", *WALLS}),
        is_standard=former is not None and former.is_standard,
        source=form.text("source", longest=200),
        dated=form.text("dated", longest=20),
        confidence=form.choice("confidence", CONFIDENCES),  # type: ignore[arg-type]
    )


def _read_head(form: FormReader) -> dict[Measure, HeadRule]:
    rules: dict[Measure, HeadRule] = {}
    for name in MEASURES:
        unit = form.choice(f"{name}_unit", UNITS)
        factor = 1.0 if unit == "px" else 0.01
        low = form.number(f"{name}_low", least=0, most=MOST_PX)
        high = form.number(f"{name}_high", least=0, most=MOST_PX)
        if low is None and high is None:
            continue
        if low is None or high is None:
            form.errors.setdefault(f"{name}_low", "上下限要么都填，要么都不填")
            continue
        is_px = unit == "px"
        rules[name] = HeadRule(
            round(low * factor, 4), round(high * factor, 4), "px" if is_px else "share"
        )
    return rules


def _find_trial() -> ProfileTrial | None:
    """Return the trial that the address names, while it is there."""
    try:
        return get_trial(get_ctx(), current_viewer(), uuid.UUID(request.args.get("trial", "")))
    except (ValueError, NotFound):
        return None


def _fill_in(source: PhotoProfile | ProfileTrial) -> MultiDict[str, Any]:
    """Return a profile as its form has it; shares are shown as percent."""
    if isinstance(source, ProfileTrial):
        source = PhotoProfile.from_json(source.profile)
    values = MultiDict(
        (name, "" if value is None else f"{value:g}" if isinstance(value, float) else value)
        for name, value in source.to_json().items()
        if name not in ("walls", "head")
    )
    values.setlist("walls", list(source.walls))
    for name, rule in source.head.items():
        factor = 1 if rule.unit == "px" else 100
        values[f"{name}_low"] = f"{rule.low * factor:g}"
        values[f"{name}_high"] = f"{rule.high * factor:g}"
        values[f"{name}_unit"] = rule.unit
    return values


_NEW = _fill_in(replace(PhotoProfile("new", "", 295, 413), key="", confidence="low"))


def _show(
    former: PhotoProfile | None,
    values: Mapping[str, Any],
    errors: dict[str, str],
    *,
    trial: ProfileTrial | None = None,
    error: str = "",
) -> str:
    is_waiting = trial is not None and trial.ended_at is None
    return render_template(
        "console/profile.html",
        profile=former,
        values=values,
        walls=values.getlist("walls") if isinstance(values, MultiDict) else [],
        errors=errors,
        error=error,
        choices=CHOICES,
        trial=trial,
        refresh_s=REFRESH_S if is_waiting else 0,
    )
