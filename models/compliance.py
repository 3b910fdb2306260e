"""What the law asks an institution to keep beside its work: assessments and counted faces."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import JSON, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, new_id
from models.staff import Staff


class ImpactAssessment(Base):
    """个人信息保护影响评估 (PIPL 55, 56): one signed version. Versions are never changed."""

    __tablename__ = "impact_assessment"
    __table_args__ = (UniqueConstraint("institution_id", "version"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    version: Mapped[int]
    covers: Mapped[list[str]] = mapped_column(JSON)
    """The purposes that were looked at: ``photo``, ``faces``, ``receiver:NAME``."""
    facts: Mapped[list[str]] = mapped_column(JSON)
    """What the settings said when it was signed, one line a fact."""
    answers: Mapped[dict[str, str]] = mapped_column(JSON)
    signed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    signed_at: Mapped[dt.datetime]

    signer: Mapped[Staff] = relationship()


class StoredFaces(Base):
    """How many people's faces an institution stores, and since when that needs a filing (备案)."""

    __tablename__ = "stored_faces"

    institution_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("institution.id"), primary_key=True
    )
    count: Mapped[int] = mapped_column(default=0)
    counted_at: Mapped[dt.datetime]
    reached_at: Mapped[dt.datetime | None]
    """When the count first reached the figure from which a filing is due; None below it."""
    filed_on: Mapped[dt.date | None]
    """The day of the filing, as an administrator wrote it."""
