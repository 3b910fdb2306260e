"""A receipt for each archive: who gave what to whom, for what, how much, and its hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from models import BackgroundJob, Enrolment, HandedOver, HandoverReceipt, Staff, new_id
from server.context import Context
from server.services.compliance.kept_by_law import HANDOVERS
from server.services.exports.archive import UseResult
from server.services.exports.plan import ExportOrder, Naming, list_suited
from server.services.viewer import Viewer

OWN_HOUSE = "本校"
COMMAND = "系统管理员（命令行）"
KEPT = dt.timedelta(days=HANDOVERS.years * 366)
LISTED = 100
PIECE_BYTES = 1024 * 1024
FIELDS = {
    Naming.STUDENT_NO: "照片、学号、姓名、层次、专业、学习中心、采集时间",
    Naming.ID_NUMBER: "照片、身份证号、学号、姓名、层次、专业、学习中心、采集时间",
    Naming.PHOTO_NUMBER: "照片、照片编号",
    Naming.CHSI_CODE: "照片、图像采集码、照片编号",
}


@dataclass(frozen=True)
class ReceiptView:
    """A receipt and the name of who answers for it."""

    receipt: HandoverReceipt
    staff: str


def record_receipt(
    ctx: Context,
    job_id: uuid.UUID,
    order: ExportOrder,
    results: Sequence[UseResult],
    *,
    size_bytes: int,
    sha256: str,
) -> None:
    """Write the receipt of a finished archive; one that is made again replaces its own."""
    with ctx.db.write() as session:
        job = session.get_one(BackgroundJob, job_id)
        session.execute(delete(HandedOver).where(HandedOver.job_id == job_id))
        session.execute(delete(HandoverReceipt).where(HandoverReceipt.job_id == job_id))
        _write(session, ctx.now(), job_id, order, results, (size_bytes, sha256), job.started_by)


def record_command(
    ctx: Context, order: ExportOrder, results: Sequence[UseResult], file: BinaryIO
) -> uuid.UUID:
    """Write the receipt of a whole archive that the command line wrote to ``file``; its id."""
    digest = hashlib.sha256()
    file.flush()
    file.seek(0)
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
    archive = (file.tell(), digest.hexdigest())
    with ctx.db.write() as session:
        return _write(session, ctx.now(), new_id(), order, results, archive, None)


def _write(
    session: Session,
    at: dt.datetime,
    job_id: uuid.UUID,
    order: ExportOrder,
    results: Sequence[UseResult],
    archive: tuple[int, str],
    staff_id: uuid.UUID | None,
) -> uuid.UUID:
    first = results[0]
    receipt = HandoverReceipt(
        institution_id=order.institution_id,
        job_id=job_id,
        staff_id=staff_id,
        at=at,
        receiver=order.receiver or OWN_HOUSE,
        purpose=order.purpose or "、".join(use.label for use in order.uses),
        fields=FIELDS[order.naming],
        count=first.count,
        left_out=_count_left_out(session, order, results),
        size_bytes=archive[0],
        sha256=archive[1],
    )
    session.add(receipt)
    session.flush()
    if order.naming is Naming.CHSI_CODE and first.handed_over:
        session.execute(
            insert(HandedOver),
            [
                {"id": new_id(), "job_id": job_id, "enrolment_id": each, "serial": serial}
                for serial, each in enumerate(first.handed_over, 1)
            ],
        )
    return receipt.id


def _count_left_out(session: Session, order: ExportOrder, results: Sequence[UseResult]) -> int:
    """Return how many students of the order the archive holds nothing of."""
    suited = select(func.count()).select_from(Enrolment)
    total = session.scalar(suited.where(*list_suited(order, results[0].use))) or 0
    return max(0, total - results[0].count)


def list_receipts(ctx: Context, viewer: Viewer) -> list[ReceiptView]:
    """Return the newest receipts of the institution."""
    with ctx.db.read() as session:
        rows = session.execute(
            select(HandoverReceipt, Staff)
            .outerjoin(Staff, Staff.id == HandoverReceipt.staff_id)
            .where(HandoverReceipt.institution_id == viewer.institution_id)
            .order_by(HandoverReceipt.at.desc())
            .limit(LISTED)
        )
        return [
            ReceiptView(receipt, staff.shown_name if staff else COMMAND) for receipt, staff in rows
        ]


def delete_old_receipts(ctx: Context) -> int:
    """Forget receipts, and who was in them, after their three years (a sweeper)."""
    with ctx.db.write() as session:
        old = session.scalars(
            select(HandoverReceipt.job_id).where(HandoverReceipt.at < ctx.now() - KEPT).limit(200)
        ).all()
        if old:
            session.execute(delete(HandedOver).where(HandedOver.job_id.in_(old)))
            session.execute(delete(HandoverReceipt).where(HandoverReceipt.job_id.in_(old)))
        return len(old)
