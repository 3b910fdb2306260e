"""Photos to cut: read, checked, and laid out on sheets; one student's at once."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from sqlalchemy import Select, select

from imagecheck.profiles.photo_profile import PhotoProfile
from models import Enrolment, Photo, ProfilePhoto
from server.context import Context
from server.errors import CaijiError
from server.gateways.photo_store import PhotoMissing
from server.services.audit import record_audit
from server.services.prints.order import (
    STANDARD,
    PrintEmpty,
    PrintOrder,
    find_profile,
    join_photo,
    refuse_malformed,
)
from server.services.prints.paper import PAPERS, Layout, lay_out
from server.services.prints.sheet import CAPTION_MM, Print, draw_sheets
from server.services.viewer import Viewer, get_visible

Between = Callable[[], None]


class PhotoLargerThanPaper(CaijiError):
    """Not even one photo fits the paper."""

    code = "photo_larger_than_paper"
    status = 422
    message = "这张纸放不下这种规格的照片，请换大一点的纸"


class PrintIncomplete(CaijiError):
    """A photo's file is missing or damaged; the message names the student by 学号."""

    code = "print_incomplete"
    status = 409
    message = "照片缺失或损坏"


@dataclass(frozen=True)
class Printed:
    """A finished file and what it holds."""

    pdf: bytes
    pages: int
    students: int


def print_student(
    ctx: Context, viewer: Viewer, enrolment_id: uuid.UUID, *, profile: str, paper: str
) -> Printed:
    """Fill one sheet with one student's photo; owns its transactions.

    Raises:
        NotFound, PrintMalformed, PhotoLargerThanPaper, PrintEmpty, PrintIncomplete,
        PhotoStoreUnavailable.
    """
    order = PrintOrder(profile=profile, paper=paper, copies=0)
    refuse_malformed(order)
    with ctx.db.read() as session:
        get_visible(session, viewer, enrolment_id)
    printed = draw_photos(ctx, viewer.institution_id, order, [enrolment_id])
    if not printed.students:
        raise PrintEmpty
    with ctx.db.write() as session:
        record_audit(
            *(session, viewer, "print.sheet"),
            at=ctx.now(),
            subject_kind="enrolment",
            subject_id=enrolment_id,
            规格=profile,
            纸张=PAPERS[paper].label,
        )
    return printed


def draw_photos(
    ctx: Context,
    institution_id: uuid.UUID,
    order: PrintOrder,
    students: Sequence[uuid.UUID],
    between: Between = lambda: None,
) -> Printed:
    """Lay the photos of these students out, in their order; who has none meanwhile is left out.

    Raises:
        PrintMalformed, PhotoLargerThanPaper, PrintIncomplete, PhotoStoreUnavailable.
    """
    key = Photo.standard_key if order.profile == STANDARD else ProfilePhoto.file_key
    query: Select[*tuple[Any, ...]] = select(Enrolment, key).where(
        Enrolment.id.in_(students), Enrolment.institution_id == institution_id
    )
    with ctx.db.read() as session:
        profile = find_profile(session, institution_id, order.profile)
        found = {row[0].id: row for row in session.execute(join_photo(query, order.profile))}
    rows = [(found[each][0], found[each][1]) for each in students if each in found]
    layout = plan_layout(order, profile)
    prints = _read_photos(ctx, rows, order)
    pdf, pages = draw_sheets(
        prints, layout, title=profile.title, copies=order.copies, between=between
    )
    return Printed(pdf, pages, len(rows))


def plan_layout(order: PrintOrder, profile: PhotoProfile) -> Layout:
    """Return the places of one page; raises PhotoLargerThanPaper."""
    caption_mm = CAPTION_MM if order.copies else 0.0
    layout = lay_out(PAPERS[order.paper], profile.size_mm, caption_mm)
    if layout is None:
        raise PhotoLargerThanPaper
    return layout


def _read_photos(
    ctx: Context, rows: list[tuple[Enrolment, str]], order: PrintOrder
) -> Iterator[Print]:
    for student, key in rows:
        data = read_photo(ctx, key, student.student_no)
        yield Print(data, _name_student(student, order) if order.copies else "")


def _name_student(student: Enrolment, order: PrintOrder) -> str:
    """The words below a photo."""
    seat = (student.exam_room, student.seat_no) if order.order == "seat" else ()
    return " ".join(part for part in (student.name, student.student_no, *seat) if part)


def read_photo(ctx: Context, key: str, student_no: str) -> bytes:
    """Return a photo's file; raises PrintIncomplete, which names the student."""
    try:
        data = ctx.photo_store.get(key)
        Image.open(io.BytesIO(data)).verify()
    except (PhotoMissing, OSError, SyntaxError) as error:
        raise PrintIncomplete(f"{student_no} 的照片文件缺失或损坏") from error
    return data
