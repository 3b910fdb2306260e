from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, select, text
from sqlalchemy.exc import DatabaseError

from models import Base, Enrolment
from models.collection_code import ALPHABET, LENGTH
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
        codes = session.scalars(select(Enrolment.collection_code)).all()
    db.dispose()
    assert len(set(codes)) == 3
    assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in codes)


@pytest.mark.parametrize(
    "statement", ["UPDATE status_change SET reason = 'x'", "DELETE FROM status_change"]
)
def test_history_cannot_be_changed(demo: Context, statement: str) -> None:
    with pytest.raises(DatabaseError, match="append-only"), demo.db.write() as session:
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
