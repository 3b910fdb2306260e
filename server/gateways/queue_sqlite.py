"""huey's SQLite storage, made to survive the loss of its file.

The queue may be lost at any moment: every message can be made again from the rows. A deleted file
would otherwise live on as an open file without a name, another one in each process, and web and
worker would no longer hear each other.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Any

from huey import SqliteHuey
from huey.storage import SqliteStorage


class LastingSqliteStorage(SqliteStorage):  # type: ignore[misc]
    """Opens the file anew when it was deleted, replaced or damaged."""

    _conn: Any
    _identity: tuple[int, int] | None = None

    @property
    def conn(self) -> Any:
        """The connection to the file that has the queue's name now."""
        if self._conn is not None and self._identify() != self._identity:
            self._conn.close()
            self._conn = None
        if self._conn is None:
            self._conn = self._open()
            self._identity = self._identify()
        return self._conn

    def _open(self) -> Any:
        # Several processes may find the file missing at once: one after the other.
        with Path(f"{self.filename}.lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not Path(self.filename).exists():
                self._remove_files()
            try:
                return self._create_usable_connection()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                self._remove_files()
                return self._create_usable_connection()

    def _create_usable_connection(self) -> Any:
        connection = self._create_connection()
        try:
            for statement in self.ddl:
                connection.execute(statement)
            connection.execute("select count(*) from task").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _remove_files(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.filename}{suffix}").unlink(missing_ok=True)

    def _identify(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self.filename)  # noqa: PTH116 - asked before every message
        except OSError:
            return None
        return status.st_dev, status.st_ino


class LastingSqliteHuey(SqliteHuey):  # type: ignore[misc]
    """huey on that storage."""

    storage_class = LastingSqliteStorage
