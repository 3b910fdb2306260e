"""What is in an export: names, manifest, hashes; and what stops it."""

from __future__ import annotations

import csv
import hashlib
import io
import uuid
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
import python_calamine
from sqlalchemy import select, update

from models import BackgroundJob, Batch, CollectionStatus, Enrolment, Photo
from server.context import Context
from server.demo import INSTITUTION
from server.services.exports.archive import ArchiveWriter, ExportOvertaken
from server.services.exports.manage import open_export
from server.services.exports.plan import ExportOrder, Naming, Use
from server.services.jobs import run_next_job
from server.services.pieces import ChunkWriter
from server.services.viewer import Viewer
from tests.college import Collected, collect, make_students

Ask = Callable[..., uuid.UUID]


def run(ctx: Context, job_id: uuid.UUID) -> BackgroundJob:
    while run_next_job(ctx):
        pass
    with ctx.db.read() as session:
        return session.get_one(BackgroundJob, job_id)


def take(ctx: Context, admin: Viewer, job_id: uuid.UUID) -> zipfile.ZipFile:
    job = run(ctx, job_id)
    assert (job.state, job.error) == ("done", "")
    archive = open_export(ctx, admin, job_id, start=0)
    data = b"".join(iter(lambda: archive.file.read(1 << 16), b""))
    assert len(data) == archive.size_bytes
    assert hashlib.sha256(data).hexdigest() == archive.sha256
    whole = zipfile.ZipFile(io.BytesIO(data))
    assert whole.testzip() is None
    return whole


def read_manifest(archive: zipfile.ZipFile, use: str = "学历注册") -> list[dict[str, str]]:
    text = archive.read(f"{use}/清单.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_archive_names_counts_and_hashes_every_photo(
    demo: Context, admin: Viewer, ask: Ask, students: list[Collected], batch: Batch
) -> None:
    archive = take(demo, admin, ask())
    photos = {f"学历注册/{s.student_no}.jpg": s.photo for s in students}
    assert {name for name in archive.namelist() if name.endswith(".jpg")} == set(photos)
    rows = read_manifest(archive)
    assert [row["学号"] for row in rows] == [s.student_no for s in students]
    for row in rows:
        data = archive.read(f"学历注册/{row['文件']}")
        assert data == photos[f"学历注册/{row['文件']}"]
        assert row["SHA-256"] == hashlib.sha256(data).hexdigest()
        assert int(row["字节数"]) == len(data)
    summary = archive.read("汇总.csv").decode("utf-8-sig")
    sizes = sum(len(s.photo) for s in students)
    manifest_hash = hashlib.sha256(archive.read("学历注册/清单.csv")).hexdigest()
    assert (
        f"学历注册,{len(students)},{sizes},{manifest_hash},{INSTITUTION},{batch.label},学号"
        in summary
    )
    assert all(s.id_number not in archive.read("学历注册/清单.csv").decode() for s in students)


def test_workbook_says_the_same_as_the_csv_to_independent_readers(
    demo: Context, admin: Viewer, ask: Ask
) -> None:
    archive = take(demo, admin, ask())
    data = archive.read("学历注册/清单.xlsx")
    book = openpyxl.load_workbook(io.BytesIO(data))
    cells = [[str(cell or "") for cell in row] for row in book["清单"].iter_rows(values_only=True)]
    text = archive.read("学历注册/清单.csv").decode("utf-8-sig")
    assert cells == list(csv.reader(io.StringIO(text)))
    assert dict(book["汇总"].iter_rows(values_only=True))["照片数"] == 5
    peer = python_calamine.load_workbook(io.BytesIO(data))
    assert peer.sheet_names == ["清单", "汇总"]
    assert len(peer.get_sheet_by_name("清单").to_python()) == 6


def test_each_use_has_its_folder_and_a_degree_needs_a_bachelor_level(
    demo: Context, admin: Viewer, ask: Ask
) -> None:
    collect(demo, INSTITUTION, [Collected("39999999", level="高起专", id_number="H12345678")])
    archive = take(demo, admin, ask("student_no", "degree", "student_card", "registration"))
    names = archive.namelist()
    assert len([n for n in names if n.startswith("学位证/") and n.endswith(".jpg")]) == 5
    assert len([n for n in names if n.startswith("学生证/") and n.endswith(".jpg")]) == 6
    assert len(read_manifest(archive, "学历注册")) == 6
    assert "学籍卡/清单.csv" not in names
    assert "合计,17," in archive.read("汇总.csv").decode()


def test_provider_gets_codes_and_nothing_that_names_a_person(
    demo: Context, admin: Viewer, ask: Ask, students: list[Collected]
) -> None:
    first, second = (take(demo, admin, ask("photo_number")) for _ in range(2))
    assert first.namelist() == second.namelist()
    with demo.db.read() as session:
        codes = set(
            session.scalars(select(Enrolment.photo_number).where(Enrolment.batch_id.is_not(None)))
        )
    assert {row["照片编号"] for row in read_manifest(first)} == codes
    everything = "".join(first.namelist())
    for name in first.namelist():
        data = first.read(name)
        if name.endswith(".xlsx"):
            data = b"".join(
                zipfile.ZipFile(io.BytesIO(data)).read(n)
                for n in zipfile.ZipFile(io.BytesIO(data)).namelist()
            )
        everything += data.decode(errors="ignore") if not name.endswith(".jpg") else ""
    for student in students:
        for personal in (student.student_no, student.name, student.id_number):
            assert personal not in everything
    assert {"姓名", "学号", "身份证号"} & set(read_manifest(first)[0]) == set()


def test_one_id_number_with_two_enrolments_keeps_both_photos(
    demo: Context, admin: Viewer, batch: Batch, ask: Ask, students: list[Collected]
) -> None:
    twin = Collected("39000001", name=students[0].name, id_number=students[0].id_number)
    collect(demo, INSTITUTION, [twin])
    archive = take(demo, admin, ask("id_number"))
    rows = {row["学号"]: row for row in read_manifest(archive)}
    assert len({row["文件"].casefold() for row in rows.values()}) == 6
    assert rows[students[0].student_no]["文件"] == f"{students[0].id_number}.jpg"
    assert rows["39000001"]["文件"] == f"{students[0].id_number}_39000001.jpg"
    assert rows["39000001"]["身份证号"] == students[0].id_number


def test_hostile_roster_cannot_write_paths_or_formulas(
    demo: Context, admin: Viewer, ask: Ask
) -> None:
    hostile = [
        Collected("../../evil", name="=HYPERLINK(1)", major="+1", id_number="H00000001"),
        Collected("..\\..\\evil", name="@SUM(1)", major="-1", id_number="H00000002"),
        Collected("abc", name="\t=1", id_number="H00000003"),
        Collected("ABC", name='"quoted",', id_number="H00000004"),
        Collected("CON", name="x\x01y", id_number="H00000005"),
    ]
    collect(demo, INSTITUTION, hostile)
    archive = take(demo, admin, ask())
    names = archive.namelist()
    assert len({name.casefold() for name in names}) == len(names)
    for name in names:
        assert name.count("/") <= 1
        assert ".." not in name
        assert "\\" not in name
        assert not name.startswith("/")
    rows = read_manifest(archive)
    assert len(rows) == 10
    for row in rows:
        for cell in row.values():
            assert not cell.startswith(("=", "+", "-", "@", "\t")), row
    book = openpyxl.load_workbook(io.BytesIO(archive.read("学历注册/清单.xlsx")))
    types = {cell.data_type for row in book["清单"].iter_rows() for cell in row}
    assert "f" not in types


@pytest.mark.parametrize("harm", ["missing", "damaged", "no photo"])
def test_missing_or_damaged_photo_fails_the_export_by_name(
    demo: Context, ask: Ask, students: list[Collected], harm: str
) -> None:
    victim = students[2]
    with demo.db.write() as session:
        photo = session.scalars(select(Photo).where(Photo.enrolment_id == victim.id)).one()
        if harm == "no photo":
            session.execute(
                update(Enrolment).where(Enrolment.id == victim.id).values(photo_id=None)
            )
    key = photo.standard_key or ""
    if harm != "no photo":
        demo.photo_store.delete(key)
    if harm == "damaged":
        demo.photo_store.put(key, b"something else")
    job = run(demo, ask())
    assert job.state == "failed"
    assert victim.student_no in job.error
    assert students[0].student_no not in job.error
    assert job.file_key is None
    assert [k for k in demo.photo_store.list_keys() if k.startswith("exports/")] == []
    provider = run(demo, ask("photo_number"))
    assert provider.state == "failed"
    assert victim.student_no not in provider.error


def test_only_collected_photos_of_the_batch_are_in_it(
    demo: Context, admin: Viewer, ask: Ask, students: list[Collected]
) -> None:
    job_id = ask()
    with demo.db.write() as session:
        session.get_one(
            Enrolment, students[0].id
        ).collection_status = CollectionStatus.REUPLOAD_REQUIRED
        session.get_one(Enrolment, students[1].id).batch_id = None
    rows = read_manifest(take(demo, admin, job_id))
    assert [row["学号"] for row in rows] == [s.student_no for s in students[2:]]


@pytest.mark.engines
def test_photo_unlocked_while_it_is_exported_stops_the_export(
    demo: Context, admin: Viewer, ask: Ask, students: list[Collected]
) -> None:
    with demo.db.read() as session:
        batch_id = session.get_one(Enrolment, students[0].id).batch_id
    assert batch_id is not None
    order = ExportOrder(
        admin.institution_id, batch_id, Naming.STUDENT_NO, (Use.REGISTRATION,), demo.now()
    )

    def unlock_first(done: int) -> None:
        if done == 3:
            with demo.db.write() as session:
                session.get_one(
                    Enrolment, students[0].id
                ).collection_status = CollectionStatus.REUPLOAD_REQUIRED

    out = ChunkWriter(demo, uuid.uuid4().hex)
    with pytest.raises(ExportOvertaken):
        ArchiveWriter(demo, order, out, unlock_first, out.settle).write()


def test_later_approvals_wait_for_the_next_export(demo: Context, admin: Viewer, ask: Ask) -> None:
    job_id = ask()
    demo.clock.advance(seconds=5)  # type: ignore[attr-defined]
    collect(demo, INSTITUTION, make_students(2, first=38000001))
    assert len(read_manifest(take(demo, admin, job_id))) == 5
