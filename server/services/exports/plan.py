"""What an export holds: which students of a batch, under which names, for which use.

Two kinds never mix. An internal export names photos by 学号 or ID number and its manifest names
people; a provider's knows the 照片编号 alone.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, not_, or_, select
from sqlalchemy.orm import Session

from models import (
    LEFT,
    CollectionStatus,
    CutState,
    Enrolment,
    LearningCentre,
    Photo,
    ProfilePhoto,
)
from server.context import Context
from server.services.chsi.overview import HAS_CODE
from server.services.chsi.state import find_symbol
from server.services.chsi.symbol import Symbol
from server.services.consent.ask import has_agreed_since, is_consented
from server.services.exports.consent_kinds import find_kind

PAGE = 200
PROFILE_USE = "profile:"
UNSAFE_IN_FOLDER = re.compile(r"[^0-9A-Za-z\u4e00-\u9fff_-]+")
FORMER_PHOTO_NUMBER = "collection_code"
"""What jobs before release 2 call a naming by 照片编号."""


class Naming(enum.StrEnum):
    """What the file of a photo is called, and so what kind the export is."""

    STUDENT_NO = "student_no"
    ID_NUMBER = "id_number"
    PHOTO_NUMBER = "photo_number"
    CHSI_CODE = "chsi_code"
    """By serial numbers, each photo with the picture of the student's 图像采集码."""

    @classmethod
    def _missing_(cls, value: object) -> Naming | None:
        """Read what exports and scripts of former releases say."""
        return cls.PHOTO_NUMBER if value == FORMER_PHOTO_NUMBER else None

    @property
    def label(self) -> str:
        """The Chinese word shown to people."""
        return {
            "student_no": "学号",
            "id_number": "身份证号",
            "photo_number": "照片编号",
            "chsi_code": "图像采集码",
        }[self.value]

    @property
    def is_internal(self) -> bool:
        """Tell whether names may leave the system in this export."""
        return self not in {Naming.PHOTO_NUMBER, Naming.CHSI_CODE}


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

    @property
    def folder(self) -> str:
        """The folder of the archive."""
        return self.label

    @property
    def consent_kind(self) -> str:
        """The consent that this use needs."""
        return find_kind(self.value)


@dataclass(frozen=True)
class ProfileUse:
    """A use with a photo profile of its own: its pictures were cut and judged by it.

    ``key``: of the profile. ``label``: what people call it. ``file_name``: how an internal export
    names the files; empty: as the export does.
    """

    key: str
    label: str
    file_name: str = ""

    @property
    def value(self) -> str:
        """The stable word of forms and job rows."""
        return f"{PROFILE_USE}{self.key}"

    @property
    def folder(self) -> str:
        """The folder of the archive: two profiles may have one title."""
        return f"{UNSAFE_IN_FOLDER.sub('_', self.label)}_{self.key}"

    @property
    def consent_kind(self) -> str:
        """The consent that this use needs."""
        return find_kind(self.key)


AnyUse = Use | ProfileUse


@dataclass(frozen=True)
class ExportOrder:
    """What somebody asked for. Photos collected after ``as_of`` are not in it.

    ``centre_id``: of one learning centre alone. ``since``: only what came after that moment.
    """

    institution_id: uuid.UUID
    batch_id: uuid.UUID
    naming: Naming
    uses: tuple[AnyUse, ...]
    as_of: dt.datetime
    centre_id: uuid.UUID | None = None
    since: dt.datetime | None = None
    receiver: str = ""
    purpose: str = ""

    def naming_of(self, use: AnyUse) -> Naming:
        """Return how the files of one use are named; a provider's stay without any person."""
        if isinstance(use, ProfileUse) and use.file_name and self.naming.is_internal:
            return Naming(use.file_name)
        return self.naming

    def to_json(self) -> dict[str, Any]:
        """Return what a job row keeps; no personal data."""
        return {
            "batch_id": str(self.batch_id),
            "naming": self.naming.value,
            "uses": [use.value for use in self.uses],
            "profiles": {
                use.key: [use.label, use.file_name]
                for use in self.uses
                if isinstance(use, ProfileUse)
            },
            "centre_id": str(self.centre_id) if self.centre_id else None,
            "since": self.since.isoformat() if self.since else None,
            "receiver": self.receiver,
            "purpose": self.purpose,
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
            uses=read_uses(kept),
            as_of=as_of,
            centre_id=uuid.UUID(kept["centre_id"]) if kept.get("centre_id") else None,
            since=dt.datetime.fromisoformat(kept["since"]) if kept.get("since") else None,
            receiver=kept.get("receiver", ""),
            purpose=kept.get("purpose", ""),
        )


def read_uses(kept: dict[str, Any]) -> tuple[AnyUse, ...]:
    """Return the uses that a job row keeps."""
    profiles: dict[str, list[str]] = kept.get("profiles", {})
    return tuple(
        ProfileUse(key, *profiles[key])
        if (key := value.removeprefix(PROFILE_USE)) != value
        else Use(value)
        for value in kept["uses"]
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
    photo_number: str
    id_number: str
    enrolment_id: uuid.UUID
    file_key: str | None
    """The standard photo, or the picture of the use's own profile."""
    file_sha256: str | None
    source_sha256: str
    """Of the file that the student sent."""
    chsi: Symbol | None = None
    """What the picture of the student's 图像采集码 is drawn from."""
    derived_wall: str = ""
    """Colour that the wall of a profile's picture was changed to."""


@dataclass(frozen=True)
class MissingPicture:
    """A collected student without the picture of a profile, and why."""

    student_no: str
    photo_number: str
    reason: str


def count_rows(session: Session, order: ExportOrder, use: AnyUse) -> int:
    """Return how many photos one use holds."""
    held = select_held(session, order, use).subquery()
    return session.scalar(select(func.count()).select_from(held)) or 0


def select_held(session: Session, order: ExportOrder, use: AnyUse) -> Select[uuid.UUID]:
    """Return the query for those whose photos one use holds."""
    query = select(Enrolment.id).where(*_conditions(session, order, use))
    if isinstance(use, ProfileUse):
        query = query.join(ProfilePhoto, _is_cut_of(use)).where(*_cut_conditions(order, use))
    return query


def count_waiting(session: Session, order: ExportOrder) -> int:
    """Return how many pictures of the order's profiles are still to be made."""
    count = 0
    for use in order.uses:
        if isinstance(use, ProfileUse):
            waiting = (
                select(func.count())
                .select_from(Enrolment)
                .join(ProfilePhoto, _is_cut_of(use))
                .where(*_conditions(session, order, use), ProfilePhoto.state == CutState.WAITING)
                .where(ProfilePhoto.requested_at <= order.as_of)
            )
            count += session.scalar(waiting) or 0
    return count


def read_rows(ctx: Context, order: ExportOrder, use: AnyUse) -> Iterator[ExportRow]:
    """Yield the rows of one use by 学号, for strangers by 照片编号, which tells no order."""
    after = ""
    key = Enrolment.student_no if order.naming.is_internal else Enrolment.photo_number
    while True:
        with ctx.db.read() as session:
            query = _page_query(session, order, use).where(key > after).order_by(key)
            page = [
                _make_row(ctx, session, order, use, enrolment, photo, centre, cut)
                for enrolment, photo, centre, cut in session.execute(query)
            ]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].student_no if order.naming.is_internal else page[-1].photo_number


def read_missing(ctx: Context, order: ExportOrder, use: ProfileUse) -> Iterator[MissingPicture]:
    """Yield the collected students of the order who have no picture of this profile."""
    everybody = replace(order, since=None)
    with ctx.db.read() as session:
        query = (
            select(Enrolment.student_no, Enrolment.photo_number, ProfilePhoto)
            .join(ProfilePhoto, _is_cut_of(use), isouter=True)
            .where(
                *_conditions(session, everybody, use),
                or_(ProfilePhoto.id.is_(None), ProfilePhoto.state != CutState.MADE),
            )
            .order_by(Enrolment.student_no)
        )
        for student_no, photo_number, cut in session.execute(query):
            findings = (cut.report or {}).get("findings", []) if cut else []
            reason = "".join(finding["message"] for finding in findings)
            yield MissingPicture(student_no, photo_number, reason or "还没有生成")


def _page_query(session: Session, order: ExportOrder, use: AnyUse) -> Select[*tuple[Any, ...]]:
    query = (
        select(Enrolment, Photo, LearningCentre.name, ProfilePhoto)
        .join(LearningCentre, LearningCentre.id == Enrolment.centre_id)
        .join(Photo, Photo.id == Enrolment.photo_id, isouter=True)
        .where(*_conditions(session, order, use))
        .limit(PAGE)
    )
    if isinstance(use, ProfileUse):
        return query.join(ProfilePhoto, _is_cut_of(use)).where(*_cut_conditions(order, use))
    return query.join(ProfilePhoto, false(), isouter=True)


def _is_cut_of(use: ProfileUse) -> ColumnElement[bool]:
    return (ProfilePhoto.photo_id == Enrolment.photo_id) & (ProfilePhoto.profile_key == use.key)


def _cut_conditions(order: ExportOrder, use: ProfileUse) -> list[ColumnElement[bool]]:
    conditions = [ProfilePhoto.state == CutState.MADE, ProfilePhoto.ended_at <= order.as_of]
    if order.since is not None:
        # Made after it, or collected: an approval may have come back.
        is_new = or_(
            ProfilePhoto.ended_at > order.since,
            Enrolment.collected_at > order.since,
            has_agreed_since(use.consent_kind, order.since),
        )
        conditions.append(is_new)
    return conditions


def _conditions(session: Session, order: ExportOrder, use: AnyUse) -> list[ColumnElement[bool]]:
    """Return what puts a student into one use: suited to it, and agreed to it."""
    conditions = [
        *list_suited(order, use),
        is_consented(session, order.institution_id, use.consent_kind),
    ]
    if order.naming is Naming.CHSI_CODE:
        conditions.append(HAS_CODE)
    if order.since is not None and not isinstance(use, ProfileUse):
        is_new = or_(
            Enrolment.collected_at > order.since, has_agreed_since(use.consent_kind, order.since)
        )
        conditions.append(is_new)
    return conditions


def list_suited(order: ExportOrder, use: AnyUse) -> list[ColumnElement[bool]]:
    """Return what makes a student one of a use, whether they agreed to it or not."""
    conditions = [
        Enrolment.institution_id == order.institution_id,
        Enrolment.batch_id == order.batch_id,
        Enrolment.collection_status == CollectionStatus.COLLECTED,
        Enrolment.collected_at <= order.as_of,
        # Who left has no diploma to come: the photo stays with us.
        Enrolment.register_status.not_in(LEFT),
    ]
    if order.centre_id is not None:
        conditions.append(Enrolment.centre_id == order.centre_id)
    if use is Use.DEGREE or (isinstance(use, ProfileUse) and use.key.startswith("degree")):
        # 专科 ends without a degree; 专升本 and 高起本 do not.
        is_without_degree = or_(Enrolment.level.endswith("专"), Enrolment.level.endswith("专科"))
        conditions.append(not_(is_without_degree))
    return conditions


def _make_row(
    ctx: Context,
    session: Session,
    order: ExportOrder,
    use: AnyUse,
    enrolment: Enrolment,
    photo: Photo | None,
    centre: str,
    cut: ProfilePhoto | None,
) -> ExportRow:
    is_named_by_id = order.naming_of(use) is Naming.ID_NUMBER
    is_with_code = order.naming is Naming.CHSI_CODE
    assert enrolment.collected_at is not None
    standard = (photo.standard_key, photo.standard_sha256) if photo else (None, None)
    file_key, file_sha256 = (cut.file_key, cut.sha256) if cut else standard
    return ExportRow(
        student_no=enrolment.student_no,
        name=enrolment.name,
        level=enrolment.level,
        major=enrolment.major,
        centre=centre,
        collected_at=enrolment.collected_at,
        photo_number=enrolment.photo_number,
        id_number=enrolment.decrypt_id_number(ctx.cipher) if is_named_by_id else "",
        enrolment_id=enrolment.id,
        file_key=file_key,
        file_sha256=file_sha256,
        source_sha256=photo.sha256 if photo else "",
        chsi=find_symbol(session, enrolment.id, ctx.cipher) if is_with_code else None,
        derived_wall=cut.derived_wall if cut else "",
    )
