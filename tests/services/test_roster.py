from __future__ import annotations

import io
import uuid
from collections.abc import Callable

import openpyxl
import pytest
import xlwt
from sqlalchemy import func, select

from models import CollectionStatus, Enrolment, Institution, LearningCentre, StatusChange
from server.context import Context
from server.services.roster.columns import COLUMNS, RosterUnreadable
from server.services.roster.plan import ImportPlan, plan_import
from server.services.roster.read import read_roster
from server.services.roster.write import RosterHasErrors, apply_import

HEADER = ",".join(COLUMNS)
GOOD = "30000001,欧阳娜,11010119900307002X,专升本,法学,直属学习中心,2020 秋,2023 春,在籍"
GOOD = GOOD.replace("11010119900307002X", "110101199003070038")


def as_csv(*lines: str, encoding: str = "utf-8") -> bytes:
    return "\r\n".join([HEADER, *lines]).encode(encoding)


def as_xlsx(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in [list(COLUMNS), *rows]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls(rows: list[list[object]]) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名单")
    for number, row in enumerate([list(COLUMNS), *rows]):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture
def institution_id(demo: Context) -> uuid.UUID:
    with demo.db.read() as session:
        return session.scalars(select(Institution.id)).one()


@pytest.fixture
def plan(demo: Context, institution_id: uuid.UUID) -> Callable[..., ImportPlan]:
    def make(data: bytes, *, can_create_centres: bool = False) -> ImportPlan:
        return plan_import(
            demo, institution_id, read_roster(data), can_create_centres=can_create_centres
        )

    return make


@pytest.mark.parametrize(
    "data",
    [
        as_csv(GOOD),
        as_csv(GOOD, encoding="utf-8-sig"),
        as_csv(GOOD, encoding="gb18030"),
        as_xlsx([GOOD.split(",")]),
        as_xls([GOOD.split(",")]),
    ],
    ids=["utf-8", "utf-8-bom", "gb18030", "xlsx", "xls"],
)
def test_every_kind_of_file_gives_the_same_student(
    demo: Context, plan: Callable[..., ImportPlan], institution_id: uuid.UUID, data: bytes
) -> None:
    made = plan(data)
    assert made.faults == []
    apply_import(demo, institution_id, made)
    with demo.db.read() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.student_no == "30000001")).one()
        history = session.scalars(
            select(StatusChange).where(StatusChange.enrolment_id == row.id)
        ).all()
        assert (row.name, row.level, row.centre.name) == ("欧阳娜", "专升本", "直属学习中心")
    assert row.decrypt_id_number(demo.cipher) == "110101199003070038"
    assert [change.to_status for change in history] == [CollectionStatus.NOT_UPLOADED]


@pytest.mark.parametrize(
    ("line", "column", "word"),
    [
        (GOOD.replace("110101199003070038", "110101199003070039"), "身份证号", "校验位"),
        (GOOD.replace("30000001", ""), "学号", "空"),
        (GOOD.replace("直属学习中心", "月球学习中心"), "学习中心", "没有学习中心"),
        (GOOD.replace("在籍", "在校"), "学籍状态", "应为"),
        (GOOD.replace("法学", "法" * 81), "专业", "超过"),
        (GOOD + "\r\n" + GOOD, "学号", "重复"),
    ],
)
def test_each_fault_names_row_and_column_and_nothing_is_imported(
    demo: Context,
    plan: Callable[..., ImportPlan],
    institution_id: uuid.UUID,
    line: str,
    column: str,
    word: str,
) -> None:
    good = GOOD.replace("30000001", "30000002")
    made = plan(as_csv(good, line))
    assert [fault.column for fault in made.faults] == [column]
    assert word in made.faults[0].message
    assert made.faults[0].number in {3, 4}
    with pytest.raises(RosterHasErrors):
        apply_import(demo, institution_id, made)
    with demo.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Enrolment)) == 60


def test_id_number_in_a_numeric_cell_has_lost_digits(plan: Callable[..., ImportPlan]) -> None:
    cells: list[object] = list(GOOD.split(","))
    cells[2] = 110101199003070038
    for data in (as_xlsx([cells]), as_xls([cells])):
        assert "15 位" in plan(data).faults[0].message


def test_permits_of_hong_kong_macau_taiwan_and_foreigners_pass(
    plan: Callable[..., ImportPlan],
) -> None:
    lines = [
        GOOD.replace("30000001", f"3000001{place}").replace("110101199003070038", permit)
        for place, permit in enumerate(["H12345678", "M12345678", "12345678", "FRA110019880101"])
    ]
    assert plan(as_csv(*lines)).faults == []


def test_importing_again_updates_the_person_and_not_the_collection(
    demo: Context, plan: Callable[..., ImportPlan], institution_id: uuid.UUID
) -> None:
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).order_by(Enrolment.student_no).limit(1)).one()
        row.collection_status = CollectionStatus.UPLOADED
    line = "20200001,张伟,110101199003070011,专升本,法学,新学习中心,2020 秋,2023 春,休学"
    made = plan(as_csv(line), can_create_centres=True)
    assert [change.columns for change, _ in made.changed] == [["专业", "学籍状态", "学习中心"]]
    apply_import(demo, institution_id, made)
    apply_import(demo, institution_id, plan(as_csv(line)))
    with demo.db.read() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.student_no == "20200001")).one()
        centres = session.scalars(select(LearningCentre.name)).all()
        assert (row.register_status, row.centre.name) == ("休学", "新学习中心")
        assert row.collection_status is CollectionStatus.UPLOADED
    assert centres.count("新学习中心") == 1
    assert plan(as_csv(line)).unchanged_count == 1


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "空"),
        (b"PK\x03\x04 broken", "损坏"),
        (b"\xd0\xcf\x11\xe0 broken", "损坏"),
        ("姓名,身份证号\r\n张伟,1".encode(), "缺少这些列：学号"),
        (as_csv(), "没有学生"),
        (b"\x00\x01\x02", "不是"),
        ((HEADER + ",姓名\r\n" + GOOD).encode(), "重复的列"),
    ],
)
def test_file_that_is_no_roster_is_told_why(data: bytes, word: str) -> None:
    with pytest.raises(RosterUnreadable, match=word):
        read_roster(data)
