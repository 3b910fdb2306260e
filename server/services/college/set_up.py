"""Institutions, learning centres and feature codes: what an operator sets up once."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models import ConsentText, FeatureCode, Institution, LearningCentre
from server.context import Context
from server.errors import CaijiError
from server.services.batches import ensure_batches
from server.services.feature_codes import CODE_PATTERN

CONSENT_VERSION = "2026-01"
CONSENT_TEXT = """为办理学历电子注册、学籍卡、学生证和学位证,学校需要采集您的姓名、证件号码和照片。

一、我们收集:您填写的姓名和证件号码(用于与学籍名单核对)、您上传的照片、缴费结果,以及微信为本小程序提供的用户标识。
二、照片会由程序检测是否符合教育部图像采集标准(头像位置、背景、清晰度等),并由学校工作人员审核;不用于其他用途,不做人脸比对。
三、证件号码加密保存;未采用的照片在保存期满后删除;已采集的照片由学校按学籍档案规定保存。
四、您可以在审核前撤回照片,也可以向所属学习中心查询、更正您的信息。

点击“同意”表示您已阅读并同意以上内容。"""
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


class FeatureCodeMalformed(CaijiError):
    """Not 4-8 letters and digits, or a fee that cannot be."""

    code = "feature_code_malformed"
    status = 422
    message = "特征码应为 4-8 位字母或数字,费用应为 1-100000 分"


def ensure_consent(session: Session, now: dt.datetime) -> None:
    """Store the present consent text; earlier versions stay as they are."""
    if session.get(ConsentText, CONSENT_VERSION) is None:
        session.add(ConsentText(version=CONSENT_VERSION, text=CONSENT_TEXT, created_at=now))


def add_institution(ctx: Context, name: str) -> uuid.UUID:
    """Create an institution with its next batches; raises AlreadyExists."""
    now = ctx.now()
    try:
        with ctx.db.write() as session:
            ensure_consent(session, now)
            institution = Institution(name=name.strip(), created_at=now)
            session.add(institution)
            session.flush()
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
    if not CODE_PATTERN.fullmatch(normal) or not 1 <= fee_fen <= MAX_FEE_FEN:
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
