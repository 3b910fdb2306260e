"""Every field that tells of a person has a period, in one table that people and retention read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import JSON, Column, Enum, LargeBinary, MetaData, String, Table

from models import Base, Institution
from server.context import Context
from server.services.compliance.impersonal import IMPERSONAL
from server.services.compliance.kept_by_law import MONEY
from server.services.compliance.period import AtEnd
from server.services.compliance.periods import PERIODS, list_tables
from server.services.compliance.privacy_page import write_privacy_page
from tests.desk import Desk, sign_in

one_engine = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PAGE = Path(__file__).parents[2] / "docs" / "privacy.md"
FREE = (String, JSON, LargeBinary)
"""Types that hold whatever is written into them; ids, moments, numbers and enums say nobody."""


def list_named() -> set[str]:
    named = {f"{line.table}.{column}" for line in PERIODS for column in line.columns}
    for key in IMPERSONAL:
        table, _, columns = key.partition(".")
        named |= {f"{table}.{column}" for column in columns.split()}
    return named


def find_unnamed(metadata: MetaData) -> list[str]:
    named = list_named()
    return [
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, FREE)
        and not isinstance(column.type, Enum)
        and not {f"{table.name}.{column.name}", f"{table.name}.*"} & named
    ]


def test_every_field_of_free_content_has_a_period_or_tells_of_nobody() -> None:
    assert find_unnamed(Base.metadata) == []


def test_new_personal_field_without_a_period_is_found() -> None:
    metadata = MetaData()
    Table("enrolment", metadata, Column("name", String), Column("home_address", String))
    assert find_unnamed(metadata) == ["enrolment.home_address"]


def test_table_of_periods_names_only_what_exists() -> None:
    known = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in (*table.columns, *(Column(name) for name in ("*",)))
    }
    assert sorted(list_named() - known) == []


def test_what_ends_with_a_person_belongs_to_an_enrolment_or_a_photo() -> None:
    for at_end in (AtEnd.ROW, AtEnd.EMPTY):
        for name in list_tables(at_end):
            columns = set(Base.metadata.tables[name].columns.keys())
            assert name == "enrolment" or {"enrolment_id", "photo_id"} & columns, name


def test_what_the_law_keeps_is_kept_as_long_as_the_certificate_says() -> None:
    lawful = {line.period for line in PERIODS if line.at_end is AtEnd.LAW}
    assert lawful == {f"按会计凭证保存，{MONEY.period}"}
    assert MONEY.until(dt.date(2026, 11, 10)) == dt.date(2026 + MONEY.years, 12, 31)


def test_page_is_made_from_the_table() -> None:
    assert PAGE.read_text() == write_privacy_page() + "\n", "flask privacy > docs/privacy.md"


@one_engine
def test_console_shows_the_table_with_the_years_of_the_institution(
    admin: Desk, app: Flask, demo: Context, institution: Institution
) -> None:
    page = admin.read("/console/periods").text
    assert "批次截止后 3 年" in page
    assert "原始照片" in page
    assert "已有的学生" in admin.post("/console/periods", kept_years="5").text
    admin.submit("/console/periods", kept_years="5", confirmed="yes")
    assert "批次截止后 5 年" in admin.read("/console/periods").text
    with demo.db.read() as session:
        assert session.get_one(Institution, institution.id).kept_years == 5
    assert admin.post("/console/periods", kept_years="0", confirmed="yes").status_code == 422
    assert sign_in(app, "reviewer").get("/console/periods").status_code == 403
