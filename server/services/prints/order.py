"""Who and what is printed: the wish, what refuses it, and whom it names in which order."""

from __future__ import annotations

import re
import uuid
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from imagecheck.profiles.photo_profile import PhotoProfile
from imagecheck.profiles.shipped import SHIPPED
from models import (
    Batch,
    CollectionStatus,
    CutState,
    Enrolment,
    LearningCentre,
    Photo,
    PhotoProfileRow,
    ProfilePhoto,
)
from server.context import Context
from server.errors import CaijiError, NotFound
from server.services.prints.paper import PAPERS
from server.services.viewer import Viewer, list_scope

MOST_STUDENTS = 20_000
"""Of one job: 100 files of 200."""
MOST_LISTED = 2000
MOST_COPIES = 60
STANDARD = "moe-2017"
ORDERS = {
    "centre": "学习中心、班级、学号",
    "seat": "考场、座位号（名单里有这两列时）",
    "student_no": "学号",
    "list": "按下面的学号顺序",
}
MOST_NAMED = 20
_DIGITS = re.compile(r"(\d+)")
Row = tuple[uuid.UUID, str, str, str, str, str]


class PrintMalformed(CaijiError):
    """Paper, profile, order or copies are none of those offered."""

    code = "print_malformed"
    status = 422
    message = "请选择纸张、照片规格和顺序"


class PrintEmpty(CaijiError):
    """Nobody of those chosen has such a photo."""

    code = "print_empty"
    status = 422
    message = "所选的学生没有这种照片，没有可打印的内容"


class ListedWithoutPhoto(CaijiError):
    """Some of those listed have no such photo: a sheet without them would be taken for whole."""

    code = "listed_without_photo"
    status = 422
    message = "名单里有学号没有可打印的照片"


class PrintTooLarge(CaijiError):
    """More students than one job prints."""

    code = "print_too_large"
    status = 422
    message = f"一次最多打印 {MOST_STUDENTS} 人，请按批次或学习中心分几次打印"


@dataclass(frozen=True)
class PrintOrder:
    """What somebody asked for.

    Attributes:
        what: photos to cut, or the contact sheet of a class.
        profile: key of a photo profile; the standard photo's is ``moe-2017``.
        paper: a name of `PAPERS`; a contact sheet is A4.
        copies: of each photo; 0 fills a page with each.
        order: a name of `ORDERS`.
        batch_id, centre_id, class_name: narrow it, where they are given.
        student_nos: in this order alone, where the order is ``list``.
    """

    profile: str = STANDARD
    paper: str = "a4"
    copies: int = 1
    order: str = "centre"
    batch_id: uuid.UUID | None = None
    centre_id: uuid.UUID | None = None
    class_name: str = ""
    student_nos: tuple[str, ...] = ()
    what: Literal["photos", "contact"] = "photos"

    def to_json(self) -> dict[str, Any]:
        """For the job's row: how to draw. Whom is chosen stands beside it."""
        kept = ("what", "profile", "paper", "copies", "order", "class_name")
        return {name: value for name, value in asdict(self).items() if name in kept}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> PrintOrder:
        """The same again."""
        return cls(**values)


def refuse_malformed(order: PrintOrder) -> None:
    """Raise PrintMalformed for what the page does not offer."""
    is_known = order.paper in PAPERS and order.order in ORDERS
    if not is_known or not 0 <= order.copies <= MOST_COPIES:
        raise PrintMalformed
    if len(order.student_nos) > MOST_LISTED:
        raise PrintMalformed(f"一次最多 {MOST_LISTED} 个学号")


def choose_students(session: Session, viewer: Viewer, order: PrintOrder) -> list[uuid.UUID]:
    """Return whom the viewer prints, in the order of the paper.

    Raises:
        NotFound: the centre is none of the institution.
        PrintEmpty, ListedWithoutPhoto, PrintTooLarge.
    """
    if order.centre_id is not None:
        require_centre(session, viewer, order.centre_id)
    query: Select[*tuple[Any, ...]] = (
        select(
            Enrolment.id,
            Enrolment.student_no,
            LearningCentre.name,
            Enrolment.class_name,
            Enrolment.exam_room,
            Enrolment.seat_no,
        )
        .join(LearningCentre, LearningCentre.id == Enrolment.centre_id)
        .where(*_conditions(viewer, order))
        .limit(MOST_STUDENTS + 1)
    )
    if order.what == "photos":
        query = join_photo(query, order.profile)
    rows = cast("list[Row]", session.execute(query).all())
    if len(rows) > MOST_STUDENTS:
        raise PrintTooLarge
    if not rows:
        raise PrintEmpty if order.what == "photos" else PrintEmpty("这个班级或学习中心没有学生")
    if order.order == "list":
        _require_all(order, {row[1] for row in rows})
    return [row[0] for row in _sort(rows, order)]


def _require_all(order: PrintOrder, found: set[str]) -> None:
    missing = [each for each in order.student_nos if each not in found]
    if missing:
        named = "、".join(missing[:MOST_NAMED]) + (" 等" if len(missing) > MOST_NAMED else "")
        raise ListedWithoutPhoto(f"这 {len(missing)} 个学号没有可打印的照片：{named}，请改正或去掉")


def _conditions(viewer: Viewer, order: PrintOrder) -> list[ColumnElement[bool]]:
    conditions = [*list_scope(viewer), Enrolment.ended_at.is_(None)]
    if order.what == "photos":
        conditions.append(Enrolment.collection_status == CollectionStatus.COLLECTED)
    if order.batch_id is not None:
        conditions.append(Enrolment.batch_id == order.batch_id)
    if order.centre_id is not None:
        conditions.append(Enrolment.centre_id == order.centre_id)
    if order.class_name:
        conditions.append(Enrolment.class_name == order.class_name)
    if order.order == "list":
        conditions.append(Enrolment.student_no.in_(order.student_nos))
    return conditions


def join_photo(query: Select[*tuple[Any, ...]], profile: str) -> Select[*tuple[Any, ...]]:
    """Join what is printed of a student: the standard photo, or the picture of a profile."""
    query = query.join(Photo, Photo.id == Enrolment.photo_id)
    if profile == STANDARD:
        return query.where(Photo.standard_key.is_not(None))
    is_cut = (ProfilePhoto.photo_id == Photo.id) & (ProfilePhoto.profile_key == profile)
    return query.join(ProfilePhoto, is_cut).where(ProfilePhoto.state == CutState.MADE)


def _sort(rows: list[Row], order: PrintOrder) -> list[Row]:
    places = {student_no: place for place, student_no in enumerate(order.student_nos)}
    if order.order == "list":
        return sorted(rows, key=lambda row: places[row[1]])
    if order.order == "student_no":
        return sorted(rows, key=lambda row: row[1])
    if order.order == "seat":
        # Who has no seat comes last, in the usual order.
        return sorted(
            rows, key=lambda row: (not row[5], _count_on(row[4]), _count_on(row[5]), row[1])
        )
    return sorted(rows, key=lambda row: (row[2], row[3], row[1]))


def _count_on(text: str) -> list[tuple[int, int | str]]:
    """A key by which 第2考场 comes before 第10考场."""
    parts = (part for part in _DIGITS.split(text) if part)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts]


def find_profile(session: Session, institution_id: uuid.UUID, key: str) -> PhotoProfile:
    """Return a profile that can be printed; raises PrintMalformed."""
    if key == STANDARD:
        return SHIPPED[key]
    row = session.scalars(
        select(PhotoProfileRow).where(
            PhotoProfileRow.institution_id == institution_id, PhotoProfileRow.key == key
        )
    ).first()
    if row is None:
        raise PrintMalformed
    return PhotoProfile.from_json(row.profile)


def list_print_profiles(ctx: Context, viewer: Viewer) -> list[PhotoProfile]:
    """Return what can be printed: the standard photo and the profiles that the college has on."""
    with ctx.db.read() as session:
        rows = session.scalars(
            select(PhotoProfileRow).where(
                PhotoProfileRow.institution_id == viewer.institution_id,
                PhotoProfileRow.is_on.is_(True),
            )
        )
        own = [PhotoProfile.from_json(row.profile) for row in rows]
    return [SHIPPED[STANDARD], *sorted(own, key=lambda each: each.title)]


def list_print_batches(ctx: Context, viewer: Viewer) -> list[tuple[str, str]]:
    """Return id and name of the institution's batches, newest first."""
    with ctx.db.read() as session:
        rows = session.scalars(
            select(Batch)
            .where(Batch.institution_id == viewer.institution_id)
            .order_by(Batch.date.desc())
        )
        return [(str(row.id), row.label) for row in rows]


def list_print_classes(ctx: Context, viewer: Viewer) -> list[str]:
    """Return the classes of the viewer's students."""
    query = select(Enrolment.class_name).where(*list_scope(viewer), Enrolment.class_name != "")
    with ctx.db.read() as session:
        return sorted(session.scalars(query.distinct()))


def require_centre(session: Session, viewer: Viewer, centre_id: uuid.UUID) -> LearningCentre:
    """Return a centre of the viewer's institution; raises NotFound."""
    centre = session.get(LearningCentre, centre_id)
    if centre is None or centre.institution_id != viewer.institution_id:
        raise NotFound
    return centre
