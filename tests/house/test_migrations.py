from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, Table, insert, select, text
from sqlalchemy.exc import DatabaseError

from models import Base, Enrolment, new_id
from models.photo_number import ALPHABET, LENGTH
from server.context import Context
from server.db import Database, alembic_config, head_revision


def test_there_is_one_newest_migration() -> None:
    assert len(ScriptDirectory.from_config(alembic_config()).get_heads()) == 1


def test_migrations_make_what_the_models_say(database_url: str) -> None:
    db = Database(database_url)
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    db.dispose()
    assert differences == []


def test_every_migration_goes_down_and_up_again(tmp_path: object) -> None:
    db = Database(f"sqlite:///{tmp_path}/fresh.db")
    db.migrate()
    with db.engine.execution_options(is_writer=True).connect() as connection:
        command.downgrade(alembic_config(connection), "base")
        connection.commit()
    assert db.current_revision() is None
    db.migrate()
    assert db.current_revision() == head_revision()
    db.dispose()


def test_enrolments_of_the_first_schema_get_their_codes(tmp_path: Path) -> None:
    """Data that was there before a migration is carried through all of them."""
    db = Database(f"sqlite:///{tmp_path}/old.db")
    db.migrate("0001")
    old = MetaData()
    old.reflect(db.engine)
    now = "2026-01-01 00:00:00"
    college, centre = f"{1:032x}", f"{2:032x}"
    rows = {
        "institution": [{"id": college, "name": "旧学院", "grace_days": 2}],
        "learning_centre": [{"id": centre, "institution_id": college, "name": "旧中心"}],
        "enrolment": [
            {
                "id": f"{10 + place:032x}",
                "institution_id": college,
                "centre_id": centre,
                "student_no": f"S{place}",
                "name": "王芳",
                "register_status": "在籍",
                "collection_status": "not_uploaded",
                "updated_at": now,
            }
            for place in range(3)
        ],
    }
    with db.write() as session:
        for name, values in rows.items():
            table = old.tables[name]
            for row in values:
                empty = {c.name: "" for c in table.columns if not c.nullable}
                session.execute(
                    text(
                        f"INSERT INTO {name} ({', '.join(empty)}) "  # noqa: S608 - our own names
                        f"VALUES ({', '.join(f':{column}' for column in empty)})"
                    ),
                    {**empty, "created_at": now, **row},
                )
    db.migrate()
    with db.read() as session:
        codes = session.scalars(select(Enrolment.photo_number)).all()
    db.dispose()
    assert len(set(codes)) == 3
    assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in codes)


def test_what_the_former_release_inserts_gets_its_photo_number(demo: Context) -> None:
    """During an upgrade the former release serves on: it knows ``collection_code`` alone."""
    table: Any = Enrolment.__table__
    with demo.db.write() as session:
        row = dict(session.execute(select(table).limit(1)).mappings().one())
        del row["photo_number"]
        row |= {"id": new_id(), "student_no": "OLD1", "collection_code": "FORMER234567"}
        session.execute(insert(Table("enrolment", MetaData(), *map(copy_column, row))), row)
    with demo.db.read() as session:
        found = session.scalars(select(Enrolment).where(Enrolment.student_no == "OLD1")).one()
        others = session.scalars(select(Enrolment)).all()
    assert found.photo_number == "FORMER234567"
    assert all(one.photo_number == one.former_number for one in others)


def copy_column(name: str) -> Column[Any]:
    """Return a column of the enrolment table without the defaults that the model adds."""
    return Column(name, Enrolment.__table__.c[name].type)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    "statement", ["UPDATE status_change SET reason = 'x'", "DELETE FROM status_change"]
)
def test_history_cannot_be_changed(owner: Database, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), owner.write() as session:
        session.execute(text(statement))


def test_sqlite_is_durable_and_checks_foreign_keys(tmp_path: object) -> None:
    db = Database(f"sqlite:///{tmp_path}/x.db")
    with db.read() as session:
        pragmas = {
            name: session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    db.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_reason_of_an_old_correction_moves_to_the_record(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/old.db")
    db.migrate("0006")
    # Not through our engine: that one would ask for the photo and the reviewer, too.
    with contextlib.closing(sqlite3.connect(f"{tmp_path}/old.db")) as raw:
        for place, decision in enumerate(("correct", "reject")):
            keys = [f"{place * 10 + n:032x}" for n in range(4)]
            raw.execute(
                "INSERT INTO review (id, photo_id, enrolment_id, staff_id, decision, note,"
                " reason_codes, at) VALUES (?, ?, ?, ?, ?, ?, '[]', '2026-01-01')",
                (*keys, decision, f"原因{place}"),
            )
        raw.commit()
    db.migrate()
    with db.engine.connect() as connection:
        found = connection.execute(text("SELECT note, record FROM review ORDER BY decision")).all()
    assert found == [("", "原因0"), ("原因1", "")]
    db.dispose()


def fill_row(raw: sqlite3.Connection, table: str, **values: str) -> None:
    """Insert a row of an old schema; what it must hold beside ``values`` is made up."""
    columns = raw.execute(f"PRAGMA table_info({table})").fetchall()
    made_up = {
        name: "2026-01-01 00:00:00" if kind == "DATETIME" else ""
        for _, name, kind, is_needed, default, _ in columns
        if is_needed and default is None
    }
    row = {**made_up, **values}
    marks = ", ".join("?" for _ in row)
    raw.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))  # noqa: S608


def test_texts_and_agreements_of_before_go_to_each_institution_and_back(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path}/old.db")
    db.migrate("0020")
    first, second = f"{1:032x}", f"{2:032x}"
    # Not through our engine: that one would ask for all that these rows hang on.
    with contextlib.closing(sqlite3.connect(f"{tmp_path}/old.db")) as raw:
        for college in (first, second):
            fill_row(raw, "institution", id=college, name=college)
        fill_row(raw, "learning_centre", id=first, institution_id=first)
        fill_row(raw, "wechat_user", id=first)
        fill_row(raw, "enrolment", id=first, institution_id=first, centre_id=first)
        fill_row(raw, "consent_text", version="2026-01", text="旧告知书")
        fill_row(
            raw, "consent_record", id=first, enrolment_id=first, user_id=first, version="2026-01"
        )
        raw.commit()
    db.migrate("0021")
    with db.engine.connect() as connection:
        texts = connection.execute(
            text("SELECT institution_id, version, text, published_at FROM consent_text")
        ).all()
        records = connection.execute(
            text("SELECT kind, is_given, version, given_by FROM consent_record")
        ).all()
    assert sorted(row[0] for row in texts) == [first, second]
    assert {row[1:] for row in texts} == {("2026-01", "旧告知书", texts[0][3])}
    assert texts[0][3] is not None
    assert records == [("photo", 1, "2026-01", "student")]
    with db.engine.execution_options(is_writer=True).connect() as connection:
        command.downgrade(alembic_config(connection), "0020")
        connection.commit()
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT version, text FROM consent_text")).all() == [
            ("2026-01", "旧告知书")
        ]
        assert connection.execute(text("SELECT version FROM consent_record")).all() == [
            ("2026-01",)
        ]
    db.dispose()
