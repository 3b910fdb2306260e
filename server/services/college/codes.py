"""Feature codes: finding one by what a student typed, and when it may be used."""

from __future__ import annotations

import datetime as dt
import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import FeatureCode
from server.errors import CaijiError
from server.services.moment import whole_second
from server.services.names import clean_text

CODE_PATTERN = re.compile(r"[0-9a-z]{4,8}")
PHOTO_TIPS = [
    "面对镜头，头部端正，双眼睁开，嘴唇自然闭合",
    "背景为干净的浅色墙面，光线均匀，脸上没有阴影",
    "头发不遮眉毛、眼睛和耳朵，不戴帽子和首饰",
    "衣服颜色与背景有明显区别",
]


class FeatureCodeUnknown(CaijiError):
    """No such code, or it is switched off: a guesser learns no difference."""

    code = "feature_code_unknown"
    status = 404
    message = "没有找到这个特征码，请核对学校通知"


class FeatureCodeNotOpen(CaijiError):
    """The window has not begun."""

    code = "feature_code_not_open"
    status = 409
    message = "采集尚未开始"


class FeatureCodeClosed(CaijiError):
    """The window is over."""

    code = "feature_code_closed"
    status = 409
    message = "采集已经结束"


def _normalise_code(typed: str) -> str:
    """Return a typed code in half width, lower case, trimmed; raises FeatureCodeUnknown."""
    code = clean_text(typed).lower()
    if not CODE_PATTERN.fullmatch(code):
        raise FeatureCodeUnknown
    return code


def find_code(session: Session, typed: str) -> FeatureCode:
    """Return the enabled code; raises FeatureCodeUnknown."""
    code = session.scalars(
        select(FeatureCode).where(
            FeatureCode.code == _normalise_code(typed), FeatureCode.is_enabled.is_(True)
        )
    ).one_or_none()
    if code is None:
        raise FeatureCodeUnknown
    return code


def require_open(code: FeatureCode, now: dt.datetime) -> None:
    """Refuse a code outside its window or switched off.

    Raises:
        FeatureCodeUnknown, FeatureCodeNotOpen, FeatureCodeClosed.
    """
    if not code.is_enabled:
        raise FeatureCodeUnknown
    if code.opens_at is not None and now < code.opens_at:
        raise FeatureCodeNotOpen
    if code.closes_at is not None and whole_second(now) > code.closes_at:
        raise FeatureCodeClosed
