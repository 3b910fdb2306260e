"""Institutions, learning centres and feature codes: what an operator sets up once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import FeatureCode, Institution, LearningCentre
from server.context import Context
from server.errors import CaijiError
from server.services.college.batches import ensure_batches
from server.services.college.codes import CODE_PATTERN
from server.services.consent.parts import NoticeParts
from server.services.consent.publish import publish_first
from server.services.consent.shipped import make_shipped

MAX_FEE_FEN = 100_000


class InstitutionUnknown(CaijiError):
    """No institution has this name, or several exist and none was named."""

    code = "institution_unknown"
    status = 404
    message = "没有找到院校"


class AlreadyExists(CaijiError):
    """The name or code is taken."""

    code = "already_exists"
    status = 409
    message = "名称或代码已存在"


MakeNotice = Callable[[Institution, int], NoticeParts]
"""An institution's first notice, from it and the days for which raw photos are kept."""


class FeatureCodeMalformed(CaijiError):
    """Not 4-8 letters and digits, or a fee that cannot be."""

    code = "feature_code_malformed"
    status = 422
    message = "特征码应为 4-8 位字母或数字，费用应为 0-100000 分"


def add_institution(ctx: Context, name: str, make_notice: MakeNotice = make_shipped) -> uuid.UUID:
    """Create an institution with its notice and its next batches; raises AlreadyExists."""
    now = ctx.now()
    try:
        with ctx.db.write() as session:
            institution = Institution(name=name.strip(), created_at=now)
            session.add(institution)
            session.flush()
            parts = make_notice(institution, ctx.settings.retention_days)
            publish_first(session, institution, parts, now)
            ensure_batches(session, institution, now)
            return institution.id
    except IntegrityError as error:
        raise AlreadyExists from error


def find_institution(session: Session, name: str | None) -> Institution:
    """Return the named institution, or the only one; raises InstitutionUnknown."""
    query = select(Institution)
    if name is not None:
        query = query.where(Institution.name == name.strip())
    found = session.scalars(query.limit(2)).all()
    if len(found) != 1:
        raise InstitutionUnknown
    return found[0]


def find_or_create_centre(
    session: Session, institution_id: uuid.UUID, name: str, now: dt.datetime
) -> LearningCentre:
    """Return the centre of that name, creating it where there is none (caller commits)."""
    centre = session.scalars(
        select(LearningCentre).where(
            LearningCentre.institution_id == institution_id, LearningCentre.name == name
        )
    ).one_or_none()
    if centre is None:
        centre = LearningCentre(institution_id=institution_id, name=name, created_at=now)
        session.add(centre)
        session.flush()
    return centre


def add_feature_code(
    ctx: Context,
    *,
    institution: str | None,
    code: str,
    fee_fen: int,
    opens_at: dt.datetime | None = None,
    closes_at: dt.datetime | None = None,
) -> uuid.UUID:
    """Create a feature code: open at once, check first, where nothing else is said.

    Raises:
        FeatureCodeMalformed, InstitutionUnknown, AlreadyExists.
    """
    normal = code.strip().lower()
    if not CODE_PATTERN.fullmatch(normal) or not 0 <= fee_fen <= MAX_FEE_FEN:
        raise FeatureCodeMalformed
    try:
        with ctx.db.write() as session:
            row = FeatureCode(
                institution_id=find_institution(session, institution).id,
                code=normal,
                fee_fen=fee_fen,
                opens_at=opens_at,
                closes_at=closes_at,
                created_at=ctx.now(),
            )
            session.add(row)
            session.flush()
            return row.id
    except IntegrityError as error:
        raise AlreadyExists from error
