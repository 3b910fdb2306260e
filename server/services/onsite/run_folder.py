"""The worker's part: each confirmed shot goes to its student, as if it had been taken there.

A killed worker begins again: the same bytes are one photo.
"""

from __future__ import annotations

import uuid

from models import BackgroundJob
from server.context import Context
from server.errors import CaijiError
from server.gateways.photo_store import PhotoMissing
from server.services.jobs import report_progress
from server.services.onsite.folder import read_shot, remove_files, rows_of
from server.services.photo.submit import submit_on_site


def run_camera_import(ctx: Context, job_id: uuid.UUID) -> None:
    """Hand every row without a fault to its student; what fails meanwhile says why on its row."""
    with ctx.db.read() as session:
        job = session.get_one(BackgroundJob, job_id)
    rows = [dict(row) for row in rows_of(job)]
    good = [row for row in rows if not row["fault"]]
    for done, row in enumerate(good, start=1):
        try:
            row["photo_id"] = str(_submit(ctx, job, row))
        except CaijiError as error:
            row["failed"] = error.shown_message
        except PhotoMissing:
            row["failed"] = "文件已不在，请重新上传"
        with ctx.db.write() as session:
            session.get_one(BackgroundJob, job_id).parameters = {"rows": [dict(r) for r in rows]}
        report_progress(ctx, job_id, done, len(good))
    remove_files(ctx, job_id)


def _submit(ctx: Context, job: BackgroundJob, row: dict[str, object]) -> uuid.UUID:
    data = read_shot(ctx, job.id, int(str(row["place"])))
    return submit_on_site(
        ctx,
        staff_id=job.started_by,
        enrolment_id=uuid.UUID(str(row["enrolment_id"])),
        data=data,
        is_confirmed=True,
    ).photo.id
