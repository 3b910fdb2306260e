"""Tries a profile on a real photo of the college before anybody depends on it.

The worker makes the picture (a web process loads no image library); the page asks for it. The
picture is kept sealed in its row and is gone within the hour.
"""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import delete, or_, select, update

from imagecheck.profiles.feasible import list_faults
from imagecheck.profiles.photo_profile import PhotoProfile
from models import Enrolment, Photo, PhotoState, ProfileTrial, describe_place
from server.context import Context
from server.errors import CaijiError, NotFound
from server.gateways.photo_store import PhotoMissing
from server.services.audit import record_audit
from server.services.profiles.catalogue import ProfileImpossible
from server.services.profiles.cut import GIVEN_UP, LEASE, MAX_ATTEMPTS, ORIGINAL_GONE, Made, Maker
from server.services.viewer import Viewer, list_scope

KEPT = dt.timedelta(hours=1)


class NoPhotoToTry(CaijiError):
    """The college has no photo with its original, or that student has none."""

    code = "no_photo_to_try"
    status = 404
    message = "没有找到可以试做的照片：学生还没有通过检测的照片，或原图已删除"


def request_trial(
    ctx: Context, viewer: Viewer, profile: PhotoProfile, *, student_no: str = ""
) -> uuid.UUID:
    """Ask for a profile's picture of one photo; the newest of the college without a 学号.

    Owns its transaction.

    Raises:
        ProfileImpossible, NoPhotoToTry.
    """
    faults = list_faults(profile)
    if faults:
        raise ProfileImpossible("；".join(faults))
    now = ctx.now()
    with ctx.db.write() as session:
        query = (
            select(Photo.id)
            .join(Enrolment, Enrolment.photo_id == Photo.id)
            .where(
                *list_scope(viewer),
                Photo.state.in_((PhotoState.APPROVED, PhotoState.CHECKED)),
                Photo.original_key.is_not(None),
            )
            .order_by(Photo.state, Photo.submitted_at.desc())
        )
        if student_no:
            query = query.where(Enrolment.student_no == student_no)
        photo_id = session.scalars(query.limit(1)).first()
        if photo_id is None:
            raise NoPhotoToTry
        trial = ProfileTrial(
            institution_id=viewer.institution_id,
            staff_id=viewer.staff_id,
            photo_id=photo_id,
            profile=profile.to_json(),
            requested_at=now,
        )
        session.add(trial)
        session.flush()
        record_audit(
            session,
            viewer,
            "profile.try",
            at=now,
            subject_kind="photo",
            subject_id=photo_id,
            规格=profile.title,
        )
        return trial.id


def get_trial(ctx: Context, viewer: Viewer, trial_id: uuid.UUID) -> ProfileTrial:
    """Return one's own trial; raises NotFound, also when it is gone."""
    with ctx.db.read() as session:
        trial = session.get(ProfileTrial, trial_id)
    if trial is None or trial.staff_id != viewer.staff_id:
        raise NotFound
    return trial


def open_picture(ctx: Context, trial: ProfileTrial) -> bytes:
    """Return the picture of a trial; raises NotFound when none was made."""
    if trial.picture_encrypted is None:
        raise NotFound
    return ctx.cipher.decrypt_bytes(trial.picture_encrypted, place=_place(trial.id))


def try_next(ctx: Context, maker: Maker) -> bool:
    """Make the picture of the trial that has waited longest; returns whether there was one."""
    trial, photo_key = _claim(ctx)
    if trial is None:
        return False
    made = _make(ctx, maker, trial, photo_key)
    sealed = ctx.cipher.encrypt(made.jpeg, place=_place(trial.id)) if made.jpeg else None
    with ctx.db.write() as session:
        session.execute(
            update(ProfileTrial)
            .where(ProfileTrial.id == trial.id)
            .values(
                ended_at=ctx.now(),
                report=made.report,
                derived_wall=made.derived_wall,
                picture_encrypted=sealed,
            )
        )
    return True


def _make(ctx: Context, maker: Maker, trial: ProfileTrial, photo_key: str | None) -> Made:
    if trial.attempts > MAX_ATTEMPTS:
        return GIVEN_UP
    if photo_key is None:
        return ORIGINAL_GONE
    try:
        data = ctx.photo_store.get(photo_key)
    except PhotoMissing:
        return ORIGINAL_GONE
    return maker.make(data, [PhotoProfile.from_json(trial.profile)])[0]


def _claim(ctx: Context) -> tuple[ProfileTrial | None, str | None]:
    now = ctx.now()
    is_free = or_(ProfileTrial.started_at.is_(None), ProfileTrial.started_at < now - LEASE)
    with ctx.db.read() as session:  # most rounds find nothing, and write nothing
        waiting = session.scalar(
            select(ProfileTrial.id).where(ProfileTrial.ended_at.is_(None), is_free).limit(1)
        )
    if waiting is None:
        return None, None
    with ctx.db.write() as session:
        trial = session.scalars(
            select(ProfileTrial)
            .where(ProfileTrial.ended_at.is_(None), is_free)
            .order_by(ProfileTrial.requested_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if trial is None:
            return None, None
        trial.attempts += 1
        trial.started_at = now
        return trial, session.get_one(Photo, trial.photo_id).original_key


def remove_old_trials(ctx: Context) -> int:
    """Delete trials that are over an hour old (a sweeper); returns how many."""
    with ctx.db.write() as session:
        result = session.execute(
            delete(ProfileTrial)
            .where(ProfileTrial.requested_at < ctx.now() - KEPT)
            .execution_options(synchronize_session=False)
        )
        return int(result.rowcount)  # type: ignore[attr-defined]


def _place(trial_id: uuid.UUID) -> bytes:
    return describe_place("profile_trial", "picture_encrypted", trial_id)
