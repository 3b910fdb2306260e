"""Who may collect a photo now."""

from __future__ import annotations

from models import REGISTERED, CollectionStatus, Enrolment
from server.errors import CaijiError


class NotRegistered(CaijiError):
    """学籍状态 is not 在籍."""

    code = "not_registered"
    status = 409
    message = "当前学籍状态不能采集照片"


class AlreadyCollected(CaijiError):
    """The photo is locked."""

    code = "already_collected"
    status = 409
    message = "照片已采集（锁定），无需再次采集"


def require_eligible(enrolment: Enrolment) -> None:
    """Refuse an enrolment that may not collect a photo now.

    Raises:
        NotRegistered, AlreadyCollected.
    """
    if enrolment.register_status != REGISTERED:
        raise NotRegistered
    if enrolment.collection_status is CollectionStatus.COLLECTED:
        raise AlreadyCollected
