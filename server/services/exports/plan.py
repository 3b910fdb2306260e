"""What an export holds: which students of a batch, under which names, for which use.

Two kinds never mix. An internal export names photos by 学号 or ID number and its manifest names
people; a provider's knows the 采集码 alone.
"""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, not_, or_, select
from sqlalchemy.orm import Session

from models import Batch, CollectionStatus, Enrolment, Institution, LearningCentre, Photo
from server.context import Context

PAGE = 200


class Naming(enum.StrEnum):
    """What the file of a photo is called, and so what kind the export is."""

    STUDENT_NO = "student_no"
    ID_NUMBER = "id_number"
    COLLECTION_CODE = "collection_code"

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return {
            "student_no": "学号",
            "id_number": "身份证号",
            "collection_code": "采集码",
        }[self.value]

    @property
    def is_internal(self) -> bool:
        """Tell whether names may leave the system in this export."""
        return self is not Naming.COLLECTION_CODE


class Use(enum.StrEnum):
    """What the photos are for; each use is a folder with its own manifest."""

    REGISTRATION = "registration"
    STUDENT_CARD = "student_card"
    DEGREE = "degree"
    REGISTER_CARD = "register_card"
    ONLINE_EXAM = "online_exam"

    @property
    def label(self) -> str:
        """The Chinese word, which is also the name of the folder."""
        return {
            "registration": "学历注册",
            "student_card": "学生证",
            "degree": "学位证",
            "register_card": "学籍卡",
            "online_exam": "在线考试",
        }[self.value]


@dataclass(frozen=True)
class ExportOrder:
    """What somebody asked for. Photos collected after ``as_of`` are not in it."""

    institution_id: uuid.UUID
    batch_id: uuid.UUID
    naming: Naming
    uses: tuple[Use, ...]
    as_of: dt.datetime

    def to_json(self) -> dict[str, Any]:
        """Return what a job row keeps; no personal data."""
        return {
            "batch_id": str(self.batch_id),
            "naming": self.naming.value,
            "uses": [use.value for use in self.uses],
        }

    @classmethod
    def from_json(
        cls, kept: dict[str, Any], *, institution_id: uuid.UUID, as_of: dt.datetime
    ) -> ExportOrder:
        """Return the order that a job row keeps."""
        return cls(
            institution_id=institution_id,
            batch_id=uuid.UUID(kept["batch_id"]),
            naming=Naming(kept["naming"]),
            uses=tuple(Use(use) for use in kept["uses"]),
            as_of=as_of,
        )


@dataclass(frozen=True)
class ExportRow:
    """One collected student with the photo that counts. ``id_number`` is empty unless it names."""

    student_no: str
    name: str
    level: str
    major: str
    centre: str
    collected_at: dt.datetime
    collection_code: str
    id_number: str
    standard_key: str | None
    standard_sha256: str | None


@dataclass(frozen=True)
class ExportTitle:
    """The words of an export's head."""

    institution: str
    batch: str


def read_title(session: Session, order: ExportOrder) -> ExportTitle:
    """Return the names of the college and the batch."""
    institution = session.get_one(Institution, order.institution_id)
    return ExportTitle(institution.name, session.get_one(Batch, order.batch_id).label)


def count_rows(session: Session, order: ExportOrder, use: Use) -> int:
    """Return how many photos one use holds."""
    query = select(func.count()).select_from(Enrolment).where(*_conditions(order, use))
    return session.scalar(query) or 0


def read_rows(ctx: Context, order: ExportOrder, use: Use) -> Iterator[ExportRow]:
    """Yield the rows of one use in the order of 学号, a page at a time."""
    after = ""
    while True:
        with ctx.db.read() as session:
            query = _page_query(order, use).where(Enrolment.student_no > after)
            page = [
                _make_row(ctx, order, enrolment, photo, centre)
                for enrolment, photo, centre in session.execute(query)
            ]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].student_no


def _page_query(order: ExportOrder, use: Use) -> Select[*tuple[Any, ...]]:
    return (
        select(Enrolment, Photo, LearningCentre.name)
        .join(LearningCentre, LearningCentre.id == Enrolment.centre_id)
        .join(Photo, Photo.id == Enrolment.photo_id, isouter=True)
        .where(*_conditions(order, use))
        .order_by(Enrolment.student_no)
        .limit(PAGE)
    )


def _conditions(order: ExportOrder, use: Use) -> list[ColumnElement[bool]]:
    conditions = [
        Enrolment.institution_id == order.institution_id,
        Enrolment.batch_id == order.batch_id,
        Enrolment.collection_status == CollectionStatus.COLLECTED,
        Enrolment.collected_at <= order.as_of,
    ]
    if use is Use.DEGREE:
        # 专科 ends without a degree; 专升本 and 高起本 do not.
        is_without_degree = or_(Enrolment.level.endswith("专"), Enrolment.level.endswith("专科"))
        conditions.append(not_(is_without_degree))
    return conditions


def _make_row(
    ctx: Context, order: ExportOrder, enrolment: Enrolment, photo: Photo | None, centre: str
) -> ExportRow:
    is_named_by_id = order.naming is Naming.ID_NUMBER
    assert enrolment.collected_at is not None
    return ExportRow(
        student_no=enrolment.student_no,
        name=enrolment.name,
        level=enrolment.level,
        major=enrolment.major,
        centre=centre,
        collected_at=enrolment.collected_at,
        collection_code=enrolment.collection_code,
        id_number=enrolment.decrypt_id_number(ctx.cipher) if is_named_by_id else "",
        standard_key=photo.standard_key if photo else None,
        standard_sha256=photo.standard_sha256 if photo else None,
    )
