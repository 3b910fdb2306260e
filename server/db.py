"""The database: engine, transactions and the schema's version.

``Database.read`` and ``Database.write`` are the only ways to a session. On SQLite a writer takes
its lock at once (BEGIN IMMEDIATE), so two writers queue instead of failing half-way: those of one
process in the order in which they come, those of several as SQLite lets them.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

MIGRATIONS = Path(__file__).parent.parent / "models" / "migrations"
SQLITE_BUSY_MS = 4_000
"""How long a SQLite writer waits for its turn: below the 5 s that a callback has."""
POOL_SIZE = 20
POSTGRES_CONNECTION = {
    "connect_timeout": 4,
    # A host whose cable is pulled says nothing. We give up on the server, and it on us and on the
    # rows that we hold locked, within seconds: TCP itself would wait for a quarter of an hour.
    "tcp_user_timeout": 8_000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "options": "-c lock_timeout=4000 -c tcp_user_timeout=8000 -c tcp_keepalives_idle=5"
    " -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3",
}


class Database:
    """One engine with its two kinds of transaction."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            self._make_folder()
        self.engine = _create_engine(url, is_sqlite=self.is_sqlite)
        writer = self.engine.execution_options(is_writer=True)
        reader = self.engine
        if not self.is_sqlite:
            # SQLite's readers see one state by themselves.
            reader = reader.execution_options(isolation_level="REPEATABLE READ")
        self._read = sessionmaker(reader, expire_on_commit=False)
        self._write = sessionmaker(writer, expire_on_commit=False)
        self._turn = threading.Lock()

    def _make_folder(self) -> None:
        if self.url.database and self.url.database != ":memory:":
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that sees one state of the database; nothing is kept."""
        with self._read() as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose changes are committed together when the block ends well.

        Raises:
            OperationalError: the database is away, or (SQLite) others write for too long.
        """
        with self._take_turn(), self._write() as session, session.begin():
            yield session

    @contextlib.contextmanager
    def _take_turn(self) -> Iterator[None]:
        """Let the writers of this process queue for SQLite's one lock.

        SQLite itself lets them try now and then, so that in a crowd some wait for seconds while
        others come and go, and the file lies idle between their tries.
        """
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=SQLITE_BUSY_MS / 1000):
            busy = sqlite3.OperationalError("database is locked")
            raise OperationalError("BEGIN IMMEDIATE", None, busy)
        try:
            yield
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Give a connection on which every query sees the same state, while others write."""
        engine = self.engine
        if not self.is_sqlite:
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def stage(self, table: Table) -> Iterator[Connection]:
        """Give a connection with an empty temporary ``table`` that only it sees.

        Filling it keeps no other writer waiting; :meth:`write_staged` then carries it over.
        """
        with self.engine.connect() as connection:
            table.create(connection)
            connection.commit()
            try:
                yield connection
            finally:
                connection.rollback()
                table.drop(connection)
                connection.commit()

    @contextlib.contextmanager
    def write_staged(self, connection: Connection) -> Iterator[Session]:
        """Give a session like :meth:`write`, on the connection of :meth:`stage`."""
        connection.commit()
        connection.execution_options(is_writer=True)
        with Session(connection, expire_on_commit=False) as session, session.begin():
            yield session

    def migrate(self, revision: str = "head") -> None:
        """Bring the schema to ``revision``."""
        with self.engine.execution_options(is_writer=True).connect() as connection:
            config = alembic_config(connection)
            command.upgrade(config, revision)
            connection.commit()

    def current_revision(self) -> str | None:
        """Return the revision of the schema in the database."""
        with self.engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def alembic_config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for the migrations folder."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def head_revision() -> str | None:
    """Return the newest revision that the code knows."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def _create_engine(url: str, *, is_sqlite: bool) -> Engine:
    # Parameters are names and ID numbers: an error that is logged must not show them.
    if not is_sqlite:
        return create_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=POOL_SIZE,
            pool_pre_ping=True,
            pool_timeout=4,
            hide_parameters=True,
            connect_args=POSTGRES_CONNECTION,
        )
    engine = create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        hide_parameters=True,
        connect_args={"timeout": 4},
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(dbapi_connection: Any, _record: Any) -> None:
    # Transactions are begun by _begin_sqlite, not by the driver.
    dbapi_connection.isolation_level = None
    cursor = dbapi_connection.cursor()
    for pragma in (
        f"busy_timeout={SQLITE_BUSY_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        # What retention deletes is overwritten, not left in free pages.
        "secure_delete=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
