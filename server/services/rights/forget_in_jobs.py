"""Who asks for deletion is taken out of what background jobs say, and of the files they made.

All of it ends by itself, after days or months; who asked does not wait for that. Uploaded files
that wait for a confirmation go within a day.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from models import BackgroundJob, Enrolment


def forget_in_jobs(session: Session, person: Enrolment) -> None:
    """Take every line that names the 学号 out of plans, reports and errors, before it is replaced.

    Runs in the caller's transaction.
    """
    number = person.student_no
    columns = (BackgroundJob.parameters, BackgroundJob.result, BackgroundJob.error)
    jobs = select(BackgroundJob).where(
        BackgroundJob.institution_id == person.institution_id,
        or_(*(cast(column, Text).contains(number, autoescape=True) for column in columns)),
    )
    named = re.compile(rf"(?<![0-9A-Za-z]){re.escape(number)}(?![0-9A-Za-z])")
    for job in session.scalars(jobs):
        job.parameters = _leave_out(job.parameters, named)
        job.result = _leave_out(job.result, named)
        job.error = _leave_out(job.error, named)


def _leave_out(value: Any, named: re.Pattern[str]) -> Any:
    """Return the value without the entries of lists, and the texts, that name somebody."""
    if isinstance(value, dict):
        return {name: _leave_out(each, named) for name, each in value.items()}
    if isinstance(value, list):
        return [each for each in value if not named.search(json.dumps(each, ensure_ascii=False))]
    return "" if isinstance(value, str) and named.search(value) else value
