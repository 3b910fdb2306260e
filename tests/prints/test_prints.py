"""Photos on paper: rendered and measured with a ruler of pixels; who may print whom."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import select, update

from models import AuditEntry, Enrolment, LearningCentre, ProfilePhoto
from server.context import Context
from server.demo import INSTITUTION
from server.errors import NotFound
from server.gateways.photo_store import content_key, hash_bytes
from server.services.consent.parts import PHOTO
from server.services.jobs import register_job, run_next_job
from server.services.prints.jobs import (
    KIND,
    PrintGone,
    PrintView,
    open_print,
    request_print,
    run_print,
    view_print,
)
from server.services.prints.order import PrintEmpty, PrintMalformed, PrintOrder
from server.services.prints.paper import PAPERS, lay_out
from server.services.prints.photos import PhotoLargerThanPaper, print_student
from server.services.prints.sheet import Print, draw_sheets
from server.services.profiles.catalogue import save_profile, switch_profile
from server.services.rights.in_person import decide_for
from server.services.student.release import IDENTITIES_SEEN
from server.services.viewer import Viewer
from tests.college import Collected, collect, found_other_college, make_students, view_as
from tests.exports.test_export_profiles import SHIPPED, cut
from tests.rounds import few

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DPI = 381
"""15 pixels a millimetre."""
MM = 15
RED, GREEN = (200, 30, 30), (30, 160, 60)


def jpeg(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (295, 413)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG", quality=95)
    return out.getvalue()


def render(pdf: bytes, page: int = 0) -> npt.NDArray[np.int16]:
    document = pypdfium2.PdfDocument(pdf)
    picture = document[page].render(scale=DPI / 72).to_pil().convert("RGB")
    return np.asarray(picture).astype(np.int16)


def find_photos(
    pixels: npt.NDArray[np.int16], colour: tuple[int, int, int]
) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height of every photo of that colour, in millimetres."""
    mask = np.abs(pixels - colour).max(axis=2) < 40
    columns, rows = find_runs(mask.any(axis=0)), find_runs(mask.any(axis=1))
    return [
        (x0 / MM, y0 / MM, (x1 - x0) / MM, (y1 - y0) / MM)
        for y0, y1 in rows
        for x0, x1 in columns
        if mask[(y0 + y1) // 2, (x0 + x1) // 2]
    ]


def find_runs(line: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def read_text(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_bounded() for page in document)


@pytest.mark.parametrize(
    ("paper", "photo_mm", "count"),
    few(
        [
            ("5", (25.0, 35.0), 9),
            ("5", (35.0, 49.0), 4),
            ("6", (33.0, 48.0), 8),
            ("a4", (35.0, 49.0), 25),
        ],
        lambda row: row[0] == "6",
    ),
)
def test_photos_have_their_millimetres_on_paper(
    paper: str, photo_mm: tuple[float, float], count: int
) -> None:
    layout = lay_out(PAPERS[paper], photo_mm)
    assert layout is not None
    pdf, pages = draw_sheets([Print(jpeg())], layout, title="t", copies=0)
    pixels = render(pdf)
    size_mm = sorted((pixels.shape[1] / MM, pixels.shape[0] / MM))
    assert size_mm == pytest.approx(sorted(PAPERS[paper].size_mm), abs=0.1)
    photos = find_photos(pixels, RED)
    assert (len(photos), pages) == (count, 1)
    for number, (left, top, width, height) in enumerate(photos):
        assert (width, height) == pytest.approx(photo_mm, abs=0.1)
        assert (left, top) == pytest.approx(layout.place(number), abs=0.1)


def test_cut_marks_stand_at_every_edge_and_never_on_a_photo() -> None:
    layout = lay_out(PAPERS["6"], (33.0, 48.0))
    assert layout is not None
    pixels = render(draw_sheets([Print(jpeg())], layout, title="t", copies=0)[0])
    is_mark = pixels.max(axis=2) < 160
    photos = find_photos(pixels, RED)
    for left, top, width, height in photos:
        inside = is_mark[
            int((top + 0.2) * MM) : int((top + height - 0.2) * MM),
            int((left + 0.2) * MM) : int((left + width - 0.2) * MM),
        ]
        assert not inside.any()
    above = is_mark[: int((layout.top_mm - 0.6) * MM)].any(axis=0)
    marks = [(a + b) / 2 / MM for a, b in find_runs(above)]
    edges = sorted({edge for left, _, width, _ in photos for edge in (left, left + width)})
    assert len(marks) == len(edges) == 8
    assert marks == pytest.approx(edges, abs=0.15)


def test_printer_is_asked_not_to_shrink_the_page() -> None:
    layout = lay_out(PAPERS["5"], (25.0, 35.0))
    assert layout is not None
    assert b"/PrintScaling /None" in draw_sheets([Print(jpeg())], layout, title="t")[0]


def test_photo_that_fits_no_paper_is_refused() -> None:
    assert lay_out(PAPERS["5"], (90.0, 130.0)) is None


@pytest.mark.parametrize("paper", PAPERS)
def test_every_shipped_profile_fits_every_paper_within_its_margins(paper: str) -> None:
    for profile in SHIPPED.values():
        layout = lay_out(PAPERS[paper], profile.size_mm)
        assert layout is not None
        last = layout.place(layout.count - 1)
        margin = PAPERS[paper].margin_mm
        assert min(layout.left_mm, layout.top_mm) >= margin - 0.01
        assert last[0] + profile.size_mm[0] <= layout.page_mm[0] - margin + 0.01
        assert last[1] + profile.size_mm[1] <= layout.page_mm[1] - margin + 0.01


def test_names_stand_below_their_photos() -> None:
    layout = lay_out(PAPERS["a4"], (25.0, 35.0), caption_mm=5.0)
    assert layout is not None
    prints = [Print(jpeg(), "欧阳娜 20209001"), Print(jpeg(GREEN), "𬭩 20209002")]
    pdf, _ = draw_sheets(prints, layout, title="t")
    pixels = render(pdf)
    assert len(find_photos(pixels, RED)) == len(find_photos(pixels, GREEN)) == 1
    assert "欧阳娜 20209001" in read_text(pdf)
    assert "〓 20209002" in read_text(pdf), "what the font cannot say is marked, not garbled"


# -- who is printed ------------------------------------------------------------------------------


@pytest.fixture
def admin(demo: Context) -> Viewer:
    return view_as(demo, "admin")


def collect_with_photos(ctx: Context, count: int = 3) -> list[Collected]:
    students = make_students(count)
    for place, student in enumerate(students):
        student.photo = jpeg((200, 30 + place, 30), (480, 640))
    collect(ctx, INSTITUTION, students)
    return students


def draw(ctx: Context, viewer: Viewer, order: PrintOrder) -> tuple[PrintView, bytes]:
    """The finished job and its first file."""
    register_job(KIND, run_print)
    job_id = request_print(ctx, viewer, order)
    assert run_next_job(ctx)
    return view_print(ctx, viewer, job_id), open_print(ctx, viewer, job_id, 1)


def count_students(ctx: Context, viewer: Viewer, order: PrintOrder) -> int:
    return draw(ctx, viewer, order)[0].parts[0]["students"]


def seat(ctx: Context, student: Collected, room: str, number: str) -> None:
    with ctx.db.write() as session:
        row = session.get_one(Enrolment, student.id)
        row.exam_room, row.seat_no = room, number


@one_engine
def test_batch_is_printed_in_the_order_that_was_typed_and_audited(
    demo: Context, admin: Viewer
) -> None:
    students = collect_with_photos(demo)
    wanted = (students[2].student_no, students[0].student_no)
    view, pdf = draw(demo, admin, PrintOrder(order="list", student_nos=wanted))
    assert [(one["students"], one["pages"]) for one in view.parts] == [(2, 1)]
    text = read_text(pdf)
    assert text.index(students[2].student_no) < text.index(students[0].student_no)
    assert students[1].student_no not in text
    with demo.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "print.sheet")).one()
        actions = session.scalars(select(AuditEntry.action)).all()
    assert entry.detail["人数"] == 2
    assert students[0].name not in str(entry.detail)
    assert "print.download" in actions


@one_engine
def test_sheets_that_show_who_takes_the_consent_back_are_gone(demo: Context, admin: Viewer) -> None:
    students = collect_with_photos(demo)
    orders = [
        PrintOrder(order="list", student_nos=tuple(one.student_no for one in group))
        for group in (students[:2], students[2:])
    ]
    register_job(KIND, run_print)
    shown, other = [request_print(demo, admin, order) for order in orders]
    while run_next_job(demo):
        pass
    assert open_print(demo, admin, shown, 1)
    decide_for(
        *(demo, admin, students[0].id),
        kind=PHOTO,
        is_given=False,
        identity_seen=IDENTITIES_SEEN[0],
    )
    with pytest.raises(PrintGone):
        open_print(demo, admin, shown, 1)
    assert open_print(demo, admin, other, 1)


@one_engine
@pytest.mark.parametrize("what", ["photos", "contact"])
def test_seats_are_counted_as_people_count_them(
    demo: Context, admin: Viewer, what: Literal["photos", "contact"]
) -> None:
    students = collect_with_photos(demo, 5)
    seats = [("第10考场", "1"), ("第2考场", "10"), ("第2考场", "9"), ("", ""), ("第2考场", "09-2")]
    for student, (room, number) in zip(students, seats, strict=True):
        seat(demo, student, room, number)
    _, pdf = draw(demo, admin, PrintOrder(order="seat", what=what))
    text = read_text(pdf)
    rising = sorted(range(5), key=lambda place: text.index(students[place].student_no))
    assert rising == [2, 4, 1, 0, 3], "who has no seat comes last"
    assert f"{students[2].student_no} 第2考场 9" in text


@one_engine
def test_centre_prints_its_own_students_alone(demo: Context, admin: Viewer) -> None:
    students = collect_with_photos(demo)
    centre = view_as(demo, "centre1")
    everything = PrintOrder()
    with pytest.raises(PrintEmpty):
        request_print(demo, centre, everything)
    with pytest.raises(NotFound):
        print_student(demo, centre, students[0].id, profile="moe-2017", paper="6")
    with demo.db.write() as session:
        own = session.scalars(
            select(LearningCentre.id).where(LearningCentre.id.in_(centre.centre_ids))
        ).first()
        session.get_one(Enrolment, students[1].id).centre_id = own
    assert count_students(demo, centre, everything) == 1
    assert count_students(demo, admin, everything) == 3
    found_other_college(demo)
    with pytest.raises(PrintEmpty):
        request_print(demo, view_as(demo, "other-admin"), everything)


@one_engine
def test_profile_prints_its_own_picture_at_its_own_size(demo: Context, admin: Viewer) -> None:
    students = collect_with_photos(demo)
    switch_profile(demo, admin, "student-card", is_on=True)
    with pytest.raises(PrintEmpty):
        print_student(demo, admin, students[0].id, profile="student-card", paper="5")
    cut(demo, students[:1], key="student-card")
    with demo.db.read() as session:
        made = session.scalars(select(ProfilePhoto)).one()
    picture = jpeg(GREEN)
    key = content_key("profiles", hash_bytes(picture), ".jpg")
    demo.photo_store.put(key, picture)
    with demo.db.write() as session:
        session.execute(update(ProfilePhoto).where(ProfilePhoto.id == made.id).values(file_key=key))
    printed = print_student(demo, admin, students[0].id, profile="student-card", paper="5")
    photos = find_photos(render(printed.pdf), GREEN)
    assert len(photos) == 9
    for _, _, width, height in photos:
        assert (width, height) == pytest.approx((24.98, 34.97), abs=0.1)


@one_engine
def test_nonsense_is_refused(demo: Context, admin: Viewer) -> None:
    collect_with_photos(demo, 1)
    good = PrintOrder()
    for changes in ({"paper": "a3"}, {"profile": "visa"}, {"copies": 99}, {"order": "height"}):
        with pytest.raises(PrintMalformed):
            request_print(demo, admin, replace(good, **changes))  # type: ignore[arg-type]
    huge = replace(SHIPPED["two-inch"], key="poster", dpi=100, width_px=2000, height_px=2000)
    save_profile(demo, admin, huge, is_new=True)
    switch_profile(demo, admin, "poster", is_on=True)
    with pytest.raises(PhotoLargerThanPaper):
        request_print(demo, admin, replace(good, profile="poster"))


@one_engine
def test_contact_sheet_shows_everybody_of_a_class(demo: Context, admin: Viewer) -> None:
    students = collect_with_photos(demo, 2)
    with demo.db.write() as session:
        for student in students:
            session.get_one(Enrolment, student.id).class_name = "法学1班"
        other = session.scalars(select(Enrolment).order_by(Enrolment.student_no)).first()
        assert other is not None
        other.class_name = "法学1班"
    view, pdf = draw(demo, admin, PrintOrder(what="contact", class_name="法学1班"))
    assert [(one["students"], one["pages"]) for one in view.parts] == [(3, 1)]
    text = read_text(pdf)
    assert "法学1班" in text
    assert "第 1 页，共 1 页" in text
    assert all(student.student_no in text for student in students)
    assert "没有照片" in text
    photos = find_photos(render(pdf), RED)
    assert len(photos) == 2
    assert photos[0][2:] == pytest.approx((30.0, 40.0), abs=0.1)
