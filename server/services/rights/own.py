"""Which enrolment a signed-in WeChat user speaks about."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Enrolment
from server.errors import CaijiError, NotFound
from server.services.collection import lock_enrolment


class EnrolmentNeeded(CaijiError):
    """The user has bound several enrolments, and none was named."""

    code = "enrolment_needed"
    status = 422
    message = "绑定了多个学籍，请说明是哪一个"


def lock_own(session: Session, user_id: uuid.UUID, enrolment_id: uuid.UUID | None) -> Enrolment:
    """Return the named enrolment of the user, or the only one, with its row locked.

    Raises:
        NotFound, EnrolmentNeeded.
    """
    query = select(Enrolment.id).where(Enrolment.wechat_user_id == user_id)
    if enrolment_id is not None:
        query = query.where(Enrolment.id == enrolment_id)
    ids = session.scalars(query.limit(2)).all()
    if len(ids) > 1:
        raise EnrolmentNeeded
    enrolment = lock_enrolment(session, ids[0]) if ids else None
    if enrolment is None or enrolment.wechat_user_id != user_id:
        raise NotFound
    return enrolment
