"""Notices for tests, and students who agree."""

from __future__ import annotations

import dataclasses
import uuid

from sqlalchemy import select

from models import Enrolment, Institution
from server.context import Context
from server.demo import INSTITUTION
from server.services.compliance.assessments import (
    PHOTO,
    QUESTIONS,
    receiver_purpose,
    sign_assessment,
)
from server.services.consent.ask import current_notice
from server.services.consent.decide import Decider, record_consent
from server.services.consent.parts import NoticeParts, read_parts
from server.services.consent.publish import publish_notice
from tests.college import view_as


def find_college(ctx: Context, name: str = INSTITUTION) -> uuid.UUID:
    with ctx.db.read() as session:
        return session.scalars(select(Institution.id).where(Institution.name == name)).one()


def read_present(ctx: Context, name: str = INSTITUTION) -> NoticeParts:
    with ctx.db.read() as session:
        return read_parts(current_notice(session, find_college(ctx, name)).parts)


def publish(ctx: Context, version: str, **changes: object) -> bool:
    """Publish the demo college's notice with other parts."""
    parts = dataclasses.replace(read_present(ctx), **changes)  # type: ignore[arg-type]
    assess(ctx, *(receiver.name for receiver in parts.receivers))
    return publish_notice(ctx, find_college(ctx), parts, version=version)


def assess(ctx: Context, *receivers: str) -> None:
    """Sign an impact assessment that covers these receivers."""
    answers = dict.fromkeys(QUESTIONS, "评估过，风险可控，措施有效。")
    covers = [PHOTO, *map(receiver_purpose, receivers)]
    sign_assessment(ctx, view_as(ctx, "admin"), answers, covers)


def agree(ctx: Context, *kinds: str, name: str = INSTITUTION, is_given: bool = True) -> None:
    """Let every student of a college agree to these kinds, or take it back."""
    with ctx.db.write() as session:
        college = session.scalars(select(Institution).where(Institution.name == name)).one()
        rows = session.scalars(select(Enrolment).where(Enrolment.institution_id == college.id))
        for row in rows.all():
            for kind in kinds:
                record_consent(session, row, kind, is_given=is_given, decider=STUDENT, at=ctx.now())


STUDENT = Decider("student")
