"""Which rules of the check stop students most, for the dashboard."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Enrolment, Photo, Verdict
from server.services.viewer import Viewer, list_scope

CHECKS_READ = 20_000
"""Failed checks that are looked at: more of them do not change the order."""
RULES_SHOWN = 10


@dataclass
class StoppingRule:
    """One rule, in the words that students read, and whom and how often it stopped."""

    code: str
    message: str = ""
    checks: int = 0
    students: set[uuid.UUID] = field(default_factory=set)


def count_stopping_rules(
    session: Session, viewer: Viewer, since: dt.datetime
) -> list[StoppingRule]:
    """Return the rules that failed photos since a moment, by the number of students stopped."""
    rows = session.execute(
        select(Photo.enrolment_id, Photo.report["findings"].label("findings"))
        .join(Enrolment, Enrolment.id == Photo.enrolment_id)
        .where(*list_scope(viewer), Photo.checked_at >= since, Photo.verdict == Verdict.FAIL)
        .limit(CHECKS_READ)
    )
    rules: dict[str, StoppingRule] = {}
    for enrolment_id, findings in rows:
        for finding in findings or ():
            if finding.get("status") != "fail":
                continue
            code = str(finding.get("code", ""))
            rule = rules.setdefault(code, StoppingRule(code))
            rule.message = str(finding.get("message", "")) or code
            rule.checks += 1
            rule.students.add(enrolment_id)
    ranked = sorted(rules.values(), key=lambda rule: (-len(rule.students), rule.code))
    return ranked[:RULES_SHOWN]
