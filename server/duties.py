"""All background duties of the worker, in one list: what runs, how often, and which jobs."""

from __future__ import annotations

import threading

import structlog

from server.context import Context
from server.services.chsi.waive import move_on_without_code
from server.services.college.batches import ensure_all_batches
from server.services.compliance.stored_faces import count_stored_faces
from server.services.exports.discard import KIND as EXPORT
from server.services.exports.discard import delete_expired_exports
from server.services.exports.receipts import delete_old_receipts
from server.services.exports.run import run_export
from server.services.faces.encode import measure_due_faces
from server.services.faces.forget import drop_spent_faces
from server.services.faces.references import KIND as FACE_REFERENCES
from server.services.faces.references import remove_spent_zips
from server.services.faces.run_references import run_reference_import
from server.services.handover.keep_list import KIND as RESULT_LIST
from server.services.handover.keep_list import check_list, forget_old_lists
from server.services.jobs import register_job, run_next_job
from server.services.messages.outbox import send_due_messages
from server.services.messages.sms import send_due_sms
from server.services.money.books.due_days import reconcile_due_days
from server.services.money.fee import settle_free_fees
from server.services.money.orders.query_order import poll_due_orders
from server.services.money.refunds.refund import poll_due_refunds
from server.services.money.settling.receive_notice import decide_kept_notices
from server.services.onsite.folder import KIND as CAMERA_FOLDER
from server.services.onsite.folder import remove_spent_folders
from server.services.onsite.run_folder import run_camera_import
from server.services.photo.remake import requeue_crops
from server.services.photo.remove_orphans import remove_orphans
from server.services.photo.requeue import requeue_unchecked_photos
from server.services.prints.jobs import KIND as PRINT
from server.services.prints.jobs import remove_spent_prints, run_print
from server.services.profiles.plan import drop_spent_cuts
from server.services.profiles.trial import remove_old_trials
from server.services.review.automatic import approve_clean_passes
from server.services.roster.jobs import register_roster_jobs
from server.services.roster.uploads import remove_spent_rosters
from server.services.upkeep.audit_chain import seal_audit, seal_late_audit
from server.services.upkeep.purge import sweep_old_data
from server.sweepers import Sweeper

log = structlog.get_logger()

JOB_POLL_S = 1.0

SWEEPERS: dict[str, list[Sweeper]] = {
    "photos": [
        Sweeper("requeue_unchecked_photos", 5, requeue_unchecked_photos),
        Sweeper("requeue_crops", 5, requeue_crops),
        Sweeper("approve_clean_passes", 30, approve_clean_passes),
        Sweeper("remove_orphans", 600, remove_orphans),
        Sweeper("drop_spent_cuts", 600, drop_spent_cuts),
        Sweeper("remove_old_trials", 60, remove_old_trials),
        Sweeper("move_on_without_code", 60, move_on_without_code),
        Sweeper("ensure_batches", 3600, ensure_all_batches),
    ],
    "money": [
        Sweeper("decide_kept_notices", 5, decide_kept_notices),
        Sweeper("poll_due_orders", 5, poll_due_orders),
        Sweeper("poll_due_refunds", 10, poll_due_refunds),
        Sweeper("settle_free_fees", 30, settle_free_fees),
        Sweeper("send_due_messages", 5, send_due_messages),
        Sweeper("send_due_sms", 10, send_due_sms),
    ],
    "books": [Sweeper("reconcile_due_days", 600, reconcile_due_days)],
    "faces": [
        Sweeper("measure_due_faces", 5, measure_due_faces),
        Sweeper("drop_spent_faces", 20, drop_spent_faces),
        Sweeper("remove_spent_zips", 60, remove_spent_zips),
    ],
    "jobs": [
        Sweeper("remove_spent_rosters", 60, remove_spent_rosters),
        Sweeper("remove_spent_folders", 60, remove_spent_folders),
        Sweeper("forget_old_lists", 600, forget_old_lists),
        Sweeper("remove_spent_prints", 60, remove_spent_prints),
        Sweeper("delete_old_receipts", 3600, delete_old_receipts),
        Sweeper("delete_expired_exports", 600, delete_expired_exports),
    ],
    "retention": [
        Sweeper("delete_old_data", 3600, sweep_old_data),
        Sweeper("count_stored_faces", 3600, count_stored_faces),
    ],
    "audit": [
        Sweeper("seal_audit", 5, seal_audit),
        Sweeper("seal_late_audit", 3600, seal_late_audit),
    ],
}
"""Every sweeper, by the thread that runs it: a gateway that hangs must not delay a verdict."""


def register_jobs() -> None:
    """Let this process run every kind of background job."""
    register_roster_jobs()
    register_job(EXPORT, run_export)
    register_job(CAMERA_FOLDER, run_camera_import)
    register_job(RESULT_LIST, check_list)
    register_job(PRINT, run_print)
    register_job(FACE_REFERENCES, run_reference_import)


def run_jobs_forever(ctx: Context, stopping: threading.Event) -> None:
    """Run background jobs (imports, exports) one after the other until told to stop."""
    register_jobs()
    while not stopping.is_set():
        try:
            if run_next_job(ctx):
                continue
        except Exception:
            log.exception("job_failed")
        stopping.wait(JOB_POLL_S)
