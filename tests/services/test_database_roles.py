"""PostgreSQL: the service's role can do its work, and nothing to what is append-only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from models import AuditEntry
from server.cli import create_app
from server.context import Context
from server.database_roles import create_service_role, grant_to_service, list_unprotected
from server.db import Database
from server.services.audit import record_audit
from server.services.upkeep.audit_chain import seal_audit
from server.settings import Settings, SettingsInvalid, load_settings
from tests.college import view_as
from tests.commands import run_flask

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
COLUMN_OF = {"audit_entry": "action", "audit_seal": "number", "status_change": "reason"}
APPEND_ONLY = list(COLUMN_OF)
ATTEMPTS = (
    "UPDATE {0} SET {1} = {1}",
    "DELETE FROM {0}",
    "TRUNCATE {0} CASCADE",
    "DROP TABLE {0} CASCADE",
    "ALTER TABLE {0} ADD changed int",
    "ALTER TABLE {0} DISABLE TRIGGER USER",
    "DROP TRIGGER {0}_append_only ON {0}",
    "CREATE TRIGGER mine BEFORE INSERT ON {0} EXECUTE FUNCTION refuse_change()",
    "ALTER FUNCTION refuse_change() RENAME TO nothing",
    "SET session_replication_role = replica",
    "UPDATE alembic_version SET version_num = '0001'",
)


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_service_can_neither_change_history_nor_take_its_triggers_away(
    ctx: Context, attempt: str
) -> None:
    with ctx.db.write() as session:
        record_audit(session, view_as(ctx, "admin"), "code.edit", at=ctx.now())
    seal_audit(ctx)
    for table in APPEND_ONLY:
        statement = attempt.format(table, COLUMN_OF[table])
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            try_out(ctx.db, statement)
    with ctx.db.read() as session:
        assert session.scalars(select(AuditEntry.action)).all() == ["code.edit"]


def try_out(db: Database, statement: str) -> None:
    with db.write() as session:
        session.execute(text(statement))
        session.rollback()


def test_tables_of_a_later_migration_are_the_services_too(ctx: Context, owner: Database) -> None:
    role = ctx.db.url.username
    assert role is not None
    made = (
        "CREATE TABLE later (id int)",
        "CREATE TABLE later_history (id int)",
        "CREATE TRIGGER kept BEFORE DELETE ON later_history EXECUTE FUNCTION refuse_change()",
    )
    with owner.engine.begin() as connection:
        for statement in made:
            connection.execute(text(statement))
        grant_to_service(connection, role)
    try:
        with ctx.db.write() as session:
            for table in ("later", "later_history"):
                session.execute(text(f"INSERT INTO {table} VALUES (1)"))  # noqa: S608 - our own
            session.execute(text("UPDATE later SET id = 2"))
            session.execute(text("DELETE FROM later"))
        with pytest.raises(ProgrammingError, match="permission denied"):
            try_out(ctx.db, "DELETE FROM later_history")
    finally:
        with owner.engine.begin() as connection:
            connection.execute(text("DROP TABLE later, later_history"))


def test_doctor_tells_when_the_service_owns_its_tables(ctx: Context, owner: Database) -> None:
    with owner.engine.connect() as connection:
        assert set(APPEND_ONLY) <= set(list_unprotected(connection))
    with ctx.db.engine.connect() as connection:
        assert list_unprotected(connection) == []
    told = run_flask(ctx, "doctor").stdout
    assert "ok   database role: owns nothing" in told


def test_restore_without_the_owner_ends_with_one_line(demo: Context, tmp_path: Path) -> None:
    assert run_flask(demo, "backup", str(tmp_path)).returncode == 0
    refused = run_flask(demo, "restore", "--force", str(tmp_path)).stderr
    assert refused.splitlines()[-1].endswith("may not do this: give CAIJI_DATABASE_OWNER_URL")


@pytest.fixture
def other_role(owner: Database) -> Iterator[str]:
    name = f"{owner.url.database}_other"
    yield name
    with owner.engine.begin() as connection, contextlib.suppress(ProgrammingError):
        connection.execute(text(f"DROP OWNED BY {name}"))
        connection.execute(text(f"DROP ROLE {name}"))


def test_upgrade_makes_the_role_and_changes_its_password(
    ctx: Context, owner: Database, other_role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = owner.url.render_as_string(hide_password=False)
    monkeypatch.setenv("CAIJI_DATABASE_OWNER_URL", shown)
    hashes = set()
    for password in ("first word", "second'; --"):
        url = owner.url.set(username=other_role, password=password)
        monkeypatch.setenv("CAIJI_DATABASE_URL", url.render_as_string(hide_password=False))
        told = create_app().test_cli_runner().invoke(args=["db", "upgrade", "--create-role"])
        assert told.exit_code == 0, told.output
        assert f"role {other_role} may sign in" in told.output
        with owner.engine.connect() as connection:
            query = text("SELECT rolpassword FROM pg_authid WHERE rolname = :name")
            hashes.add(connection.scalar(query, {"name": other_role}))
    assert len(hashes) == 2
    assert all(each.startswith("SCRAM-SHA-256$") for each in hashes)
    db = Database(url.render_as_string(hide_password=False))
    with db.read() as session:
        session.scalars(select(AuditEntry)).all()
    db.dispose()


@pytest.mark.usefixtures("ctx")
def test_role_needs_an_owner_apart_from_it(base_settings: dict[str, Any], ctx: Context) -> None:
    url = ctx.settings.database_url
    for owner_url in ("", url):
        with pytest.raises(SettingsInvalid, match=r"^CAIJI_DATABASE_"):
            create_service_role(Settings(database_url=url, database_owner_url=owner_url))
    with pytest.raises(SettingsInvalid, match=r"^CAIJI_DATABASE_OWNER_URL: only where"):
        load_settings(**base_settings, database_url="sqlite:////x.db", database_owner_url=url)
