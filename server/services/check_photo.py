"""The worker's part: judge one photo in an isolated child and record the verdict."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any, Protocol

import structlog
from sqlalchemy import select, update

from models import Enrolment, Photo, PhotoState, Verdict
from server.context import Context
from server.gateways.photo_store import PhotoMissing, content_key, hash_bytes
from server.services.collection import SYSTEM, lock_enrolment
from server.services.promote_photo import promote

log = structlog.get_logger()

MAX_ATTEMPTS = 3
"""A photo that ended its checker this often is declared unreadable."""
STALE_MARGIN_S = 5.0
UNREADABLE_REPORT: dict[str, Any] = {
    "mode": "capture",
    "verdict": "fail",
    "findings": [
        {
            "code": "file.unreadable",
            "status": "fail",
            "value": None,
            "limit": None,
            "unit": "",
            "clause": "文件",
            "message": "照片无法读取:请换一张照片或重新拍摄",
            "message_en": "The file cannot be read as a photo.",
        }
    ],
    "measurements": {},
    "elapsed_ms": 0,
}


class Examination(Protocol):
    """What a checker returns; see ``imagecheck.isolated``."""

    @property
    def report(self) -> dict[str, Any]:
        """The report in the form of PHOTO_SPEC §3."""
        ...

    @property
    def standard_jpeg(self) -> bytes | None:
        """The 480x640 standard photo, when one could be made."""
        ...

    @property
    def overlay_svg(self) -> str | None:
        """The measured lines, drawn over the standard photo."""
        ...


class Checker(Protocol):
    """Judges one photo; survives whatever the bytes do."""

    def examine(self, data: bytes, *, mode: str, profile: str, background: str) -> Examination:
        """Return what imagecheck says."""
        ...


def check_photo(ctx: Context, checker: Checker, photo_id: uuid.UUID) -> None:
    """Judge a waiting photo and record the verdict. Doing it twice changes nothing."""
    photo = _claim(ctx, photo_id)
    if photo is None or photo.original_key is None:
        return
    try:
        data = ctx.photo_store.get(photo.original_key)
    except PhotoMissing:
        log.error("photo_missing", photo_id=str(photo_id))  # noqa: TRY400 - no stack needed
        return
    if photo.check_attempts > MAX_ATTEMPTS:
        _record(ctx, photo_id, UNREADABLE_REPORT, None, None)
        return
    examination = checker.examine(
        data, mode="capture", profile=photo.profile, background=photo.background
    )
    standard_key = None
    if examination.standard_jpeg is not None:
        standard_key = content_key("standard", hash_bytes(examination.standard_jpeg), ".jpg")
        ctx.photo_store.put(standard_key, examination.standard_jpeg)
    _record(ctx, photo_id, examination.report, standard_key, examination.overlay_svg)


def _claim(ctx: Context, photo_id: uuid.UUID) -> Photo | None:
    with ctx.db.write() as session:
        session.execute(
            update(Photo)
            .where(Photo.id == photo_id, Photo.state == PhotoState.RECEIVED)
            .values(check_attempts=Photo.check_attempts + 1, check_started_at=ctx.now())
        )
        photo = session.get(Photo, photo_id)
        return photo if photo is not None and photo.state is PhotoState.RECEIVED else None


def _record(
    ctx: Context,
    photo_id: uuid.UUID,
    report: dict[str, Any],
    standard_key: str | None,
    overlay_svg: str | None,
) -> None:
    with ctx.db.write() as session:
        owner = session.scalars(select(Photo.enrolment_id).where(Photo.id == photo_id)).one()
        enrolment = lock_enrolment(session, owner)
        photo = session.get_one(Photo, photo_id, populate_existing=True)
        if enrolment is None or photo.state is not PhotoState.RECEIVED:
            return
        photo.state = PhotoState.CHECKED
        photo.checked_at = ctx.now()
        photo.verdict = Verdict(report["verdict"])
        photo.report = report
        photo.overlay_svg = overlay_svg
        photo.standard_key = standard_key
        if standard_key is not None:
            photo.standard_sha256 = standard_key.rsplit("/", 1)[-1].removesuffix(".jpg")
        promote(session, enrolment, photo, actor=SYSTEM, at=ctx.now())
    log.info("photo_checked", photo_id=str(photo_id), verdict=report["verdict"])


def list_unchecked(ctx: Context, *, is_queue_empty: bool) -> list[uuid.UUID]:
    """Return the waiting photos that no worker has in hand.

    A check that began longer ago than its time limit belonged to a killed worker. Photos that
    never began are listed only when the queue is empty: otherwise they are still in it.
    """
    now = ctx.now()
    stale = now - dt.timedelta(seconds=ctx.settings.check_timeout_s + STALE_MARGIN_S)
    started_long_ago = Photo.check_started_at < stale
    lost = started_long_ago
    if is_queue_empty:
        lost = started_long_ago | Photo.check_started_at.is_(None)
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(Photo.id)
                .join(Enrolment, Enrolment.id == Photo.enrolment_id)
                .where(Photo.state == PhotoState.RECEIVED, lost)
                .order_by(Photo.submitted_at)
                .limit(ctx.settings.queue_limit)
            )
        )
