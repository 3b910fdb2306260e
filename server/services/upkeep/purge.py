"""Retention: what is no longer needed is deleted, and a record says so.

- the raw photo of a collected student, ``retention_days`` after the approval: the original alone;
- rejected, withdrawn, superseded and failed photos, ``retention_days`` after their last event:
  original, standard photo and lines;
- payment notices, ``retention_days`` after they were handled: the body, not what it led to;
- notices that did not verify, 7 days after they came: the row;
- messages to students, ``retention_days`` after they were written: their fields;
- tokens, sessions and access tokens, 30 days after their end: the row;
- WeChat's users who hold nothing, when their sign-ins are gone (``end_users``): the openid;
- background jobs, ``retention_days`` after they began: what they name of students;
- the 图像采集码 of a handover that was confirmed, a week later (``chsi.end``): the row;
- people, the institution's years after their batch: all that is theirs (``end_people``).

Until then a photo that counts for its student, waits for a verdict or a reviewer, or is locked as
collected is not touched but for the raw original of the last. Files go when no row names their
key any more: two students may have sent the same bytes.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence

from sqlalchemy import ColumnElement, Text, cast, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, object_session

from models import (
    ApiToken,
    BackgroundJob,
    DeletionRecord,
    Enrolment,
    Heartbeat,
    OutboxMessage,
    PaymentNotice,
    Photo,
    PhotoState,
    ProfilePhoto,
    StaffSession,
    Verdict,
    WechatAccessToken,
    body_place,
)
from server.context import Context
from server.services.chsi.end import end_codes
from server.services.photo.keep_file import delete_unreferenced
from server.services.upkeep.end_people import end_people
from server.services.upkeep.end_users import LOGIN_KEPT, end_idle_users, is_login_over

PAGE = 200
FORGED_KEPT = dt.timedelta(days=7)
BACKUP_HEARTBEAT = "backup"
BACKUP_SILENT_AFTER = dt.timedelta(minutes=10)
EMPTY_BODY_MAX_BYTES = 64
"""No longer than this is an encrypted empty body; a notice of WeChat has hundreds of bytes."""
NAMING_KINDS = ("roster_check", "roster_import", "camera_folder", "face_references", "print")
"""Jobs whose parameters name students. An export goes on from the parameters of the last one."""
CLOSED_STATES = (PhotoState.REJECTED, PhotoState.WITHDRAWN, PhotoState.SUPERSEDED)


def purge(ctx: Context, *, is_dry: bool = False) -> dict[str, int]:
    """Delete what is past its time, or with ``is_dry`` only count it; owns its transactions.

    Returns how many of each kind. While a backup runs nothing is deleted: it may be about to copy
    a photo that its rows name.
    """
    if not is_dry and _is_backup_running(ctx):
        return {}
    before = ctx.now() - dt.timedelta(days=ctx.settings.retention_days)
    kinds: dict[str, Callable[[], int]] = {
        "raw photo of a collected student": lambda: _purge_photos(
            ctx, _is_old_collected(before), _forget_original, "raw photo", is_dry=is_dry
        ),
        "closed photo": lambda: _purge_photos(
            ctx, _is_old_closed(before), _forget_photo, "closed photo", is_dry=is_dry
        ),
        "notice body": lambda: _purge_notices(ctx, before, is_dry=is_dry),
        "forged notice": lambda: _purge_forged(ctx, ctx.now() - FORGED_KEPT, is_dry=is_dry),
        "message fields": lambda: _purge_messages(ctx, before, is_dry=is_dry),
        "login": lambda: _purge_logins(ctx, ctx.now() - LOGIN_KEPT, is_dry=is_dry),
        "WeChat user": lambda: end_idle_users(ctx, is_dry=is_dry),
        "job": lambda: _purge_jobs(ctx, before, is_dry=is_dry),
        "code": lambda: end_codes(ctx, is_dry=is_dry),
        "person": lambda: end_people(ctx, is_dry=is_dry),
    }
    return {kind: count() for kind, count in kinds.items()}


def sweep_old_data(ctx: Context) -> int:
    """Do one round as a sweeper; returns how many things were deleted."""
    return sum(purge(ctx).values())


def _is_backup_running(ctx: Context) -> bool:
    with ctx.db.read() as session:
        beat = session.get(Heartbeat, BACKUP_HEARTBEAT)
    return beat is not None and ctx.now() - beat.at < BACKUP_SILENT_AFTER


def _is_old_collected(before: dt.datetime) -> ColumnElement[bool]:
    return (
        (Photo.state == PhotoState.APPROVED)
        & (Photo.decided_at < before)
        & Photo.original_key.is_not(None)
    )


def _is_old_closed(before: dt.datetime) -> ColumnElement[bool]:
    counts = exists().where(Enrolment.photo_id == Photo.id)
    is_failed = (Photo.state == PhotoState.CHECKED) & (Photo.verdict == Verdict.FAIL) & ~counts
    return (
        (Photo.state.in_(CLOSED_STATES) | is_failed)
        & (Photo.submitted_at < before)
        & (func.coalesce(Photo.decided_at, Photo.submitted_at) < before)
        & (func.coalesce(Photo.checked_at, Photo.submitted_at) < before)
        & or_(Photo.original_key.is_not(None), Photo.standard_key.is_not(None))
    )


def _forget_original(photo: Photo) -> list[str]:
    keys = [photo.original_key]
    photo.original_key = None
    return [key for key in keys if key is not None]


def _forget_photo(photo: Photo) -> list[str]:
    keys = [photo.original_key, photo.standard_key]
    photo.original_key = photo.standard_key = photo.standard_sha256 = photo.overlay_svg = None
    session = object_session(photo)
    assert session is not None, "the photo is being changed"
    for cut in session.scalars(select(ProfilePhoto).where(ProfilePhoto.photo_id == photo.id)):
        keys.append(cut.file_key)
        session.delete(cut)
    return [key for key in keys if key is not None]


def _purge_photos(
    ctx: Context,
    condition: ColumnElement[bool],
    forget: Callable[[Photo], list[str]],
    reason: str,
    *,
    is_dry: bool,
) -> int:
    with ctx.db.read() as session:
        ids = list(session.scalars(select(Photo.id).where(condition).order_by(Photo.id)))
    if is_dry:
        return len(ids)
    count = 0
    for start in range(0, len(ids), PAGE):
        keys = _forget_page(ctx, ids[start : start + PAGE], condition, forget, reason)
        count += len(keys)
        not_after = ctx.now() - dt.timedelta(seconds=ctx.settings.orphan_age_s)
        for key in {key for of_photo in keys for key in of_photo}:
            # What is young or named by another row stays; remove_orphans looks again.
            delete_unreferenced(ctx, key, not_after=not_after)
    return count


def _forget_page(
    ctx: Context,
    ids: Sequence[uuid.UUID],
    condition: ColumnElement[bool],
    forget: Callable[[Photo], list[str]],
    reason: str,
) -> list[list[str]]:
    """Forget those that still fulfil the condition: a student may just have sent one again."""
    with ctx.db.write() as session:
        query = select(Photo).where(Photo.id.in_(ids), condition).with_for_update()
        photos = session.scalars(query).all()
        for photo in photos:
            _note(session, ctx, "photo", str(photo.id), f"retention: {reason}")
        return [forget(photo) for photo in photos]


def _purge_notices(ctx: Context, before: dt.datetime, *, is_dry: bool) -> int:
    condition = (PaymentNotice.handled_at < before) & (
        func.length(PaymentNotice.body_encrypted) > EMPTY_BODY_MAX_BYTES
    )
    with ctx.db.read() as session:
        rows = session.execute(
            select(PaymentNotice.id, PaymentNotice.notice_id).where(condition)
        ).all()
    if is_dry:
        return len(rows)
    for start in range(0, len(rows), PAGE):
        with ctx.db.write() as session:
            for row_id, notice_id in rows[start : start + PAGE]:
                empty = ctx.cipher.encrypt(b"", place=body_place(notice_id))
                session.execute(
                    update(PaymentNotice)
                    .where(PaymentNotice.id == row_id)
                    .values(body_encrypted=empty)
                )
                _note(session, ctx, "payment_notice", str(row_id), "retention: body")
    return len(rows)


def _purge_forged(ctx: Context, before: dt.datetime, *, is_dry: bool) -> int:
    condition = ~PaymentNotice.is_verified & (PaymentNotice.received_at < before)
    if is_dry:
        return _count(ctx, PaymentNotice, condition)
    with ctx.db.write() as session:
        done = _run(session, delete(PaymentNotice).where(condition))
        return _note_many(session, ctx, "payment_notice", done)


def _purge_messages(ctx: Context, before: dt.datetime, *, is_dry: bool) -> int:
    condition = (
        (OutboxMessage.created_at < before)
        & (OutboxMessage.state != "pending")
        & (cast(OutboxMessage.fields, Text) != "{}")
    )
    if is_dry:
        return _count(ctx, OutboxMessage, condition)
    with ctx.db.write() as session:
        statement = update(OutboxMessage).where(condition).values(fields={})
        return _note_many(session, ctx, "outbox_message", _run(session, statement))


def _purge_logins(ctx: Context, before: dt.datetime, *, is_dry: bool) -> int:
    conditions: dict[type, ColumnElement[bool]] = {
        ApiToken: is_login_over(before),
        StaffSession: or_(StaffSession.expires_at < before, StaffSession.revoked_at < before),
        WechatAccessToken: WechatAccessToken.expires_at < before,
    }
    if is_dry:
        return sum(_count(ctx, model, condition) for model, condition in conditions.items())
    count = 0
    for model, condition in conditions.items():
        with ctx.db.write() as session:
            done = _run(session, delete(model).where(condition))
            count += _note_many(session, ctx, model.__tablename__, done)  # type: ignore[attr-defined]
    return count


def _purge_jobs(ctx: Context, before: dt.datetime, *, is_dry: bool) -> int:
    """Empty what jobs say of students: 学号 in parameters and errors, first rows in results."""
    names_rows = BackgroundJob.kind.in_(NAMING_KINDS) & (
        cast(BackgroundJob.parameters, Text) != "{}"
    )
    query = select(BackgroundJob).where(
        BackgroundJob.created_at < before, or_(names_rows, BackgroundJob.error != "")
    )
    with ctx.db.write() as session:
        jobs = session.scalars(query).all()
        if is_dry:
            return len(jobs)
        for job in jobs:
            job.error = ""
            if job.kind in NAMING_KINDS:
                job.parameters = {}
                job.result = {k: v for k, v in job.result.items() if not k.startswith("first_")}
        return _note_many(session, ctx, "background_job", len(jobs))


def _count(ctx: Context, model: type, condition: ColumnElement[bool]) -> int:
    with ctx.db.read() as session:
        return session.scalar(select(func.count()).select_from(model).where(condition)) or 0


def _run(session: Session, statement: object) -> int:
    options = {"synchronize_session": False}
    result = session.execute(statement, execution_options=options)  # type: ignore[call-overload]
    return int(result.rowcount)


def _note_many(session: Session, ctx: Context, kind: str, count: int) -> int:
    if count:
        _note(session, ctx, kind, f"{count} rows", "retention")
    return count


def _note(session: Session, ctx: Context, kind: str, subject: str, reason: str) -> None:
    session.add(DeletionRecord(at=ctx.now(), subject_kind=kind, subject_id=subject, reason=reason))
