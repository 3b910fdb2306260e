"""The worker's part: all pictures that wait for one photo are cut in one pass, and recorded."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from imagecheck.nudge import Nudge
from imagecheck.profiles.photo_profile import PhotoProfile
from models import CutState, Photo, ProfilePhoto
from server.context import Context
from server.gateways.photo_store import PhotoMissing, content_key, hash_bytes
from server.services.photo.keep_file import keep_file, write_keys

log = structlog.get_logger()

MAX_ATTEMPTS = 3
"""A photo whose maker was lost this often waits no longer: the row says so and people can act."""
LEASE = dt.timedelta(seconds=60)
FOLDER = "profiles"


class Made(Protocol):
    """What a maker returns for one profile; see ``imagecheck.isolated``."""

    @property
    def report(self) -> dict[str, Any]:
        """The file judged by its profile's rules; why there is none."""
        ...

    @property
    def jpeg(self) -> bytes | None:
        """The file, where it could be made."""
        ...

    @property
    def derived_wall(self) -> str:
        """Colour that the wall was changed to."""
        ...


@dataclass(frozen=True)
class NotMade:
    """A picture that was not even tried, and why."""

    report: dict[str, Any]
    jpeg: bytes | None = None
    derived_wall: str = ""


def _refuse(code: str, message: str) -> NotMade:
    finding = {"code": code, "status": "fail", "message": message}
    return NotMade({"verdict": "fail", "findings": [finding], "measurements": {}})


ORIGINAL_GONE = _refuse("original.gone", "原图已按保存期限删除，不能再生成其他规格。")
GIVEN_UP = _refuse("cut.given_up", "系统多次没能生成，请管理员在照片规格里重新生成。")


class Maker(Protocol):
    """Cuts the pictures of one photo; survives whatever the bytes do."""

    def make(
        self, data: bytes, profiles: Sequence[PhotoProfile], *, nudge: Nudge | None = None
    ) -> Sequence[Made]:
        """Return one answer a profile, in their order; raises where the maker was lost."""
        ...


def cut_next(ctx: Context, maker: Maker) -> bool:
    """Cut the pictures of the photo that has waited longest; returns whether there was one.

    A maker that dies leaves its rows claimed; they are free again when the lease is over.
    """
    claimed = _claim(ctx)
    if claimed is None:
        return False
    photo, rows = claimed
    profiles = [PhotoProfile.from_json(row.profile) for row in rows]
    made = _make(ctx, maker, photo, profiles, attempts=rows[0].attempts)
    with contextlib.ExitStack() as files:
        keys = []
        for each in made:
            key = content_key(FOLDER, hash_bytes(each.jpeg), ".jpg") if each.jpeg else None
            if key is not None and each.jpeg is not None:
                files.enter_context(keep_file(ctx, key, each.jpeg))
            keys.append(key)
        _record(ctx, rows, made, keys)
    log.info("photo_cut", photo_id=str(photo.id), made=sum(key is not None for key in keys))
    return True


def _claim(ctx: Context) -> tuple[Photo, list[ProfilePhoto]] | None:
    """Take all waiting rows of one photo in hand."""
    now = ctx.now()
    with ctx.db.read() as session:  # most rounds find nothing, and write nothing
        if session.scalar(select(ProfilePhoto.id).where(_is_free(now)).limit(1)) is None:
            return None
    with ctx.db.write() as session:
        first = session.scalars(
            select(ProfilePhoto)
            .where(_is_free(now))
            .order_by(ProfilePhoto.requested_at, ProfilePhoto.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if first is None:
            return None
        rows = session.scalars(
            select(ProfilePhoto)
            .where(ProfilePhoto.photo_id == first.photo_id, _is_free(now))
            .order_by(ProfilePhoto.profile_key)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            row.attempts += 1
            row.started_at = now
        return session.get_one(Photo, first.photo_id), list(rows)


def _is_free(now: dt.datetime) -> ColumnElement[bool]:
    is_in_nobodys_hand = or_(
        ProfilePhoto.started_at.is_(None), ProfilePhoto.started_at < now - LEASE
    )
    return (ProfilePhoto.state == CutState.WAITING) & is_in_nobodys_hand


def _make(
    ctx: Context, maker: Maker, photo: Photo, profiles: list[PhotoProfile], *, attempts: int
) -> Sequence[Made]:
    if photo.original_key is None:
        return [ORIGINAL_GONE] * len(profiles)
    if attempts > MAX_ATTEMPTS:
        log.error("cut_given_up", photo_id=str(photo.id), attempts=attempts)
        return [GIVEN_UP] * len(profiles)
    try:
        data = ctx.photo_store.get(photo.original_key)
    except PhotoMissing:
        return [ORIGINAL_GONE] * len(profiles)
    hand = Nudge(photo.crop_right_px, photo.crop_down_px, photo.crop_percent)
    return maker.make(data, profiles, nudge=None if hand.is_none else hand)


def _record(
    ctx: Context, rows: Sequence[ProfilePhoto], made: Sequence[Made], keys: Sequence[str | None]
) -> None:
    """Write what became of each row, where it still waits for this very try."""
    now = ctx.now()
    with write_keys(ctx, *filter(None, keys)) as session:
        for row, each, key in zip(rows, made, keys, strict=True):
            _record_one(session, row, each, key, now)


def _record_one(
    session: Session, row: ProfilePhoto, made: Made, key: str | None, now: dt.datetime
) -> None:
    session.execute(
        update(ProfilePhoto)
        .where(
            ProfilePhoto.id == row.id,
            ProfilePhoto.state == CutState.WAITING,
            # A crop by hand meanwhile asks for it anew: what was made before it is not taken.
            ProfilePhoto.started_at == row.started_at,
        )
        .values(
            state=CutState.REFUSED if key is None else CutState.MADE,
            ended_at=now,
            report=made.report,
            file_key=key,
            sha256=hash_bytes(made.jpeg) if made.jpeg else None,
            size_bytes=len(made.jpeg) if made.jpeg else None,
            derived_wall=made.derived_wall,
        )
        .execution_options(synchronize_session=False)
    )
