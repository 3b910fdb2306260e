"""Runs an export in the background. A killed one starts over; only a whole archive is ever offered.

The row names the attempt that may write. A process that was taken for lost, or whose export was
cancelled, sees that at its next progress and removes what it wrote.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update

from models import AuditEntry, BackgroundJob
from server.context import Context
from server.errors import CaijiError
from server.failpoints import hit
from server.services.exports.archive import ArchiveWriter, Sink, UseResult
from server.services.exports.plan import ExportOrder, count_rows
from server.services.exports.receipts import record_receipt
from server.services.jobs import JobTaken
from server.services.pieces import ChunkWriter, delete_chunks, try_to_delete_chunks

PROGRESS_EVERY_S = 1.0
MAX_ATTEMPTS = 3


class ExportKeepsDying(CaijiError):
    """The process was killed at every attempt."""

    code = "export_keeps_dying"
    status = 500
    message = "导出多次被中断，已停止重试，请联系系统管理员"


@dataclass
class Attempt:
    """One try at an export: the only one that may write while the row names it."""

    ctx: Context
    job_id: uuid.UUID
    name: str
    total: int = 0
    _noted_at: float = 0.0

    def begin(self) -> ExportOrder:
        """Take the job over from an earlier attempt, whose pieces are removed.

        Raises:
            JobTaken, ExportKeepsDying, PhotoStoreUnavailable.
        """
        with self.ctx.db.write() as session:
            job = session.get_one(BackgroundJob, self.job_id, with_for_update=True)
            if job.state != "running":
                raise JobTaken
            earlier, tries = job.file_key, int(job.result.get("attempts", 0)) + 1
            job.file_key = self.name
            job.result = {"attempts": tries}
        if earlier is not None:
            delete_chunks(self.ctx.photo_store, earlier)
        if tries > MAX_ATTEMPTS:
            raise ExportKeepsDying
        order = ExportOrder.from_json(
            job.parameters, institution_id=job.institution_id, as_of=job.created_at
        )
        with self.ctx.db.read() as session:
            self.total = sum(count_rows(session, order, use) for use in order.uses)
        return order

    def note_progress(self, done: int) -> None:
        """Write the progress now and then; raises JobTaken."""
        if time.monotonic() - self._noted_at < PROGRESS_EVERY_S:
            return
        self._noted_at = time.monotonic()
        self.write_row(done_count=done, total_count=self.total)

    def write_row(self, **values: Any) -> None:
        """Change the row while this attempt still owns it; raises JobTaken."""
        with self.ctx.db.write() as session:
            result = session.execute(
                update(BackgroundJob)
                .where(
                    BackgroundJob.id == self.job_id,
                    BackgroundJob.state == "running",
                    BackgroundJob.file_key == self.name,
                )
                .values(progressed_at=self.ctx.now(), **values)
                .execution_options(synchronize_session=False)
            )
        if not result.rowcount:  # type: ignore[attr-defined]
            raise JobTaken


def run_export(ctx: Context, job_id: uuid.UUID) -> None:
    """Make the archive of an export job (a handler of run_jobs)."""
    attempt = Attempt(ctx, job_id, uuid.uuid4().hex)
    order = attempt.begin()
    out = ChunkWriter(ctx, attempt.name)
    with _cleaning_up(ctx, out, attempt):
        results = ArchiveWriter(ctx, order, out, attempt.note_progress, out.settle).write()
        hit("export_before_finish")
        size_bytes, sha256 = out.finish()
        record_receipt(ctx, job_id, order, results, size_bytes=size_bytes, sha256=sha256)
        attempt.write_row(
            done_count=attempt.total,
            total_count=attempt.total,
            result={
                "counts": {result.use.value: result.count for result in results},
                "missing": {
                    result.use.value: result.missing for result in results if result.missing
                },
                "left_out": {
                    result.use.value: [str(each) for each in result.left_out]
                    for result in results
                    if result.left_out
                },
                "size_bytes": size_bytes,
                "sha256": sha256,
                "chunk_count": out.chunk_count,
            },
        )


@contextlib.contextmanager
def _cleaning_up(ctx: Context, out: ChunkWriter, attempt: Attempt) -> Iterator[None]:
    """Remove the pieces of an attempt that ends badly; what a store refuses, the sweeper takes."""
    try:
        yield
    except BaseException:
        if try_to_delete_chunks(ctx.photo_store, attempt.name, out.chunk_count):
            with contextlib.suppress(JobTaken):
                attempt.write_row(file_key=None)
        raise


def export_to_file(ctx: Context, order: ExportOrder, sink: Sink, on_photo: Any) -> list[UseResult]:
    """Write an archive to an open file, for the command line. Noted in the audit log.

    Raises:
        ExportEmpty, ExportIncomplete, ExportOvertaken, PhotoStoreUnavailable.
    """
    with ctx.db.write() as session:
        session.add(
            AuditEntry(
                institution_id=order.institution_id,
                at=ctx.now(),
                action="export.command",
                subject_kind="batch",
                subject_id=str(order.batch_id),
                detail={
                    "命名": order.naming.label,
                    "用途": "、".join(use.label for use in order.uses),
                },
            )
        )
    return ArchiveWriter(ctx, order, sink, on_photo, lambda: None).write()
