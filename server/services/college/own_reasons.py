"""The college's own reasons for sending a photo back, beside those that the machine knows."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from models import Institution
from server.context import Context
from server.services.audit import record_audit
from server.services.viewer import Viewer

MAX_REASONS = 6
REASON_LENGTH = 40


def read_own_reasons(session: Session, institution_id: uuid.UUID) -> list[str]:
    """Return their texts in the order in which reviewers see them."""
    institution = session.get_one(Institution, institution_id)
    return [reason["text"] for reason in institution.own_reasons or []]


def edit_own_reasons(ctx: Context, viewer: Viewer, texts: list[str]) -> None:
    """Replace the reasons of the viewer's institution. Owns its transaction.

    ``texts``: at most MAX_REASONS of at most REASON_LENGTH characters; doubles are left out.
    Earlier reviews keep the words that were given then.
    """
    # A comma separates reasons in the history of a student.
    clean = [" ".join(text.replace(",", "，").split())[:REASON_LENGTH] for text in texts]
    kept = list(dict.fromkeys(filter(None, clean)))[:MAX_REASONS]
    with ctx.db.write() as session:
        institution = session.get_one(Institution, viewer.institution_id)
        before = [reason["text"] for reason in institution.own_reasons or []]
        institution.own_reasons = [{"text": text} for text in kept]
        record_audit(
            session,
            viewer,
            "institution.reasons",
            at=ctx.now(),
            subject_kind="institution",
            subject_id=institution.id,
            before="；".join(before),
            after="；".join(kept),
        )
