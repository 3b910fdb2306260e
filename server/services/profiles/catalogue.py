"""The photo profiles (照片规格) of an institution: shipped ones until touched, and its own.

The standard photo is no matter of choice: 学历注册 and what takes the same picture are always on.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from imagecheck.profiles.feasible import list_doubts, list_faults
from imagecheck.profiles.photo_profile import PhotoProfile
from imagecheck.profiles.shipped import SHIPPED
from models import CutState, Enrolment, PhotoProfileRow, ProfilePhoto
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.viewer import Viewer

MOST = 60
"""Profiles of one institution: a page and a pass of the worker must stay bounded."""


class ProfileImpossible(CaijiError):
    """Its numbers contradict each other: no photo could fulfil it. The message says why."""

    code = "profile_impossible"
    status = 422
    message = "这一规格没有照片能满足"


class ProfileTaken(CaijiError):
    """There is one of that key."""

    code = "profile_taken"
    status = 409
    message = "这个代号已经有了"


class ProfileFixed(CaijiError):
    """The standard photo follows the Ministry's rules, not a college's wishes."""

    code = "profile_fixed"
    status = 409
    message = "这一规格就是标准照片，按教育部的规范，不能修改或停用"


class TooManyProfiles(CaijiError):
    """More than a page and a pass of the worker can hold."""

    code = "too_many_profiles"
    status = 422
    message = f"最多可以有 {MOST} 种照片规格"


@dataclass(frozen=True)
class ProfileView:
    """One profile as the institution has it.

    Attributes:
        profile: its numbers.
        is_on: pictures are made by it.
        is_shipped: it came with the program.
        is_changed: the institution has changed its numbers.
        counts: pictures by state.
    """

    profile: PhotoProfile
    is_on: bool
    is_shipped: bool
    is_changed: bool
    counts: dict[CutState, int]

    @property
    def doubts(self) -> list[str]:
        """What many photos will fail."""
        return [] if self.profile.is_standard else list_doubts(self.profile)


def list_profiles(ctx: Context, viewer: Viewer) -> list[ProfileView]:
    """Return every profile of the viewer's institution, the standard photo first, then by title."""
    with ctx.db.read() as session:
        rows = {row.key: row for row in session.scalars(_select_rows(viewer))}
        counts = _count_pictures(session, viewer)
    views = [_view(key, rows.get(key), counts) for key in {**SHIPPED, **rows}]
    return sorted(views, key=lambda view: (not view.profile.is_standard, not view.is_on))


def get_profile(ctx: Context, viewer: Viewer, key: str) -> ProfileView:
    """Return one profile of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        row = session.scalars(_select_rows(viewer).where(PhotoProfileRow.key == key)).first()
        counts = _count_pictures(session, viewer)
    if row is None and key not in SHIPPED:
        raise NotFound
    return _view(key, row, counts)


def save_profile(
    ctx: Context, viewer: Viewer, profile: PhotoProfile, *, is_new: bool = False
) -> None:
    """Write a profile's numbers; a new one begins switched off. Owns its transaction.

    Pictures that were made stay as they were judged: only what is asked for later follows.

    Raises:
        ProfileImpossible, ProfileTaken, ProfileFixed, TooManyProfiles, NotFound.
    """
    if profile.is_standard:
        raise ProfileFixed
    faults = list_faults(profile)
    if faults:
        raise ProfileImpossible("；".join(faults))
    now = ctx.now()
    with ctx.db.write() as session:
        row = _lock_row(session, viewer, profile.key)
        if is_new and (row is not None or profile.key in SHIPPED):
            raise ProfileTaken
        if row is None:
            row = _add_row(session, viewer, profile, is_new=is_new)
        if _read(row).is_standard:
            raise ProfileFixed
        before = _describe(_read(row))
        row.profile, row.changed_at = profile.to_json(), now
        record_audit(
            session,
            viewer,
            "profile.create" if is_new else "profile.change",
            at=now,
            subject_kind="photo_profile",
            subject_id=profile.key,
            规格=profile.title,
            原值="" if is_new else before,
            新值=_describe(profile),
        )


def switch_profile(ctx: Context, viewer: Viewer, key: str, *, is_on: bool) -> PhotoProfile:
    """Let pictures be made by a profile from now on, or no more. Owns its transaction.

    Raises:
        NotFound, ProfileFixed, ProfileImpossible.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        row = _lock_row(session, viewer, key)
        profile = _read(row) if row is not None else SHIPPED.get(key)
        if profile is None:
            raise NotFound
        if profile.is_standard:
            raise ProfileFixed
        if is_on and (faults := list_faults(profile)):
            raise ProfileImpossible("；".join(faults))
        if row is None:
            row = _add_row(session, viewer, profile, is_new=False)
        if row.is_on is not is_on:
            row.is_on, row.changed_at = is_on, now
            record_audit(
                session,
                viewer,
                "profile.switch_on" if is_on else "profile.switch_off",
                at=now,
                subject_kind="photo_profile",
                subject_id=key,
                规格=profile.title,
            )
        return profile


def _select_rows(viewer: Viewer) -> Select[PhotoProfileRow]:
    return select(PhotoProfileRow).where(PhotoProfileRow.institution_id == viewer.institution_id)


def _lock_row(session: Session, viewer: Viewer, key: str) -> PhotoProfileRow | None:
    query = _select_rows(viewer).where(PhotoProfileRow.key == key).with_for_update()
    return session.scalars(query).first()


def _add_row(
    session: Session, viewer: Viewer, profile: PhotoProfile, *, is_new: bool
) -> PhotoProfileRow:
    if not is_new and profile.key not in SHIPPED:
        raise NotFound
    rows = session.scalars(_select_rows(viewer)).all()
    if len({*SHIPPED, *(row.key for row in rows)}) >= MOST:
        raise TooManyProfiles
    former = SHIPPED.get(profile.key, profile)
    row = PhotoProfileRow(
        institution_id=viewer.institution_id, key=profile.key, is_on=False, profile=former.to_json()
    )
    session.add(row)
    return row


def _read(row: PhotoProfileRow) -> PhotoProfile:
    return PhotoProfile.from_json(row.profile)


def _view(
    key: str, row: PhotoProfileRow | None, counts: dict[str, dict[CutState, int]]
) -> ProfileView:
    shipped = SHIPPED.get(key)
    profile = _read(row) if row is not None else shipped
    assert profile is not None, "it has a row or was shipped"
    return ProfileView(
        profile=profile,
        is_on=profile.is_standard or (row is not None and row.is_on),
        is_shipped=shipped is not None,
        is_changed=shipped is not None and profile != shipped,
        counts=counts.get(key, {}),
    )


def _count_pictures(session: Session, viewer: Viewer) -> dict[str, dict[CutState, int]]:
    """Count the pictures of photos that count for their students, by profile and state."""
    counts: dict[str, dict[CutState, int]] = {}
    rows = session.execute(
        select(ProfilePhoto.profile_key, ProfilePhoto.state, func.count())
        .join(Enrolment, Enrolment.photo_id == ProfilePhoto.photo_id)
        .where(Enrolment.institution_id == viewer.institution_id)
        .group_by(ProfilePhoto.profile_key, ProfilePhoto.state)
    )
    for key, state, count in rows:
        counts.setdefault(key, {})[state] = count
    return counts


def _describe(profile: PhotoProfile) -> str:
    """Return the numbers of a profile in one line, for the record."""
    kb = f"{profile.min_kb or 0:g}-{profile.max_kb:g} KB" if profile.max_kb else "KB 不限"
    head = "、".join(
        f"{name} {rule.low:g}-{rule.high:g} {rule.unit}" for name, rule in profile.head.items()
    )
    walls = "、".join(profile.walls) or "任意"
    changed = f"，换成 {profile.derived_wall}" if profile.derived_wall else ""
    size = f"{profile.width_px}x{profile.height_px} {profile.dpi} dpi"
    return f"{size}，{kb}，背景 {walls}{changed}，头部 {head or '同标准照片'}"
