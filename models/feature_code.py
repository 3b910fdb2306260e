"""FeatureCode (特征码): the public entrance to one collection."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, enum_type, new_id
from models.chsi import ChsiPolicy
from models.institution import Institution


class CollectionMode(enum.StrEnum):
    """采集类型. The code decides it; a student never chooses."""

    CENTRALISED = "centralised"
    INDIVIDUAL = "individual"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return {"centralised": "集中采集", "individual": "散采"}[self.value]


class FeatureCode(Base):
    """4-8 letters and digits, kept in lower case. Public: never a credential."""

    __tablename__ = "feature_code"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"), index=True)
    code: Mapped[str] = mapped_column(String(8), unique=True)
    mode: Mapped[CollectionMode] = mapped_column(
        enum_type(CollectionMode, 20),
        default=CollectionMode.CENTRALISED,
    )
    fee_fen: Mapped[int]
    profile: Mapped[str] = mapped_column(String(40), default="moe-2017")
    """Name of the imagecheck profile."""
    background: Mapped[str] = mapped_column(String(10), default="auto")
    """What standardising does with a plain wall: blue, white, grey or keep."""
    capture_policy: Mapped[str] = mapped_column(String(20), default="camera_or_album")
    """``camera_or_album`` or ``camera_only``: what the mini-program offers."""
    pay_first: Mapped[bool] = mapped_column(default=False)
    chsi_policy: Mapped[ChsiPolicy] = mapped_column(
        enum_type(ChsiPolicy, 10), default=ChsiPolicy.OFF, server_default="off"
    )
    """Whether students are asked for their 图像采集码."""
    daily_submissions: Mapped[int] = mapped_column(default=10)
    opens_at: Mapped[dt.datetime | None]
    closes_at: Mapped[dt.datetime | None]
    is_enabled: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[dt.datetime]

    institution: Mapped[Institution] = relationship()
