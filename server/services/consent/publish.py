"""How a notice comes to be: a draft that is written bit by bit, then a version for good."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from string import ascii_lowercase

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import ConsentText, Institution
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.audit import record_audit
from server.services.compliance.assessments import receiver_purpose, require_assessment
from server.services.consent.ask import list_notices, meaning_of
from server.services.consent.parts import (
    RECEIVER_KEY,
    NoticeParts,
    Receiver,
    list_missing,
    read_parts,
    render,
)
from server.services.consent.shipped import SHIPPED_VERSION, list_other_years
from server.services.viewer import Viewer

VERSION_PATTERN = re.compile(r"\d{4}-\d{2}[a-z]?(\.\d{1,3})?")
RESERVED_KEYS = frozenset({"photo", "faces", "registration"})
LONGEST_TEXT = 2000
MOST_RECEIVERS = 12


class NoticeIncomplete(CaijiError):
    """Parts of the notice are empty; ``data`` names them."""

    code = "notice_incomplete"
    status = 422
    message = "告知书还有空着的部分，不能发布"

    def __init__(self, missing: dict[str, str]) -> None:
        named = "、".join(missing.values())
        super().__init__(f"{self.message}：{named}", data={"missing": list(missing)})


class ConsentMalformed(CaijiError):
    """Not a version like 2026-11 or 2026-11.2, or a version that was published before."""

    code = "consent_malformed"
    status = 422
    message = "告知书的版本应为 2026-11 或 2026-11.2，已发布的版本不能修改"


class ReceiverMalformed(CaijiError):
    """A key that is no short word, is reserved, or stands there twice; or too many receivers."""

    code = "receiver_malformed"
    status = 422
    message = "接收方的代号应为不重复的小写字母、数字和连字符，以字母开头，接收方最多 12 个"


class MeaningChanged(CaijiError):
    """A receiver is new or another one: that is more than better words."""

    code = "meaning_changed"
    status = 422
    message = "接收方或人脸比对的说明有变化，不只是改文字：请选择“内容有变”，学生会重新确认"


def publish_first(
    session: Session, institution: Institution, parts: NoticeParts, now: dt.datetime
) -> None:
    """Give a new institution its first notice, whole or not, in the caller's transaction."""
    session.add(
        ConsentText(
            institution_id=institution.id,
            version=SHIPPED_VERSION,
            text=render(parts),
            parts=parts.to_json(),
            created_at=now,
            published_at=now,
        )
    )


def read_draft(session: Session, institution_id: uuid.UUID) -> NoticeParts:
    """Return the draft, or the present notice's parts where there is none."""
    draft = session.get_one(Institution, institution_id).notice_draft
    kept = draft if draft is not None else list_notices(session, institution_id)[0].parts
    return read_parts(kept)


def save_draft(ctx: Context, viewer: Viewer, parts: NoticeParts) -> None:
    """Keep what was written so far; owns its transaction. Raises ReceiverMalformed."""
    _require_keys(parts)
    with ctx.db.write() as session:
        session.get_one(Institution, viewer.institution_id).notice_draft = parts.to_json()


def publish_notice(
    ctx: Context,
    institution_id: uuid.UUID,
    parts: NoticeParts,
    *,
    version: str,
    viewer: Viewer | None = None,
) -> bool:
    """Make parts the present notice, for good; the draft ends. Owns its transaction.

    Returns whether students who agreed before are asked again.

    Raises:
        NoticeIncomplete, ConsentMalformed, ReceiverMalformed, MeaningChanged, AssessmentMissing.
    """
    _require_keys(parts)
    if missing := list_missing(parts):
        raise NoticeIncomplete(missing)
    if not VERSION_PATTERN.fullmatch(version):
        raise ConsentMalformed
    now = ctx.now()
    try:
        with ctx.db.write() as session:
            former = list_notices(session, institution_id)
            if former and meaning_of(version) == meaning_of(former[0].version):
                _refuse_new_meaning(read_parts(former[0].parts), parts)
            session.get_one(Institution, institution_id).notice_draft = None
            _require_assessments(session, institution_id, former, parts)
            row = ConsentText(
                institution_id=institution_id,
                version=version,
                text=render(parts),
                parts=parts.to_json(),
                created_at=now,
                published_at=now,
                published_by=viewer.staff_id if viewer else None,
            )
            session.add(row)
            session.flush()
            if viewer is not None:
                record_audit(
                    session,
                    viewer,
                    "notice.publish",
                    at=now,
                    subject_kind="institution",
                    subject_id=institution_id,
                    版本=version,
                )
    except IntegrityError as error:
        raise ConsentMalformed from error
    return bool(former) and meaning_of(version) != meaning_of(former[0].version)


def propose_version(
    ctx: Context, session: Session, institution_id: uuid.UUID, *, has_new_meaning: bool
) -> str:
    """Return the next free version: of this month, or the present one with better words."""
    taken = {notice.version for notice in list_notices(session, institution_id)}
    if has_new_meaning:
        month = to_local(ctx.now()).strftime("%Y-%m")
        taken = {meaning_of(version) for version in taken}
        free = (month + end for end in ("", *ascii_lowercase[1:]))
    else:
        meaning = meaning_of(list_notices(session, institution_id)[0].version)
        free = (f"{meaning}.{number}" for number in range(1, 1000))
    version: str = next(each for each in free if each not in taken)
    return version


def list_unfinished_notices(session: Session) -> dict[str, dict[str, str]]:
    """Return what is wrong in the present notices: institution's name and its empty parts.

    A period that promises other years than the institution keeps is among them.
    """
    found = {}
    for institution in session.scalars(select(Institution).order_by(Institution.name)):
        notices = list_notices(session, institution.id)
        parts = read_parts(notices[0].parts) if notices else None
        missing = list_missing(parts) if parts else {"": "告知书"}
        others = list_other_years(parts, institution.kept_years) if parts else []
        for label in others:
            missing[label] = f"保存期限：{label}（本校保存 {institution.kept_years} 年）"
        if missing:
            found[institution.name] = missing
    return found


def _refuse_new_meaning(before: NoticeParts, after: NoticeParts) -> None:
    def sees(receiver: Receiver) -> tuple[str, ...]:
        return (receiver.key, receiver.name, receiver.purpose, receiver.fields)

    known = {sees(each) for each in (before.registration, *before.receivers)}
    named = {sees(each) for each in (after.registration, *after.receivers)}
    if named - known:
        raise MeaningChanged


def _require_keys(parts: NoticeParts) -> None:
    keys = [receiver.key for receiver in parts.receivers]
    is_bad = any(not RECEIVER_KEY.fullmatch(key) or key in RESERVED_KEYS for key in keys)
    if is_bad or len(set(keys)) != len(keys) or len(keys) > MOST_RECEIVERS:
        raise ReceiverMalformed


def _require_assessments(
    session: Session,
    institution_id: uuid.UUID,
    former: Sequence[ConsentText],
    parts: NoticeParts,
) -> None:
    """Refuse a receiver that is new and was not assessed (PIPL, article 55)."""
    known = {each.name for notice in former[:1] for each in read_parts(notice.parts).receivers}
    for receiver in parts.receivers:
        if receiver.name not in known:
            require_assessment(session, institution_id, receiver_purpose(receiver.name))
