"""Asks for the pictures of a photo's profiles: rows that the worker must not leave waiting."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imagecheck.profiles.photo_profile import WALLS, PhotoProfile
from models import (
    Batch,
    CollectionStatus,
    CutState,
    Enrolment,
    Photo,
    PhotoProfileRow,
    PhotoState,
    ProfilePhoto,
)
from server.context import Context
from server.errors import NotFound
from server.services.audit import record_audit
from server.services.viewer import Viewer
from server.upsert import insert_missing

PAGE = 500
_ORDER = {CutState.REFUSED: 0, CutState.WAITING: 1, CutState.MADE: 2}
LIVE_STATES = (PhotoState.CHECKED, PhotoState.APPROVED)


@dataclass(frozen=True)
class CutView:
    """One picture of a profile as a page shows it."""

    id: uuid.UUID
    key: str
    title: str
    size: str
    state: CutState
    reasons: list[str]
    derived_wall: str
    """The colour that the wall was changed to, in Chinese; empty: as it was shot."""


def list_cuts(session: Session, photo_id: uuid.UUID) -> list[CutView]:
    """Return what became of a photo's profiles, what cannot be made first."""
    rows = session.scalars(select(ProfilePhoto).where(ProfilePhoto.photo_id == photo_id)).all()
    return sorted((_view(row) for row in rows), key=lambda cut: (_ORDER[cut.state], cut.title))


def _view(row: ProfilePhoto) -> CutView:
    profile = PhotoProfile.from_json(row.profile)
    findings = (row.report or {}).get("findings", [])
    return CutView(
        id=row.id,
        key=row.profile_key,
        title=profile.title,
        size=f"{profile.width_px}×{profile.height_px}",
        state=row.state,
        reasons=[finding["message"] for finding in findings],
        derived_wall=WALLS.get(row.derived_wall, ""),
    )


def request_cuts(
    session: Session, institution_id: uuid.UUID, photo_ids: Sequence[uuid.UUID], at: dt.datetime
) -> int:
    """Ask for the pictures of every profile that is on and that these photos lack.

    Within the caller's transaction: who sees the approval sees what it will be cut into. Doing it
    twice is once. Returns how many were asked for.
    """
    profiles = list_profiles_on(session, institution_id)
    if not profiles or not photo_ids:
        return 0
    known = session.execute(
        select(ProfilePhoto.photo_id, ProfilePhoto.profile_key).where(
            ProfilePhoto.photo_id.in_(photo_ids)
        )
    )
    there = {(photo_id, key) for photo_id, key in known}
    rows = [
        {
            "photo_id": photo_id,
            "profile_key": profile.key,
            "profile": profile.to_json(),
            "state": CutState.WAITING,
            "requested_at": at,
        }
        for photo_id in dict.fromkeys(photo_ids)
        for profile in profiles
        if (photo_id, profile.key) not in there
    ]
    if rows:
        insert_missing(session, ProfilePhoto, keys=("photo_id", "profile_key"), rows=rows)
    return len(rows)


def list_profiles_on(session: Session, institution_id: uuid.UUID) -> list[PhotoProfile]:
    """Return the profiles by which an institution has pictures cut; not the standard photo."""
    rows = session.scalars(
        select(PhotoProfileRow)
        .where(PhotoProfileRow.institution_id == institution_id, PhotoProfileRow.is_on.is_(True))
        .order_by(PhotoProfileRow.key)
    )
    return [PhotoProfile.from_json(row.profile) for row in rows]


def catch_up(ctx: Context, viewer: Viewer, batch_id: uuid.UUID, *, key: str) -> int:
    """Ask for one profile's pictures of all collected photos of a batch, and again for old ones.

    Pictures that were made by other numbers than the profile has now are made anew. Owns its
    transactions, one a page. Returns how many were asked for.

    Raises:
        NotFound: no such batch or profile of the viewer's institution, or it is switched off.
    """
    now, count, after = ctx.now(), 0, None
    with ctx.db.read() as session:
        batch = session.get(Batch, batch_id)
        profiles = list_profiles_on(session, viewer.institution_id)
    profile = next((each for each in profiles if each.key == key), None)
    if batch is None or batch.institution_id != viewer.institution_id or profile is None:
        raise NotFound
    while True:
        with ctx.db.write() as session:
            ids = _next_collected(session, batch_id, after)
            if ids:
                _forget_old(session, ids, profile)
                count += request_cuts(session, viewer.institution_id, ids, now)
                after = ids[-1]
            if len(ids) < PAGE:
                record_audit(
                    session,
                    viewer,
                    "profile.catch_up",
                    at=now,
                    subject_kind="photo_profile",
                    subject_id=key,
                    规格=profile.title,
                    批次=batch.label,
                    数量=count,
                )
                return count


def _next_collected(
    session: Session, batch_id: uuid.UUID, after: uuid.UUID | None
) -> list[uuid.UUID]:
    query = select(Photo.id).join(Enrolment, Enrolment.photo_id == Photo.id)
    query = query.where(
        Enrolment.batch_id == batch_id,
        Enrolment.collection_status == CollectionStatus.COLLECTED,
    )
    if after is not None:
        query = query.where(Photo.id > after)
    return list(session.scalars(query.order_by(Photo.id).limit(PAGE)))


def _forget_old(session: Session, photo_ids: Sequence[uuid.UUID], profile: PhotoProfile) -> None:
    rows = session.scalars(
        select(ProfilePhoto).where(
            ProfilePhoto.photo_id.in_(photo_ids),
            ProfilePhoto.profile_key == profile.key,
            ProfilePhoto.state != CutState.WAITING,
        )
    )
    wanted = profile.to_json()
    for row in rows:
        if row.profile != wanted or row.state is CutState.REFUSED:
            session.delete(row)
    session.flush()


def drop_spent_cuts(ctx: Context) -> int:
    """Forget pictures of photos that count no more (a sweeper); their files go as orphans.

    Returns how many.
    """
    spent = select(Photo.id).where(Photo.state.not_in(LIVE_STATES))
    with ctx.db.write() as session:
        result = session.execute(
            delete(ProfilePhoto)
            .where(ProfilePhoto.photo_id.in_(spent))
            .execution_options(synchronize_session=False)
        )
        return int(result.rowcount)  # type: ignore[attr-defined]
