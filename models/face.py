"""What is measured of faces (人脸比对), under a key of its own, and what came of comparing."""

from __future__ import annotations

import datetime as dt
import enum
import uuid

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, enum_type, new_id


class FaceSwitch(Base):
    """Whether an institution compares faces. No row: it never has."""

    __tablename__ = "face_switch"

    institution_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("institution.id"), primary_key=True
    )
    is_on: Mapped[bool] = mapped_column(default=False)
    changed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("staff.id"))
    changed_at: Mapped[dt.datetime]


class FaceEncoding(Base):
    """The measurement of one photo's face: 128 floats, sealed with FACE_KEYS and nothing else.

    Not named ``…_encrypted``: those columns stand under FIELD_KEYS.
    """

    __tablename__ = "face_encoding"
    __table_args__ = (
        Index("ix_face_encoding_institution", "institution_id"),
        Index("ix_face_encoding_enrolment", "enrolment_id"),
    )

    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo.id"), primary_key=True)
    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"))
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """Empty where no face was found."""
    made_at: Mapped[dt.datetime]


class FaceReference(Base):
    """A picture of a student that the college imported to compare with (录取照片), and its face.

    Both are sealed with FACE_KEYS and nothing else. Only of students who agreed to comparing.
    """

    __tablename__ = "face_reference"
    __table_args__ = (Index("ix_face_reference_institution", "institution_id", "measured_at"),)

    enrolment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("enrolment.id"), primary_key=True)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("background_job.id"))
    """The import that brought it: one that is taken up again does not do it twice."""
    picture_sealed: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """A small JPEG, for the reviewer."""
    face_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    """128 floats; empty until it is measured, and where no face was found."""
    measured_at: Mapped[dt.datetime | None]
    imported_at: Mapped[dt.datetime]


class FaceHintKind(enum.StrEnum):
    """What a hint says."""

    OTHER_STUDENT = "other_student"
    """Like the photo of another student of the college."""
    UNLIKE_EARLIER = "unlike_earlier"
    """Unlike every earlier photo of the same student."""
    UNLIKE_REFERENCE = "unlike_reference"
    """Unlike the picture of the same student that the college imported."""


class FaceHint(Base):
    """A hint to a reviewer: two photos and a word. It goes with the measurement it came from."""

    __tablename__ = "face_hint"
    __table_args__ = (
        UniqueConstraint("photo_id", "other_photo_id", "kind"),
        Index("ix_face_hint_other", "other_photo_id"),
        Index("ix_face_hint_kind", "institution_id", "kind", "step"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    photo_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo.id"))
    other_photo_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("photo.id"))
    """None: the other picture is the student's reference."""
    kind: Mapped[FaceHintKind] = mapped_column(enum_type(FaceHintKind, 20))
    step: Mapped[int]
    """3, 2 or 1: the strongest word to the weakest."""
    found_at: Mapped[dt.datetime]
