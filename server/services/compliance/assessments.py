"""个人信息保护影响评估 (PIPL 55 and 56, 人脸识别办法 9): signed before a purpose begins.

The newest version says what an institution has looked at. What it does not cover may not be
turned on: comparing faces, or handing photos to a receiver that is not named in it. Versions are
never changed; each is kept for three years at least.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from models import ChsiPolicy, FaceSwitch, FeatureCode, ImpactAssessment, Institution
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.viewer import Viewer

PHOTO = "photo"
"""Collecting and checking the photo itself."""
FACES = "faces"
"""Comparing faces."""
RECEIVER = "receiver:"
KEPT = dt.timedelta(days=3 * 366)
MIN_ANSWER_LENGTH = 10
MAX_ANSWER_LENGTH = 4000
MAX_RECEIVERS = 20
RECEIVER_LENGTH = 100

QUESTIONS = {
    "purpose": "处理目的、处理方式是否合法、正当、必要",
    "rights": "对个人权益的影响",
    "risks": "泄露、篡改、丢失、毁损或者被非法使用的风险",
    "measures": "所采取的保护措施是否合法、有效，与风险程度相适应",
    "conclusion": "结论",
    "assessor": "评估人及职务",
}
SHORT = {"conclusion": 2, "assessor": 2}
"""Answers that may be shorter than MIN_ANSWER_LENGTH."""


class AssessmentMissing(CaijiError):
    """The newest impact assessment does not cover what shall be turned on."""

    code = "assessment_missing"
    status = 409
    message = "请先在“影响评估”中完成包括这一用途的个人信息保护影响评估，再开启"


class AssessmentIncomplete(CaijiError):
    """A question without an answer, or nothing that was assessed."""

    code = "assessment_incomplete"
    status = 422
    message = "每一项都要填写，并至少选择一个用途"


@dataclass(frozen=True)
class Draft:
    """What the form starts from: facts of the settings, and words to begin with."""

    facts: list[str]
    answers: dict[str, str]
    covers: list[str]


def receiver_purpose(name: str) -> str:
    """Return the purpose of handing photos to a receiver of this name."""
    return RECEIVER + " ".join(name.split())


def describe_purpose(purpose: str) -> str:
    """Return how a purpose is shown to people."""
    known = {PHOTO: "采集、检测和使用照片", FACES: "比对人脸"}
    return known.get(purpose) or f"提供给：{purpose.removeprefix(RECEIVER)}"


def has_current_assessment(session: Session, institution_id: uuid.UUID, purpose: str) -> bool:
    """Tell whether the newest signed version of an institution covers ``purpose``.

    ``purpose``: PHOTO, FACES, or ``receiver_purpose(name)``.
    """
    newest = _find_newest(session, institution_id)
    return newest is not None and purpose in newest.covers


def require_assessment(session: Session, institution_id: uuid.UUID, purpose: str) -> None:
    """Refuse to turn on what was not assessed; raises AssessmentMissing."""
    if not has_current_assessment(session, institution_id, purpose):
        raise AssessmentMissing


def _find_newest(session: Session, institution_id: uuid.UUID) -> ImpactAssessment | None:
    """Return the newest signed version, or None."""
    return session.scalars(
        select(ImpactAssessment)
        .where(ImpactAssessment.institution_id == institution_id)
        .order_by(ImpactAssessment.version.desc())
        .limit(1)
    ).one_or_none()


def list_assessments(ctx: Context, viewer: Viewer) -> list[ImpactAssessment]:
    """Return the versions of the viewer's institution with their signers, newest first."""
    with ctx.db.read() as session:
        return list(
            session.scalars(
                select(ImpactAssessment)
                .where(ImpactAssessment.institution_id == viewer.institution_id)
                .options(joinedload(ImpactAssessment.signer))
                .order_by(ImpactAssessment.version.desc())
            )
        )


def get_assessment(ctx: Context, viewer: Viewer, assessment_id: uuid.UUID) -> ImpactAssessment:
    """Return one version of the viewer's institution; raises NotFound."""
    with ctx.db.read() as session:
        found = session.get(
            ImpactAssessment, assessment_id, options=[joinedload(ImpactAssessment.signer)]
        )
        if found is None or found.institution_id != viewer.institution_id:
            raise NotFound
        return found


def draft_assessment(ctx: Context, viewer: Viewer) -> Draft:
    """Return the template, filled from the settings; answers of the newest version stay."""
    with ctx.db.read() as session:
        facts = _describe_facts(ctx, session, viewer.institution_id)
        newest = _find_newest(session, viewer.institution_id)
    if newest is None:
        return Draft(facts, _begin_answers(viewer), [PHOTO])
    return Draft(facts, dict(newest.answers), list(newest.covers))


def _describe_facts(ctx: Context, session: Session, institution_id: uuid.UUID) -> list[str]:
    """Return what the settings say about the processing, one line a fact."""
    institution = session.get_one(Institution, institution_id)
    codes = session.scalars(
        select(FeatureCode).where(FeatureCode.institution_id == institution_id)
    ).all()
    settings = ctx.settings
    store = "对象存储" if settings.photo_store.startswith("s3://") else "本机文件夹"
    data = ["姓名", "学号", "证件号码", "手机号（名单中有时）", "照片", "微信标识", "缴费记录"]
    if any(code.chsi_policy is not ChsiPolicy.OFF for code in codes):
        data.insert(5, "图像采集码")
    compares = session.get(FaceSwitch, institution_id)
    return [
        f"个人信息处理者：{institution.name}；联系：{institution.contact_name or '未填写'}",
        f"特征码：{'、'.join(sorted(code.code for code in codes)) or '无'}",
        f"个人信息：{'、'.join(data)}；未满 14 周岁的，还有监护人的姓名",
        f"照片存放：{store}；证件号码、手机号、微信标识以 AES-256-GCM 加密存放",
        f"原始照片和未采用的照片保存 {settings.retention_days} 天",
        f"其余个人信息保存到批次截止后 {institution.kept_years} 年",
        f"人脸比对：{'已开启' if compares is not None and compares.is_on else '没有开启'}",
    ]


def _begin_answers(viewer: Viewer) -> dict[str, str]:
    """Return words to begin with: what the software does, for a person to judge and complete."""
    return {
        "purpose": (
            f"{viewer.institution_name}为毕业生学历证书电子注册采集电子照片（教毕指〔2017〕99号）。"
            "照片由程序检测尺寸、光线、姿态等，由审核员决定是否采用。"
        ),
        "rights": "照片属于敏感个人信息。学生可以查询、更正、撤回同意，也可以到现场采集。",
        "risks": "照片或证件号码泄露后可能被用于冒用身份；误用他人照片会影响证书注册。",
        "measures": (
            "字段加密、角色权限、操作记录、登录限次、按期删除、备份加密存放；"
            "学生本人和审核员以外的人看不到原始照片。"
        ),
        "conclusion": "",
        "assessor": "",
    }


def sign_assessment(
    ctx: Context, viewer: Viewer, answers: dict[str, str], covers: list[str]
) -> ImpactAssessment:
    """Store the next version, which is the current one from now on. Owns its transaction.

    Raises:
        AssessmentIncomplete.
    """
    if list_unanswered(answers) or not _are_known(covers):
        raise AssessmentIncomplete
    with ctx.db.write() as session:
        institution = session.get_one(Institution, viewer.institution_id, with_for_update=True)
        last = session.scalar(
            select(func.max(ImpactAssessment.version)).where(
                ImpactAssessment.institution_id == institution.id
            )
        )
        row = ImpactAssessment(
            institution_id=institution.id,
            version=(last or 0) + 1,
            covers=sorted(set(covers)),
            facts=_describe_facts(ctx, session, institution.id),
            answers={name: answers[name] for name in QUESTIONS},
            signed_by=viewer.staff_id,
            signed_at=ctx.now(),
        )
        session.add(row)
        session.flush()
        record_audit(
            session,
            viewer,
            "assessment.sign",
            at=ctx.now(),
            subject_kind="impact_assessment",
            subject_id=row.id,
            version=row.version,
            covers=[describe_purpose(purpose) for purpose in row.covers],
        )
        return row


def list_unanswered(answers: dict[str, str]) -> list[str]:
    """Return the questions whose answer is missing, too short or too long."""
    return [
        name
        for name in QUESTIONS
        if not SHORT.get(name, MIN_ANSWER_LENGTH)
        <= len(answers.get(name, "").strip())
        <= MAX_ANSWER_LENGTH
    ]


def _are_known(covers: list[str]) -> bool:
    receivers = [one for one in covers if one.startswith(RECEIVER)]
    return (
        bool(covers)
        and set(covers) - set(receivers) <= {PHOTO, FACES}
        and len(receivers) <= MAX_RECEIVERS
        and all(len(RECEIVER) < len(one) <= len(RECEIVER) + RECEIVER_LENGTH for one in receivers)
    )
