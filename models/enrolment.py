"""Enrolment (学籍): one person in one programme; the photo record hangs here."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, enum_type, new_id
from models.batch import Batch
from models.encryption import FieldCipher, describe_place
from models.institution import Institution, LearningCentre
from models.photo_number import LENGTH as PHOTO_NUMBER_LENGTH
from models.photo_number import create_photo_number

if TYPE_CHECKING:
    from models.photo import Photo


class CollectionStatus(enum.StrEnum):
    """采集情况. The values and labels are a contract."""

    NOT_UPLOADED = "not_uploaded"
    UPLOADED = "uploaded"
    REUPLOAD_REQUIRED = "reupload_required"
    REUPLOADED = "reuploaded"
    COLLECTED = "collected"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return _STATUS_LABELS[self]


_STATUS_LABELS = {
    CollectionStatus.NOT_UPLOADED: "未上传",
    CollectionStatus.UPLOADED: "已上传",
    CollectionStatus.REUPLOAD_REQUIRED: "需重新上传",
    CollectionStatus.REUPLOADED: "已重新上传",
    CollectionStatus.COLLECTED: "已采集(锁定)",
}

REGISTERED = "在籍"
LEFT = ("退学", "取消学籍")
"""Will not graduate: nothing of theirs is exported."""
REGISTER_STATUSES = (REGISTERED, "休学", "退学", "毕业", "结业", "取消学籍")


def _repeat_photo_number(context: Any) -> str:
    return str(context.get_current_parameters()["photo_number"])


class Enrolment(Base):
    """A roster row and where its photo stands.

    ``collection_status`` is changed by ``server.services.collection`` alone, which writes the
    history row in the same transaction.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        UniqueConstraint("institution_id", "student_no"),
        Index("ix_enrolment_id_number_index", "id_number_index"),
        # Lists: one for each filter, in the order of 学号 (the unique key serves the bare list).
        Index("ix_enrolment_status", "institution_id", "collection_status", "student_no"),
        Index("ix_enrolment_batch", "institution_id", "batch_id", "student_no"),
        Index("ix_enrolment_register", "institution_id", "register_status", "student_no"),
        Index("ix_enrolment_level", "institution_id", "level", "student_no"),
        Index(
            "ix_enrolment_name",
            "institution_id",
            "name",
            postgresql_ops={"name": "text_pattern_ops"},
        ),
        Index("ix_enrolment_centre_list", "institution_id", "centre_id", "student_no"),
        Index(
            "ix_enrolment_centre",
            "institution_id",
            "centre_id",
            "collection_status",
            "student_no",
        ),
        # Figures: everything that they count stands in the index.
        Index(
            "ix_enrolment_tally",
            "institution_id",
            "centre_id",
            "level",
            "collection_status",
            "register_status",
        ),
        Index("ix_enrolment_collected", "institution_id", "collected_at", "centre_id"),
        Index("ix_enrolment_uploaded", "institution_id", "uploaded_at", "centre_id"),
        Index("ix_enrolment_user", "wechat_user_id"),
        Index("ix_enrolment_photo_number", "photo_number", unique=True),
        Index("ix_enrolment_collection_code", "collection_code", unique=True),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    institution_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("institution.id"))
    centre_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("learning_centre.id"))
    student_no: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(60))
    photo_number: Mapped[str] = mapped_column(
        String(PHOTO_NUMBER_LENGTH), default=create_photo_number
    )
    """照片编号: names the photo towards providers; random, stable, without personal meaning."""
    former_number: Mapped[str] = mapped_column(
        "collection_code", String(PHOTO_NUMBER_LENGTH), default=_repeat_photo_number
    )
    """``photo_number`` under its former name, for code of the former release that still serves."""
    id_number_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    id_number_index: Mapped[bytes] = mapped_column(
        LargeBinary(32), info={"index_of": "id_number_encrypted", "purpose": "id_number"}
    )
    level: Mapped[str] = mapped_column(String(40), default="")
    major: Mapped[str] = mapped_column(String(80), default="")
    intake: Mapped[str] = mapped_column(String(40), default="")
    expected_term: Mapped[str] = mapped_column(String(40), default="")
    class_name: Mapped[str] = mapped_column(String(60), default="")
    """班级, where the roster has the column."""
    exam_room: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """考场, where the roster has the column: photos are printed in the order of seats."""
    seat_no: Mapped[str] = mapped_column(String(20), default="", server_default="")
    """座位号 within the room."""
    phone_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    register_status: Mapped[str] = mapped_column(String(20), default=REGISTERED)
    """学籍状态, one of REGISTER_STATUSES."""

    collection_status: Mapped[CollectionStatus] = mapped_column(
        enum_type(CollectionStatus, 20),
        default=CollectionStatus.NOT_UPLOADED,
    )
    uploaded_at: Mapped[dt.datetime | None]
    """The student's moment, in whole seconds: it decides the batch (``server.services.moment``)."""
    collected_at: Mapped[dt.datetime | None]
    batch_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("batch.id"))
    """Set when the photo is locked; shown as 0000-00-00 until then."""
    grace_batch_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("batch.id", name="fk_enrolment_grace_batch")
    )
    grace_until: Mapped[dt.datetime | None]
    """Until then a new photo keeps ``grace_batch_id`` although its cut-off has passed."""

    wechat_user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("wechat_user.id"))
    feature_code_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("feature_code.id"))
    """The code through which the student bound this enrolment."""
    bound_at: Mapped[dt.datetime | None]
    consent_version: Mapped[str | None] = mapped_column(String(20))
    fee_settled_at: Mapped[dt.datetime | None]
    photo_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("photo.id", use_alter=True, name="fk_enrolment_photo")
    )
    """The photo that counts: the newest submission that was not withdrawn."""
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    """When the person's period was over: from then on the row names nobody."""

    institution: Mapped[Institution] = relationship()
    centre: Mapped[LearningCentre] = relationship()
    batch: Mapped[Batch | None] = relationship(foreign_keys=[batch_id])
    photo: Mapped[Photo | None] = relationship(foreign_keys=[photo_id])

    def encrypt_id_number(self, id_number: str, cipher: FieldCipher) -> None:
        """Store the ID number encrypted for this row, with its index. Needs ``id`` to be set."""
        if self.id is None:
            self.id = new_id()
        self.id_number_encrypted = cipher.encrypt(id_number, place=self._id_number_place())
        self.id_number_index = index_id_number(id_number, cipher)

    def decrypt_id_number(self, cipher: FieldCipher) -> str:
        """Return the whole ID number; raises FieldUnreadable."""
        return cipher.decrypt(self.id_number_encrypted, place=self._id_number_place())

    def encrypt_phone(self, phone: str, cipher: FieldCipher) -> None:
        """Store the phone number encrypted for this row; an empty one removes it."""
        if self.id is None:
            self.id = new_id()
        place = describe_place("enrolment", "phone_encrypted", self.id)
        self.phone_encrypted = cipher.encrypt(phone, place=place) if phone else None

    def decrypt_phone(self, cipher: FieldCipher) -> str:
        """Return the phone number, empty where there is none; raises FieldUnreadable."""
        if self.phone_encrypted is None:
            return ""
        place = describe_place("enrolment", "phone_encrypted", self.id)
        return cipher.decrypt(self.phone_encrypted, place=place)

    def _id_number_place(self) -> bytes:
        return describe_place("enrolment", "id_number_encrypted", self.id)


def index_id_number(id_number: str, cipher: FieldCipher) -> bytes:
    """Return the look-up index of an ID number, the same on every row."""
    return cipher.index(id_number, purpose="id_number")
