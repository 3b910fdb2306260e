import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from models import Base
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
