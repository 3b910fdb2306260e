"""The contact sheet of a class: every face with its name, for the centre's own check on paper."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.utils import ImageReader
from sqlalchemy import select

from models import CollectionStatus, Enrolment, Photo
from server.context import Context
from server.gateways.clock import to_local
from server.services.prints.order import PrintOrder
from server.services.prints.paper import PAPERS
from server.services.prints.photos import Between, Printed, read_photo
from server.services.prints.sheet import Pages

COLUMNS, ROWS = 5, 5
PER_PAGE = COLUMNS * ROWS
PHOTO_MM = (30.0, 40.0)
CELL_MM = (38.0, 50.0)
LEFT_MM, TOP_MM = 12.0, 26.0
NAME_PT, SMALL_PT = 9.0, 7.0


@dataclass(frozen=True)
class Heading:
    """What stands above every page.

    Attributes:
        title: college, centre and class.
        first_page, of_pages: of this file among all of the job, from 1.
    """

    title: str
    first_page: int
    of_pages: int


def draw_contact_sheet(
    ctx: Context,
    institution_id: uuid.UUID,
    order: PrintOrder,
    students: Sequence[uuid.UUID],
    heading: Heading,
    between: Between = lambda: None,
) -> Printed:
    """Draw these students, with or without a photo, in their order.

    Raises:
        PrintIncomplete, PhotoStoreUnavailable.
    """
    query = (
        select(Enrolment, Photo.standard_key)
        .outerjoin(Photo, Photo.id == Enrolment.photo_id)
        .where(Enrolment.id.in_(students), Enrolment.institution_id == institution_id)
    )
    with ctx.db.read() as session:
        found = {row[0].id: row for row in session.execute(query)}
    rows = [(found[each][0], found[each][1]) for each in students if each in found]
    pages = Pages(PAPERS["a4"].size_mm, heading.title)
    for place, (student, key) in enumerate(rows):
        if place % PER_PAGE == 0:
            if place:
                pages.next_page()
            _write_head(pages, heading, heading.first_page + place // PER_PAGE, ctx)
        data = read_photo(ctx, key, student.student_no) if key else None
        _draw_student(pages, place % PER_PAGE, student, data, has_seat=order.order == "seat")
        between()
    return Printed(pages.finish(), count_pages(len(rows)), len(rows))


def count_pages(students: int) -> int:
    """How many pages so many students take."""
    return -(-students // PER_PAGE)


def _write_head(pages: Pages, heading: Heading, number: int, ctx: Context) -> None:
    width = PAPERS["a4"].size_mm[0]
    pages.write(heading.title, (LEFT_MM, 14), 13, widest_mm=width - 2 * LEFT_MM)
    made = to_local(ctx.now()).strftime("%Y-%m-%d %H:%M")
    page = f"第 {number} 页，共 {heading.of_pages} 页"
    line = f"照片核对表　{page}　制表时间 {made}　核对人：＿＿＿＿＿＿　日期：＿＿＿＿＿＿"
    pages.write(line, (LEFT_MM, 20), 9, widest_mm=width - 2 * LEFT_MM)


def _draw_student(
    pages: Pages, place: int, student: Enrolment, data: bytes | None, *, has_seat: bool
) -> None:
    row, column = divmod(place, COLUMNS)
    left, top = LEFT_MM + column * CELL_MM[0], TOP_MM + row * CELL_MM[1]
    middle = left + PHOTO_MM[0] / 2
    if data is not None:
        pages.draw_photo(ImageReader(io.BytesIO(data)), (left, top), PHOTO_MM)
    else:
        pages.draw_box((left, top), PHOTO_MM)
        label = student.collection_status.label
        if student.collection_status is CollectionStatus.NOT_UPLOADED:
            label = "没有照片"
        pages.write(label, (middle, top + 20), SMALL_PT, widest_mm=PHOTO_MM[0], is_centred=True)
    seat = f" {student.exam_room} {student.seat_no}" if has_seat else ""
    lines = ((student.name, 4.0, NAME_PT), (student.student_no + seat, 7.5, SMALL_PT))
    for text, below, size_pt in lines:
        at = (middle, top + PHOTO_MM[1] + below)
        pages.write(text.strip(), at, size_pt, widest_mm=CELL_MM[0] - 2, is_centred=True)
