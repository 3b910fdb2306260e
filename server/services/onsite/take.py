"""A student before the camera of the college: found, asked for consent, photographed.

The photographer stands in the photo's row, the identity that was shown in the audit log. Money and
WeChat are no condition: who is not bound pays after binding, or finance records it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from models import CollectionStatus, Enrolment, FeatureCode, Photo
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.audit import record_audit
from server.services.collection import lock_enrolment
from server.services.college.codes import require_open
from server.services.consent.ask import has_consent, require_photo_consent
from server.services.consent.decide import ConsentState, Decider, list_states, record_consent
from server.services.consent.guardian import GuardianNeeded, require_guardian
from server.services.consent.parts import PHOTO
from server.services.photo.submit import submit_on_site
from server.services.student.eligible import require_eligible
from server.services.student.view import find_latest_photo
from server.services.viewer import Viewer, get_visible, list_scope, may_see

IDENTITIES = ("居民身份证", "学生证", "护照或通行证", "其他有照片的证件")


class StudentUnknown(CaijiError):
    """No such 学号 among those whom the viewer may see."""

    code = "student_unknown"
    status = 404
    message = "没有找到这个学号的学生，或不属于你的学习中心"


class IdentityUnseen(CaijiError):
    """Nobody looked at a document of the student."""

    code = "identity_unseen"
    status = 422
    message = "请先核对本人的证件，并选择看的是哪一种"


class CodeNeeded(CaijiError):
    """The student has no open feature code, and none was chosen."""

    code = "code_needed"
    status = 422
    message = "请选择特征码：费用和背景按它计算"


class GuardianSheetNeeded(GuardianNeeded):
    """The student is a child: on site a signed sheet comes first."""

    message = "未满 14 周岁：请监护人签纸质同意书，在“同意与权利”里登记以后再拍照"


class AgreementMissing(CaijiError):
    """The student has not agreed to the photo."""

    code = "agreement_missing"
    status = 409
    message = "学生还没有同意采集照片，请先请本人阅读告知书并确认"


@dataclass(frozen=True)
class OnSiteView:
    """The student before the camera, and what is still missing before a photo can be taken."""

    enrolment: Enrolment
    notice_text: str
    states: list[ConsentState]
    codes: list[FeatureCode]
    """To choose from; empty where the student has an open one."""
    is_agreed: bool
    lacks_guardian: bool
    """A child whose guardian has signed nothing that the school wrote down."""
    latest: Photo | None
    obstacle: str
    """Why no photo can be taken at all; empty where one can."""
    is_unpaid: bool

    @property
    def is_ready(self) -> bool:
        """Tell whether the camera may be opened."""
        return self.is_agreed and not self.codes and not self.obstacle


def find_student(ctx: Context, viewer: Viewer, student_no: str) -> uuid.UUID:
    """Return the enrolment of a 学号 within the viewer's scope; raises StudentUnknown."""
    with ctx.db.read() as session:
        found = session.scalar(
            select(Enrolment.id).where(
                *list_scope(viewer), Enrolment.student_no == student_no.strip()
            )
        )
    if found is None:
        raise StudentUnknown
    return found


def view_on_site(ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID) -> OnSiteView:
    """Return what the on-site page shows of a student; raises NotFound."""
    with ctx.db.read() as session:
        enrolment = session.scalars(
            select(Enrolment)
            .where(Enrolment.id == enrolment_id, *list_scope(viewer))
            .options(joinedload(Enrolment.centre), joinedload(Enrolment.photo))
        ).one_or_none()
        if enrolment is None:
            raise NotFound
        notice, states = list_states(session, enrolment, ctx.now())
        code = session.get(FeatureCode, enrolment.feature_code_id or uuid.UUID(int=0))
        is_free = code is not None and code.fee_fen == 0
        return OnSiteView(
            enrolment=enrolment,
            notice_text=notice.text,
            states=states,
            codes=[] if _is_open(ctx, code) else _list_open_codes(session, ctx, enrolment),
            is_agreed=is_agreed_on_site(session, enrolment),
            lacks_guardian=_lacks_guardian(session, ctx, enrolment, notice.version),
            latest=find_latest_photo(session, enrolment.id),
            obstacle=_find_obstacle(enrolment),
            is_unpaid=enrolment.fee_settled_at is None and not is_free,
        )


def agree_on_site(
    ctx: Context,
    viewer: Viewer,
    enrolment_id: uuid.UUID,
    *,
    identity: str,
    kinds: Collection[str],
    code_id: uuid.UUID | None,
) -> None:
    """Record what a student agreed to in person, each consent a row. Owns its transaction.

    Raises:
        NotFound, IdentityUnseen, CodeNeeded, AgreementMissing, GuardianSheetNeeded, NotRegistered,
        AlreadyCollected, ConsentKindUnknown and the errors of the feature code.
    """
    if identity not in IDENTITIES:
        raise IdentityUnseen
    if PHOTO not in kinds:
        raise AgreementMissing
    now = ctx.now()
    with ctx.db.write() as session:
        enrolment = lock_enrolment(session, enrolment_id)
        if enrolment is None or not may_see(viewer, enrolment):
            raise NotFound
        require_eligible(enrolment)
        _choose_code(session, ctx, enrolment, code_id)
        notice, _ = list_states(session, enrolment, now)
        if _lacks_guardian(session, ctx, enrolment, notice.version):
            raise GuardianSheetNeeded
        who = require_guardian(session, ctx, enrolment, None, notice.version)
        decider = Decider("guardian" if who == "guardian" else "staff", staff_id=viewer.staff_id)
        for kind in sorted(set(kinds), key=lambda each: each != PHOTO):
            record_consent(session, enrolment, kind, is_given=True, decider=decider, at=now)
        record_audit(
            session,
            viewer,
            "onsite.agree",
            at=now,
            subject_kind="enrolment",
            subject_id=enrolment.id,
            identity_seen=identity,
            kinds=sorted(kinds),
        )


def take_photo(
    ctx: Context,
    viewer: Viewer,
    enrolment_id: uuid.UUID,
    *,
    data: bytes,
    identity: str,
    is_confirmed: bool = False,
) -> uuid.UUID:
    """Keep a photo that the viewer has taken of this student; returns the photo.

    From here on it goes the way of every photo: check, money, review.

    Raises:
        NotFound, IdentityUnseen, and the errors of ``submit_on_site``.
    """
    if identity not in IDENTITIES:
        raise IdentityUnseen
    with ctx.db.read() as session:
        get_visible(session, viewer, enrolment_id)
    photo_id = submit_on_site(
        ctx,
        staff_id=viewer.staff_id,
        enrolment_id=enrolment_id,
        data=data,
        is_confirmed=is_confirmed,
    ).photo.id
    with ctx.db.write() as session:
        record_audit(
            session,
            viewer,
            "onsite.take",
            at=ctx.now(),
            subject_kind="photo",
            subject_id=photo_id,
            identity_seen=identity,
        )
    return photo_id


def is_agreed_on_site(session: Session, enrolment: Enrolment) -> bool:
    """Tell whether a photo may be taken as far as consent goes."""
    try:
        require_photo_consent(session, enrolment)
    except CaijiError:
        return False
    return has_consent(session, enrolment, PHOTO)


def _lacks_guardian(session: Session, ctx: Context, enrolment: Enrolment, version: str) -> bool:
    try:
        require_guardian(session, ctx, enrolment, None, version)
    except GuardianNeeded:
        return True
    return False


def _find_obstacle(enrolment: Enrolment) -> str:
    try:
        require_eligible(enrolment)
    except CaijiError as error:
        return error.shown_message
    photo = enrolment.photo
    is_waiting = enrolment.collection_status is not CollectionStatus.REUPLOAD_REQUIRED
    if photo is not None and photo.opened_at is not None and is_waiting:
        return "照片正在审核，暂时不能更换"
    return ""


def _is_open(ctx: Context, code: FeatureCode | None) -> bool:
    if code is None:
        return False
    try:
        require_open(code, ctx.now())
    except CaijiError:
        return False
    return True


def _list_open_codes(session: Session, ctx: Context, enrolment: Enrolment) -> list[FeatureCode]:
    codes = session.scalars(
        select(FeatureCode)
        .where(FeatureCode.institution_id == enrolment.institution_id)
        .order_by(FeatureCode.code)
    )
    return [code for code in codes if _is_open(ctx, code)]


def _choose_code(
    session: Session, ctx: Context, enrolment: Enrolment, code_id: uuid.UUID | None
) -> None:
    """Keep an open code of the student; else take the chosen one of the college."""
    present = session.get(FeatureCode, enrolment.feature_code_id or uuid.UUID(int=0))
    if _is_open(ctx, present):
        return
    chosen = session.get(FeatureCode, code_id) if code_id else None
    if chosen is None or chosen.institution_id != enrolment.institution_id:
        raise CodeNeeded
    require_open(chosen, ctx.now())
    enrolment.feature_code_id = chosen.id
