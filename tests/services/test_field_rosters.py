"""Rosters as real people send them: each stands for its kind, drawn here anew."""

from __future__ import annotations

import io
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlwt
from sqlalchemy import select

from models import AuditEntry, Enrolment, FeeWaiver, Institution
from server.context import Context
from server.services.id_numbers import normalise_id_number
from server.services.roster.columns import COLUMNS, RosterUnreadable
from server.services.roster.plan import ImportPlan, plan_import
from server.services.roster.read import read_roster
from server.services.roster.read_apart import read_roster_apart
from server.services.roster.write import apply_import
from tests.college import make_id_number

CASES = Path(__file__).resolve().parents[3] / "shared" / "fieldcases"
Cells = list[object]


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One engine: nothing here depends on the database."""
    shutil.copy(sqlite_template, tmp_path / "caiji.db")
    return f"sqlite:///{tmp_path / 'caiji.db'}"


@pytest.fixture
def institution_id(demo: Context) -> uuid.UUID:
    with demo.db.read() as session:
        return session.scalars(select(Institution.id)).one()


@pytest.fixture
def plan(demo: Context, institution_id: uuid.UUID) -> Callable[[bytes], ImportPlan]:
    return lambda data: plan_import(
        demo, institution_id, read_roster(data), can_create_centres=True
    )


def line(place: int = 0, **changes: object) -> Cells:
    """One good row."""
    values = {
        "学号": f"3000{place:04d}",
        "姓名": "测试" + "甲乙丙丁戊己"[place],
        "身份证号": make_id_number(place),
        "层次": "专升本",
        "专业": "会计学",
        "学习中心": "直属学习中心",
        "入学批次": "2023春",
        "预计毕业": "2025-07",
        "学籍状态": "在籍",
    }
    return [(values | changes).get(column, "") for column in COLUMNS]


def as_text(*lines: Cells, separator: str = ",", header: Cells | None = None) -> str:
    rows = [list(COLUMNS) if header is None else header, *lines]
    return "\r\n".join(separator.join(map(str, row)) for row in rows)


def as_csv(*lines: Cells) -> bytes:
    return as_text(*lines).encode("utf-8-sig")


def as_xlsx(*lines: Cells, edit: Callable[[openpyxl.Workbook], None] = lambda _: None) -> bytes:
    book = openpyxl.Workbook()
    for cells in [list(COLUMNS), *lines]:
        book.worksheets[0].append(cells)
    edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls(*lines: Cells, style: str = "General") -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet("名单")
    for row, cells in enumerate([list(COLUMNS), *lines]):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell, xlwt.easyxf(num_format_str=style))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_format(number_format: str) -> Callable[[openpyxl.Workbook], None]:
    def edit(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["A2"].number_format = number_format

    return edit


@pytest.mark.parametrize("column", ["学号", "身份证号"])
@pytest.mark.parametrize(
    "spoiled",
    [
        *("2.02301E+11", "2.023e+17", "２.０２Ｅ＋１７", "2023-07-16", "2023/7/16"),
        *("30001.0", "2,030,001", "####", "#N/A", "3000?01", "30****01"),
    ],
)
def test_number_that_a_spreadsheet_spoiled_refuses_its_row(
    plan: Callable[[bytes], ImportPlan], column: str, spoiled: str
) -> None:
    text = as_text(line(0), line(1, **{column: spoiled}), separator="\t")
    made = plan(text.encode())
    assert {(one.number, one.column) for one in made.faults} == {(3, column)}
    assert [one.student_no for one in made.new] == ["30000000"]


@pytest.mark.parametrize(
    ("number", "number_format", "is_good"),
    [
        (2030001, "General", True),
        (2030001, "0", True),
        (2030001, "0_ ", True),
        (2030001, "0000000", True),
        (30001, "0000000", False),
        (2030001, "#,##0", False),
        (2030001, "0.00", False),
        (2030001, "yyyy-mm-dd", False),
        (2030001.5, "General", False),
        (2023010112345678, "General", False),
        (2.023010112345679e16, "0", False),
    ],
)
def test_numeric_student_number_passes_only_where_it_shows_as_stored(
    plan: Callable[[bytes], ImportPlan], number: float, number_format: str, is_good: object
) -> None:
    xlsx = as_xlsx(line(学号=number), edit=with_format(number_format))
    for data in (xlsx, as_xls(line(学号=number), style=number_format)):
        made = plan(data)
        assert [one.column for one in made.faults] == ([] if is_good else ["学号"])
        assert [one.student_no for one in made.new] == (["2030001"] if is_good else [])


def test_column_rounded_before_it_became_text_is_refused(
    plan: Callable[[bytes], ImportPlan],
) -> None:
    rounded = as_csv(line(0, 学号="202301011234567000"), line(1, 学号="202301011234568000"))
    exact = as_csv(line(0, 学号="202301011234567000"), line(1, 学号="202301011234568001"))
    assert {one.column for one in plan(rounded).faults} == {"学号"}
    assert plan(exact).faults == []


@pytest.mark.parametrize(
    "text",
    [
        as_text(line()),
        as_text(line(), separator="\t"),
        as_text(line(), separator=";"),
        as_text(line(), separator="|"),
        as_text(line(), separator="，"),
        "sep=;\r\n" + as_text(line(), separator=";"),
        "\ufeff\ufeff" + as_text(line()),
        as_text(line(学号="'30000000", 身份证号="'" + make_id_number(0))),
        as_text(line(学号='"=""30000000"""')),
        as_text(
            line(
                学号="３０００００００",
                身份证号=make_id_number(0).translate(
                    {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}
                ),
            )
        ),
        as_text(
            line(
                学号="\u200b300\u206000000\ufeff",
                姓名="\u200e测试甲\u200b",
                身份证号=f"\u202a{make_id_number(0)}\u202c",
                学习中心="直属\u200d学习中心",
            )
        ),
        "2023 级名单\r\n\r\n" + as_text(line()),
        as_text(line(), header=["*学 号", "姓\u3000名", "身份证号码（必填）", *COLUMNS[3:]]),
    ],
    ids=[
        "comma",
        "tab",
        "semicolon",
        "bar",
        "wide-comma",
        "sep",
        "double-bom",
        "apostrophe",
        "formula",
        "full-width",
        "unseen",
        "title",
        "header",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "gb18030"])
def test_dialects_of_one_list_give_the_same_student(text: str, encoding: str) -> None:
    (row,) = read_roster(text.encode(encoding)).rows
    assert row.spoiled == {}
    assert normalise_id_number(row.values.pop("身份证号")) == make_id_number(0)
    good = dict(zip(COLUMNS, line(), strict=True))
    assert row.values.items() <= good.items()


@pytest.mark.parametrize("name", ["李?", "李？", "李\ufffd", "李□", "李*"])
def test_name_that_lost_a_character_refuses_the_list(
    plan: Callable[[bytes], ImportPlan], name: str
) -> None:
    assert [one.column for one in plan(as_csv(line(姓名=name))).faults] == ["姓名"]


def test_one_id_number_with_two_names_is_refused_in_the_file_and_against_the_system(
    demo: Context, plan: Callable[[bytes], ImportPlan], institution_id: uuid.UUID
) -> None:
    number = make_id_number(0)
    made = plan(as_csv(line(0), line(1, 身份证号=number)))
    assert [(one.number, one.column) for one in made.faults] == [(3, "身份证号")]
    both = plan(as_csv(line(0), line(1, 姓名="测试甲", 身份证号=number, 层次="高起专")))
    assert both.faults == []
    apply_import(demo, institution_id, both)
    made = plan(as_csv(line(2, 身份证号=number)))
    assert [(one.column, "30000000" in one.message) for one in made.faults] == [("身份证号", True)]
    assert plan(as_csv(line(2, 姓名="测试甲", 身份证号=number))).faults == []


def test_foreign_passport_is_a_warning_and_a_damaged_number_a_fault(
    plan: Callable[[bytes], ImportPlan],
) -> None:
    made = plan(as_csv(line(0, 身份证号="EK1234567"), line(1, 身份证号="1101011990030700X")))
    assert [(one.number, one.column) for one in made.warnings] == [(2, "身份证号")]
    assert [(one.number, one.column) for one in made.faults] == [(3, "身份证号")]


def test_absent_and_empty_columns_change_nothing(
    demo: Context, plan: Callable[[bytes], ImportPlan], institution_id: uuid.UUID
) -> None:
    apply_import(demo, institution_id, plan(as_csv(line(学籍状态="休学"))))
    short = as_text([*line()[:3], "直属学习中心"], header=["学号", "姓名", "身份证号", "学习中心"])
    empty = as_csv(line(层次="", 专业="", 入学批次="", 预计毕业="", 学籍状态=""))
    for data in (short.encode(), empty):
        assert plan(data).unchanged_count == 1
    moved = plan(as_text(line(专业="法学")[:6], header=list(COLUMNS[:6])).encode())
    assert moved.changed[0][0].differences == [("专业", "会计学", "法学")]
    apply_import(demo, institution_id, moved)
    with demo.db.read() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.student_no == "30000000")).one()
    assert (row.major, row.expected_term, row.register_status) == ("法学", "2025-07", "休学")


def test_class_and_phone_are_kept_and_an_absent_phone_stays(
    demo: Context, plan: Callable[[bytes], ImportPlan], institution_id: uuid.UUID
) -> None:
    made = plan(
        as_csv(line(班级="会计 1 班", 手机号="+86 138-0013-8000"), line(1, 手机号="010-1234"))
    )
    assert [(one.number, one.column) for one in made.warnings] == [(3, "手机号")]
    apply_import(demo, institution_id, made)
    apply_import(demo, institution_id, plan(as_csv(line(专业="法学"))))
    with demo.db.read() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.student_no == "30000000")).one()
    found = (row.major, row.class_name, row.decrypt_phone(demo.cipher))
    assert found == ("法学", "会计 1 班", "13800138000")
    assert plan(as_csv(line(专业="法学", 班级="会计 1 班", 手机号="13800138000"))).changed == []
    assert plan(as_csv(line(专业="法学", 手机号="138001380"))).changed[0][0].columns == ["手机号"]


def test_waivers_of_a_roster_forgive_fees_once_and_empty_cells_keep_what_finance_forgave(
    demo: Context, plan: Callable[[bytes], ImportPlan], institution_id: uuid.UUID
) -> None:
    apply_import(demo, institution_id, plan(as_csv(line(), line(1), line(2))))
    made = plan(as_csv(line(减免="建档立卡"), line(1), line(3, 减免="退役军人")))
    assert made.faults == []
    assert made.changed[0][0].differences == [("减免", "（空）", "（不显示）")]
    assert made.waived == {"30000000": "建档立卡", "30000003": "退役军人"}
    apply_import(demo, institution_id, made)
    with demo.db.read() as session:
        waivers = session.scalars(select(FeeWaiver)).all()
        told = {one.enrolment.student_no: one.decrypt_reason(demo.cipher) for one in waivers}
        assert all(one.enrolment.fee_settled_at for one in waivers)
        audited = session.scalars(select(AuditEntry.action)).all()
    assert told == made.waived
    assert audited.count("payment.waive") == len(told)
    again = plan(as_csv(line(), line(1), line(2), line(3, 减免="退役军人")))
    assert (again.unchanged_count, again.waived, again.warnings) == (4, {}, [])


def test_no_in_the_column_of_waivers_is_a_fault_and_a_paid_fee_a_warning(
    demo: Context, plan: Callable[[bytes], ImportPlan], institution_id: uuid.UUID
) -> None:
    bad = plan(as_csv(line(减免="否"), line(1, 减免="0"), line(2, 减免="x" * 201)))
    assert [(one.number, one.column) for one in bad.faults] == [(n, "减免") for n in (2, 3, 4)]
    apply_import(demo, institution_id, plan(as_csv(line())))
    with demo.db.write() as session:
        row = session.scalars(select(Enrolment).where(Enrolment.student_no == "30000000")).one()
        row.fee_settled_at = demo.now()
    paid = plan(as_csv(line(减免="低保家庭")))
    assert (paid.unchanged_count, paid.waived) == (1, {})
    assert [(one.number, one.column) for one in paid.warnings] == [(2, "减免")]


def test_month_that_a_spreadsheet_made_a_date_of_stays_a_month(
    plan: Callable[[bytes], ImportPlan],
) -> None:
    import datetime as dt

    made = plan(as_xlsx(line(预计毕业=dt.date(2025, 7, 1))))
    assert made.new[0].fields["expected_term"] == "2025-07"


def test_first_visible_sheet_is_read_and_the_others_are_named() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        book.create_sheet("字典", 0).append(["层次"])
        book.worksheets[0].sheet_state = "hidden"
        book.create_sheet("二班").append(line(1))
        book.create_sheet("填写说明").append(["列"])

    roster = read_roster(as_xlsx(line(0), edit=edit))
    assert [row.values["学号"] for row in roster.rows] == ["30000000"]
    assert [word in " ".join(roster.notes) for word in ("二班", "字典", "填写说明")] == [
        True,
        True,
        False,
    ]


def test_hidden_rows_and_columns_are_read_and_said() -> None:
    def edit(book: openpyxl.Workbook) -> None:
        book.worksheets[0].row_dimensions[3].hidden = True
        book.worksheets[0].column_dimensions["C"].hidden = True

    roster = read_roster(as_xlsx(line(0), line(1), edit=edit))
    assert len(roster.rows) == 2
    assert "第 3 行" in roster.notes[0]
    assert "身份证号" in roster.notes[1]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b'<html><head><meta charset="utf-8"></head><table><tr><th>1</th></tr></table>', "网页"),
        ("\ufeff\r\n<!DOCTYPE HTML><TABLE>".encode("utf-16"), "网页"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">',
            "XML",
        ),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related", "网页"),
        (b"%PDF-1.7", "PDF"),
        (as_text(line()).encode() + b'\r\n"30000001,', "第 3 行"),
    ],
    ids=["html", "html-utf-16", "xml", "mhtml", "pdf", "quotes"],
)
def test_what_is_no_table_is_called_by_its_name(data: bytes, word: str) -> None:
    with pytest.raises(RosterUnreadable, match=word):
        read_roster(data)


@pytest.mark.parametrize("name", ["x", ""])
def test_two_million_columns_are_refused_at_once(name: str) -> None:
    header = ",".join([*COLUMNS, *[name] * 2_000_000])
    if name:
        with pytest.raises(RosterUnreadable, match="200 列"):
            read_roster_apart(header.encode())
    else:
        data = f"{header}\r\n{','.join(map(str, line()))}".encode()
        assert len(read_roster_apart(data).rows) == 1


def list_cases() -> list[tuple[str, str]]:
    table = CASES / "rosters.tsv"
    if not table.exists():
        return []
    return [tuple(one.split("\t")[:2]) for one in table.read_text().splitlines()[1:]]  # type: ignore[misc]


@pytest.mark.skipif(not CASES.exists(), reason="the collection of field cases is not here")
@pytest.mark.parametrize(("name", "right"), list_cases())
def test_field_case(plan: Callable[[bytes], ImportPlan], name: str, right: str) -> None:
    try:
        made = plan((CASES / "rosters" / name).read_bytes())
    except RosterUnreadable as error:
        said, columns = [error.shown_message], {"the file"}
    else:
        said, columns = made.notes, {one.column for one in made.faults}
    kind, _, wanted = right.partition(" ")
    if kind == "mention":
        assert any(word in one for word in wanted.split("|") for one in said)
    else:
        assert columns == ({wanted} if kind == "refuse" else set())
