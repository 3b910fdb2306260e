"""The words of an export's head."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from models import Batch, Institution, LearningCentre
from server.services.exports.plan import ExportOrder


@dataclass(frozen=True)
class ExportTitle:
    """The words of an export's head."""

    institution: str
    batch: str
    centre: str = ""


def read_title(session: Session, order: ExportOrder) -> ExportTitle:
    """Return the names of the college and the batch."""
    institution = session.get_one(Institution, order.institution_id)
    centre = session.get(LearningCentre, order.centre_id) if order.centre_id else None
    return ExportTitle(
        institution.name,
        session.get_one(Batch, order.batch_id).label,
        centre.name if centre else "",
    )
