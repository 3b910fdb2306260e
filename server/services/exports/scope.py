"""What an export is narrowed to: some uses, one learning centre, what is new since the last one."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy.orm import Session

from models import BackgroundJob, LearningCentre
from server.context import Context
from server.errors import CaijiError
from server.gateways.clock import to_local
from server.services.exports.plan import (
    AnyUse,
    ExportOrder,
    Naming,
    ProfileUse,
    Use,
    count_waiting,
)
from server.services.profiles.plan import list_profiles_on
from server.services.viewer import Viewer


class ExportMalformed(CaijiError):
    """No batch, no naming or no use was chosen."""

    code = "export_malformed"
    status = 422
    message = "请选择批次、命名方式和至少一种用途"


class PicturesWaiting(CaijiError):
    """Pictures of a chosen profile are still being made: an export now would be short of them."""

    code = "pictures_waiting"
    status = 409
    message = "还有照片正在生成，请过几分钟再导出"


def list_uses(ctx: Context, viewer: Viewer) -> list[AnyUse]:
    """Return what the institution may export for: the standard photo's uses, then its profiles."""
    with ctx.db.read() as session:
        return [*Use, *list_profile_uses(session, viewer.institution_id)]


def list_profile_uses(session: Session, institution_id: uuid.UUID) -> list[ProfileUse]:
    """Return the uses with a photo profile of their own that the institution has switched on."""
    profiles = list_profiles_on(session, institution_id)
    return [ProfileUse(each.key, each.title, each.file_name) for each in profiles]


class ReceiverMissing(CaijiError):
    """What is handed over with the students' codes goes to somebody, for something."""

    code = "receiver_missing"
    status = 422
    message = "带图像采集码的导出要填写接收方和用途说明，并且只选一种用途"


def name_receiver(order: ExportOrder, receiver: str, purpose: str) -> ExportOrder:
    """Return the order with who gets it and what for, as the receipt keeps them.

    Raises:
        ReceiverMissing: an export with codes says neither, or has several uses.
    """
    receiver, purpose = " ".join(receiver.split())[:100], " ".join(purpose.split())[:200]
    is_complete = bool(receiver and purpose) and len(order.uses) == 1
    if order.naming is Naming.CHSI_CODE and not is_complete:
        raise ReceiverMissing
    return replace(order, receiver=receiver, purpose=purpose)


def narrow(session: Session, order: ExportOrder, centre: str) -> ExportOrder:
    """Return the order for one learning centre, named by its id; for all where there is none.

    Raises:
        ExportMalformed: no such centre in the order's institution.
    """
    if not centre:
        return order
    try:
        found = session.get(LearningCentre, uuid.UUID(centre))
    except ValueError as error:
        raise ExportMalformed from error
    if found is None or found.institution_id != order.institution_id:
        raise ExportMalformed
    return replace(order, centre_id=found.id)


def go_on_from_last(order: ExportOrder, done: Iterable[BackgroundJob]) -> ExportOrder:
    """Return the order for what came since the newest finished export that held all its uses.

    ``done``: finished exports of the institution, newest first. Without such a one it stays whole.
    """
    wanted = order.to_json()
    for job in done:
        held = job.parameters
        is_same = all(held.get(name) == wanted[name] for name in ("batch_id", "naming"))
        covers = held.get("centre_id") in (None, wanted["centre_id"])
        if is_same and covers and set(wanted["uses"]) <= set(held["uses"]):
            return replace(order, since=job.created_at)
    return order


def require_pictures(session: Session, order: ExportOrder) -> None:
    """Raise PicturesWaiting while pictures of the order's profiles are still being made."""
    if waiting := count_waiting(session, order):
        raise PicturesWaiting(f"还有 {waiting} 张照片正在生成，请过几分钟再导出")


def describe_scope(session: Session, order: ExportOrder) -> dict[str, str]:
    """Return what an export was narrowed to, for the record."""
    scope = {}
    if order.centre_id is not None:
        scope["学习中心"] = session.get_one(LearningCentre, order.centre_id).name
    if order.since is not None:
        scope["自"] = to_local(order.since).strftime("%Y-%m-%d %H:%M:%S")
    return scope
