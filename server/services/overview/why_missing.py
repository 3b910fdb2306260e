"""Why a student is missing, as one expression that lists and figures share."""

from __future__ import annotations

import enum

from sqlalchemy import ColumnElement, and_, case, exists

from models import CollectionStatus, Enrolment, Photo, Verdict
from server.services.chsi_due import code_due_column


class Why(enum.StrEnum):
    """Why a student is missing: the first that fits, from the end of the way to its beginning."""

    NO_CODE = "no_code"
    REJECTED = "rejected"
    UNPAID = "unpaid"
    CHECK_FAILED = "check_failed"
    NO_PHOTO = "no_photo"
    NEVER_SIGNED_IN = "never"

    @property
    def label(self) -> str:
        """The Chinese words shown to staff."""
        return {
            "no_code": "照片已合格，缺图像采集码",
            "rejected": "退回后未重新上传",
            "unpaid": "照片已合格，未缴费",
            "check_failed": "检测未合格",
            "no_photo": "已进入，未拍照",
            "never": "从未进入小程序",
        }[self.value]


def why_column() -> ColumnElement[str]:
    """Return the expression that gives each missing student's :class:`Why`."""
    has_failed = exists().where(Photo.enrolment_id == Enrolment.id, Photo.verdict == Verdict.FAIL)
    only_lacks_code = and_(
        Enrolment.photo_id.is_not(None), Enrolment.fee_settled_at.is_not(None), code_due_column()
    )
    return case(
        (only_lacks_code, Why.NO_CODE.value),
        (
            Enrolment.collection_status == CollectionStatus.REUPLOAD_REQUIRED,
            Why.REJECTED.value,
        ),
        (
            and_(Enrolment.photo_id.is_not(None), Enrolment.fee_settled_at.is_(None)),
            Why.UNPAID.value,
        ),
        (has_failed, Why.CHECK_FAILED.value),
        (Enrolment.wechat_user_id.is_not(None), Why.NO_PHOTO.value),
        else_=Why.NEVER_SIGNED_IN.value,
    )
