"""The worker's part: judge one photo in an isolated child and record the verdict."""

from __future__ import annotations

import contextlib
import datetime as dt
import uuid
from typing import Any, NamedTuple, Protocol

import structlog
from sqlalchemy import ColumnElement, Uuid, bindparam, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import aliased, joinedload

from imagecheck.isolated import CheckedPhoto, ChildGone
from imagecheck.nudge import Nudge
from imagecheck.refusals import find_refused
from imagecheck.report import Report
from models import Enrolment, FeatureCode, Photo, PhotoState, Verdict
from models.base import UtcDateTime
from server import failpoints
from server.context import Context
from server.gateways.photo_store import (
    PhotoMissing,
    PhotoStoreUnavailable,
    content_key,
    hash_bytes,
)
from server.services.collection import SYSTEM, hold_enrolment
from server.services.moment import note_failed_try
from server.services.photo.keep_file import keep_file, write_keys
from server.services.photo.promote import promote

log = structlog.get_logger()

MAX_ATTEMPTS = 5
"""A photo whose worker was lost this often waits no longer: no wait is without end."""
STALE_MARGIN_S = 5.0
GIVEN_UP_REPORT: dict[str, Any] = Report(
    "capture", "", "fail", (find_refused("given_up"),), is_unfinished=True
).to_dict()
"""Of a photo that has no verdict because no worker came back with one."""


def is_free_to_check(
    photo: type[Photo], lease_begins_at: dt.datetime | ColumnElement[dt.datetime]
) -> ColumnElement[bool]:
    """Return the condition of a photo that waits and that no worker has in hand."""
    is_in_nobodys_hand = or_(
        photo.check_started_at.is_(None), photo.check_started_at < lease_begins_at
    )
    return (photo.state == PhotoState.RECEIVED) & is_in_nobodys_hand


def begin_of_lease(ctx: Context) -> dt.datetime:
    """Return the moment before which a check began that belonged to a killed worker."""
    return ctx.now() - dt.timedelta(seconds=ctx.settings.check_timeout_s + STALE_MARGIN_S)


class InHand(NamedTuple):
    """What a check needs to know of the photo that it has taken."""

    id: uuid.UUID
    enrolment_id: uuid.UUID
    check_attempts: int
    original_key: str | None
    profile: str
    background: str


WAITING = aliased(Photo)


def _claiming(*conditions: ColumnElement[bool]) -> Any:
    """Return the statement that takes in hand what has waited longest."""
    oldest = (
        select(WAITING.id)
        .where(is_free_to_check(WAITING, bindparam("lease_begins_at", type_=UtcDateTime())))
        .where(*conditions)
        .order_by(WAITING.submitted_at, WAITING.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(Photo)
        .where(Photo.id == oldest)
        .values(check_attempts=Photo.check_attempts + 1, check_started_at=bindparam("now"))
        .returning(*(getattr(Photo, name) for name in InHand._fields))
        .execution_options(synchronize_session=False)
    )


# Built once: building a statement costs more than running it.
CLAIM_NEXT = _claiming()
CLAIM_ONE = _claiming(WAITING.id == bindparam("wanted_id", type_=Uuid()))
JUDGED = (
    select(Photo, Enrolment, FeatureCode)
    .join(Enrolment, Enrolment.id == Photo.enrolment_id)
    .outerjoin(FeatureCode, FeatureCode.id == Enrolment.feature_code_id)
    .where(Photo.id == bindparam("wanted_id"))
    .options(joinedload(Enrolment.photo))
)


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

    @property
    def hashes(self) -> tuple[str, str] | None:
        """Coarse and fine, of the standard photo; see ``imagecheck.picture_hash``."""
        ...


class Checker(Protocol):
    """Judges one photo; survives whatever the bytes do."""

    def examine(
        self,
        data: bytes,
        *,
        mode: str,
        profile: str,
        background: str,
        nudge: Nudge | None = None,
    ) -> Examination:
        """Return what imagecheck says."""
        ...


def check_next(ctx: Context, checker: Checker) -> bool:
    """Judge the photo that has waited longest; returns whether there was one.

    A message of the queue only says that somebody waits. Who comes next is read from the rows, so
    a lost message makes nobody wait longer than the others.
    """
    return _check(ctx, checker, CLAIM_NEXT)


def check_photo(ctx: Context, checker: Checker, photo_id: uuid.UUID) -> bool:
    """Judge this photo; False when another worker has it in hand or it does not wait."""
    return _check(ctx, checker, CLAIM_ONE, wanted_id=photo_id)


def _check(ctx: Context, checker: Checker, claim: Any, **which: uuid.UUID) -> bool:
    """Judge one photo and record the verdict.

    Where the store or the database is away, the photo waits for the next turn and the attempt does
    not count: only a worker that never came back counts against the photo.
    """
    with ctx.db.write() as session:
        times = {"lease_begins_at": begin_of_lease(ctx), "now": ctx.now()}
        row = session.execute(claim, times | which).one_or_none()
    if row is None:
        return False
    photo = InHand(*row)
    failpoints.hit("photo_claimed")
    try:
        _judge(ctx, checker, photo)
    except (PhotoStoreUnavailable, OperationalError, ChildGone):
        _forgive_attempt(ctx, photo.id)
        raise
    return True


def _judge(ctx: Context, checker: Checker, photo: InHand) -> None:
    if photo.check_attempts > MAX_ATTEMPTS or photo.original_key is None:
        log.error("photo_given_up", photo_id=str(photo.id), attempts=photo.check_attempts)
        _record(ctx, photo, CheckedPhoto(GIVEN_UP_REPORT))
        return
    try:
        data = ctx.photo_store.get(photo.original_key)
    except PhotoMissing:
        # It may come back (a mount, a restore); after MAX_ATTEMPTS the student is asked again.
        log.error("photo_missing", photo_id=str(photo.id))  # noqa: TRY400 - no stack needed
        return
    examination = checker.examine(
        data, mode="capture", profile=photo.profile, background=photo.background
    )
    failpoints.hit("photo_judged")
    if examination.standard_jpeg is None:
        _record(ctx, photo, examination)
        return
    standard_key = content_key("standard", hash_bytes(examination.standard_jpeg), ".jpg")
    with keep_file(ctx, standard_key, examination.standard_jpeg):
        failpoints.hit("standard_stored")
        _record(ctx, photo, examination, standard_key)
    failpoints.hit("verdict_recorded")


def _forgive_attempt(ctx: Context, photo_id: uuid.UUID) -> None:
    """Take back the count of an attempt that failed through no fault of the photo."""
    with contextlib.suppress(OperationalError), ctx.db.write() as session:
        session.execute(
            update(Photo)
            .where(Photo.id == photo_id, Photo.state == PhotoState.RECEIVED)
            .values(check_attempts=Photo.check_attempts - 1)
            .execution_options(synchronize_session=False)
        )


def _record(
    ctx: Context, claimed: InHand, examination: Examination, standard_key: str | None = None
) -> None:
    report = examination.report
    with write_keys(ctx, *filter(None, [standard_key])) as session:
        hold_enrolment(session, claimed.enrolment_id)
        # The code is kept in hand: the session forgets it otherwise, and promoting asks for it.
        photo, enrolment, _code = session.execute(JUDGED, {"wanted_id": claimed.id}).one()
        if photo.state is not PhotoState.RECEIVED:
            return
        photo.state = PhotoState.CHECKED
        photo.checked_at = ctx.now()
        photo.verdict = Verdict(report["verdict"])
        photo.report = report
        photo.overlay_svg = examination.overlay_svg
        photo.standard_key = standard_key
        photo.picture_hash, photo.picture_print = examination.hashes or (None, None)
        if standard_key is not None:
            photo.standard_sha256 = standard_key.rsplit("/", 1)[-1].removesuffix(".jpg")
        if has_no_true_verdict(photo):
            began_at = photo.counts_from or photo.submitted_at
            note_failed_try(session, enrolment.id, began_at=began_at, now=ctx.now())
        promote(session, enrolment, photo, actor=SYSTEM, at=ctx.now())
        failpoints.hit("verdict_not_committed")
    log.info("photo_checked", photo_id=str(claimed.id), verdict=report["verdict"])


def has_no_true_verdict(photo: Photo) -> bool:
    """Tell whether the verdict only says that the check did not end: the bytes may come again."""
    report = photo.report or {}
    return photo.state is PhotoState.CHECKED and bool(report.get("unfinished"))
