"""The worker's part of a roster import: check an uploaded file, then import what was confirmed."""

from __future__ import annotations

import time
import uuid
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from models import BackgroundJob
from server.context import Context
from server.services.collection import Actor
from server.services.csv_lines import write_line
from server.services.jobs import register_job, report_progress
from server.services.roster.judge import RowFault
from server.services.roster.plan import Change, ImportPlan, Progress, plan_import
from server.services.roster.read_apart import read_roster_apart
from server.services.roster.uploads import (
    CHECK,
    IMPORT,
    name_faults,
    name_roster,
    read_file,
    remove_file,
    write_file,
)
from server.services.roster.write import ReplacementUnconfirmed, RosterOutdated, apply_import

SHOWN = 100
"""Rows of each list that the page shows."""
REPORT_EVERY_S = 0.5
BOM = "\ufeff"


class _AlreadyImported(Exception):
    """Another process that took this job for lost has carried it out."""


def register_roster_jobs() -> None:
    """Let the worker of this process run both kinds of roster jobs."""
    register_job(CHECK, _check_roster)
    register_job(IMPORT, import_roster)


def _check_roster(ctx: Context, job_id: uuid.UUID) -> None:
    """Plan the import and keep what the page shows. Starting over does no harm.

    With errors the roster itself is no longer needed: the list of errors takes its place.
    """
    job = _get_job(ctx, job_id)
    plan = _plan(ctx, job, _report_to(ctx, job_id))
    if not plan.faults:
        _store_result(ctx, job_id, plan)
        return
    write_file(ctx, job, name_faults(job_id), _write_faults(plan.faults))
    _store_result(ctx, job_id, plan, file_key=name_faults(job_id))
    ctx.photo_store.delete(name_roster(job_id))


def import_roster(ctx: Context, job_id: uuid.UUID) -> None:
    """Import a confirmed roster, exactly once and only as it was confirmed.

    The plan is made anew. Where it differs from what was shown, because somebody else imported
    meanwhile, the job goes back to its check with the new figures. The import and the note that
    it happened are one transaction, so a job that is taken up twice imports once.
    """
    job = _get_job(ctx, job_id)
    if "imported" in job.result:
        remove_file(ctx, job)
        return
    report = _report_to(ctx, job_id)
    plan = _plan(ctx, job, lambda done, total: report(done, 2 * total))
    if plan.faults or plan.fingerprint != job.result["fingerprint"]:
        _ask_again(ctx, job_id, plan)
        return
    try:
        apply_import(
            ctx,
            job.institution_id,
            plan,
            actor=Actor("staff", uuid.UUID(job.parameters["confirmed_by"])),
            progress=lambda done, total: report(total + done, 2 * total),
            also=lambda session: _note_import(session, job_id),
            replaced=job.parameters.get("replaced", []),
        )
    except (RosterOutdated, ReplacementUnconfirmed):
        _ask_again(ctx, job_id, _plan(ctx, job, report))
        return
    except _AlreadyImported:
        pass
    remove_file(ctx, job)


def _write_faults(faults: list[RowFault]) -> bytes:
    """Return the errors as CSV that a spreadsheet opens."""
    lines = [write_line(("行", "列", "问题"))]
    lines += [write_line((str(one.number), one.column, one.message)) for one in faults]
    return (BOM + "".join(lines)).encode()


def _plan(ctx: Context, job: BackgroundJob, progress: Progress) -> ImportPlan:
    roster = read_roster_apart(read_file(ctx, job))
    return plan_import(
        ctx,
        job.institution_id,
        roster,
        can_create_centres=job.parameters["can_create_centres"],
        progress=progress,
    )


def _ask_again(ctx: Context, job_id: uuid.UUID, plan: ImportPlan) -> None:
    with ctx.db.write() as session:
        job = _lock_job(session, job_id)
        if "imported" not in job.result:
            job.kind, job.result = CHECK, _describe_plan(plan) | {"is_outdated": True}


def _store_result(ctx: Context, job_id: uuid.UUID, plan: ImportPlan, **values: Any) -> None:
    with ctx.db.write() as session:
        session.execute(
            update(BackgroundJob)
            .where(BackgroundJob.id == job_id)
            .values(result=_describe_plan(plan), **values)
        )


def _note_import(session: Session, job_id: uuid.UUID) -> None:
    job = _lock_job(session, job_id)
    if "imported" in job.result:
        raise _AlreadyImported
    job.result = {**job.result, "imported": True}


def _lock_job(session: Session, job_id: uuid.UUID) -> BackgroundJob:
    return session.scalars(
        select(BackgroundJob).where(BackgroundJob.id == job_id).with_for_update()
    ).one()


def _describe_plan(plan: ImportPlan) -> dict[str, Any]:
    """Return a plan as the page shows it: figures, and the head of each list."""
    return {
        "new": len(plan.new),
        "changed": len(plan.changed),
        "unchanged": plan.unchanged_count,
        "new_centres": plan.new_centres[:SHOWN],
        "new_centre_count": len(plan.new_centres),
        "register_moves": [[*move, count] for move, count in plan.register_moves.most_common()],
        "with_photo": sum(_touches_person(change) for change, _ in plan.changed),
        "faults": len(plan.faults),
        "first_faults": [[one.number, one.column, one.message] for one in plan.faults[:SHOWN]],
        "warnings": len(plan.warnings),
        "first_warnings": [[one.number, one.column, one.message] for one in plan.warnings[:SHOWN]],
        "first_notes": plan.notes[:SHOWN],
        "first_changes": [
            [one.number, one.student_no, one.differences, _touches_person(one)]
            for one, _ in plan.changed[:SHOWN]
        ],
        "waived": len(plan.waived),
        "replaced": len(plan.replaced),
        "first_replaced": [
            [one.number, one.student_no, *one.differences[0][1:]] for one in plan.replaced
        ],
        "first_new": [
            [one.number, one.student_no, one.fields["name"], one.centre] for one in plan.new[:SHOWN]
        ],
        "fingerprint": plan.fingerprint,
    }


def _touches_person(change: Change) -> bool:
    return change.has_photo and not {"姓名", "身份证号"}.isdisjoint(change.columns)


def _get_job(ctx: Context, job_id: uuid.UUID) -> BackgroundJob:
    with ctx.db.read() as session:
        return session.get_one(BackgroundJob, job_id)


def _report_to(ctx: Context, job_id: uuid.UUID) -> Progress:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last > REPORT_EVERY_S:
            last = time.monotonic()
            report_progress(ctx, job_id, done, total)

    return report
