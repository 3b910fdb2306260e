"""Feature codes as an administrator keeps them: list, create, change, switch on and off."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import ChsiPolicy, CollectionMode, Enrolment, FeatureCode
from server.context import Context
from server.errors import NotFound
from server.services.audit import record_audit
from server.services.college.set_up import AlreadyExists
from server.services.moment import whole_second
from server.services.viewer import Viewer

PROFILES = {
    "moe-2017": "教育部 2017 标准（蓝、白、浅灰背景）",
    "moe-2017-blue": "教育部 2017 标准，只收蓝色背景",
    "moe-2017-white": "教育部 2017 标准，只收白色背景",
}
BACKGROUNDS = {
    "auto": "不合格的纯色墙面换成最接近的标准色",
    "keep": "保持原样",
    "blue": "纯色墙面换成标准蓝",
    "white": "纯色墙面换成白色",
    "grey": "纯色墙面换成浅灰",
}
CHSI_POLICIES = {policy.value: policy.label for policy in ChsiPolicy}
CAPTURE_POLICIES = {"camera_or_album": "拍摄或从相册选择", "camera_only": "只能现场拍摄"}


class CodeState(enum.StrEnum):
    """Whether students can use a code now."""

    OPEN = "开放中"
    NOT_YET = "未开始"
    OVER = "已结束"
    OFF = "已停用"


@dataclass(frozen=True)
class CodeValues:
    """All that an administrator decides about a code."""

    fee_fen: int
    profile: str
    background: str
    capture_policy: str
    pay_first: bool
    chsi_policy: ChsiPolicy
    daily_submissions: int
    opens_at: dt.datetime | None
    closes_at: dt.datetime | None


@dataclass(frozen=True)
class CodeRow:
    """One line of the list."""

    code: FeatureCode
    state: CodeState
    bound: int
    """Enrolments that were bound through it."""


def state_of(code: FeatureCode, now: dt.datetime) -> CodeState:
    """Return whether students can use ``code`` now."""
    if not code.is_enabled:
        return CodeState.OFF
    if code.opens_at is not None and now < code.opens_at:
        return CodeState.NOT_YET
    if code.closes_at is not None and whole_second(now) > code.closes_at:
        return CodeState.OVER
    return CodeState.OPEN


def list_codes(ctx: Context, viewer: Viewer) -> list[CodeRow]:
    """Return the institution's codes, newest first."""
    with ctx.db.read() as session:
        codes = session.scalars(
            select(FeatureCode)
            .where(FeatureCode.institution_id == viewer.institution_id)
            .order_by(FeatureCode.created_at.desc())
        ).all()
        counts = session.execute(
            select(Enrolment.feature_code_id, func.count())
            .where(
                Enrolment.institution_id == viewer.institution_id,
                Enrolment.feature_code_id.is_not(None),
            )
            .group_by(Enrolment.feature_code_id)
        )
        bound: dict[uuid.UUID | None, int] = {row[0]: row[1] for row in counts}
    now = ctx.now()
    return [CodeRow(code, state_of(code, now), bound.get(code.id, 0)) for code in codes]


def get_code(ctx: Context, viewer: Viewer, code_id: uuid.UUID) -> FeatureCode:
    """Return a code of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        return _get_own(session, viewer, code_id)


def create_code(ctx: Context, viewer: Viewer, *, code: str, values: CodeValues) -> uuid.UUID:
    """Create a code, centralised and switched on; raises AlreadyExists."""
    now = ctx.now()
    try:
        with ctx.db.write() as session:
            row = FeatureCode(
                institution_id=viewer.institution_id,
                code=code,
                mode=CollectionMode.CENTRALISED,
                created_at=now,
                **asdict(values),
            )
            session.add(row)
            session.flush()
            _record(session, viewer, "code.create", row, now, fee_fen=values.fee_fen)
            return row.id
    except IntegrityError as error:
        raise AlreadyExists from error


def change_code(ctx: Context, viewer: Viewer, code_id: uuid.UUID, values: CodeValues) -> bool:
    """Change a code; orders that are open keep their amount. Returns whether anything differs.

    Raises:
        NotFound.
    """
    now = ctx.now()
    with ctx.db.write() as session:
        row = _get_own(session, viewer, code_id)
        changed = {
            name: value for name, value in asdict(values).items() if getattr(row, name) != value
        }
        for name, value in changed.items():
            setattr(row, name, value)
        if changed:
            detail = {name: str(value) for name, value in changed.items()}
            _record(session, viewer, "code.change", row, now, **detail)
        return bool(changed)


def switch_code(ctx: Context, viewer: Viewer, code_id: uuid.UUID, *, is_enabled: bool) -> str:
    """Switch a code on or off; returns it. Raises NotFound."""
    now = ctx.now()
    with ctx.db.write() as session:
        row = _get_own(session, viewer, code_id)
        if row.is_enabled != is_enabled:
            row.is_enabled = is_enabled
            _record(session, viewer, "code.enable" if is_enabled else "code.disable", row, now)
        return row.code


def _get_own(session: Session, viewer: Viewer, code_id: uuid.UUID) -> FeatureCode:
    code = session.get(FeatureCode, code_id)
    if code is None or code.institution_id != viewer.institution_id:
        raise NotFound
    return code


def _record(
    session: Session,
    viewer: Viewer,
    action: str,
    code: FeatureCode,
    now: dt.datetime,
    **detail: Any,
) -> None:
    record_audit(
        session,
        viewer,
        action,
        at=now,
        subject_kind="feature_code",
        subject_id=code.id,
        code=code.code,
        **detail,
    )
