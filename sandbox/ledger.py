"""The ledger on disk: what the simulated WeChat knows. It survives restarts and kills.

One SQLite file; every record is a row of its kind with a key and a JSON body. ``change`` runs a
function on one record inside a transaction, so that two requests never overwrite each other;
``transaction`` makes several changes one: after a kill all of them are there, or none.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS record (
    kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, place INTEGER,
    PRIMARY KEY (kind, key)
);
CREATE INDEX IF NOT EXISTS record_place ON record (kind, place);
"""


class Ledger:
    """Records by kind and key. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            folder / "ledger.db", check_same_thread=False, isolation_level=None
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        # A killed process loses nothing; only a power cut may take the last commits.
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)

    def get(self, kind: str, key: str) -> Record | None:
        """Return one record, or None."""
        with self._lock:
            row = self._db.execute(
                "SELECT body FROM record WHERE kind=? AND key=?", (kind, key)
            ).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, kind: str, key: str, body: Record) -> None:
        """Store one record; a new one comes last in ``list``."""
        with self._lock:
            self._db.execute(
                "INSERT INTO record (kind, key, body, place) VALUES (?, ?, ?, "
                "(SELECT COALESCE(MAX(place), 0) + 1 FROM record WHERE kind=?)) "
                "ON CONFLICT (kind, key) DO UPDATE SET body=excluded.body",
                (kind, key, json.dumps(body, ensure_ascii=False), kind),
            )

    def remove(self, kind: str, key: str) -> None:
        """Forget one record, if it is there."""
        with self._lock:
            self._db.execute("DELETE FROM record WHERE kind=? AND key=?", (kind, key))

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything that happens inside at its end, or nothing after an error."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def change(self, kind: str, key: str, edit: Callable[[Record | None], Record | None]) -> Record:
        """Replace one record by ``edit(record)``; raises KeyError when that gives None.

        ``edit`` may change other records: all of it is one transaction.
        """
        with self.transaction():
            edited = edit(self.get(kind, key))
            if edited is None:
                raise KeyError(key)
            self.put(kind, key, edited)
            return edited

    def list(self, kind: str) -> list[Record]:
        """Return all records of a kind in the order in which they came."""
        with self._lock:
            rows = self._db.execute(
                "SELECT body FROM record WHERE kind=? ORDER BY place", (kind,)
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def find(self, kind: str, **wanted: Any) -> Sequence[Record]:
        """Return the records whose fields have these values, in the order in which they came."""
        conditions = "".join(f" AND json_extract(body, '$.{name}') IS ?" for name in wanted)
        with self._lock:
            rows = self._db.execute(
                f"SELECT body FROM record WHERE kind=?{conditions} ORDER BY place",  # noqa: S608 - names of our own fields
                (kind, *wanted.values()),
            ).fetchall()
        return [json.loads(row[0]) for row in rows]

    def count_up(self, name: str) -> int:
        """Return the next number of a counter."""
        record = self.change("counter", name, lambda old: {"n": (old or {"n": 0})["n"] + 1})
        return int(record["n"])

    def now(self) -> float:
        """Return the virtual time: seconds since 1970, the machine's clock plus the offset."""
        offset = self.get("clock", "offset")
        return time.time() + (offset["s"] if offset else 0.0)

    def advance(self, seconds: float) -> float:
        """Move the virtual clock forward and return the new time."""
        self.change("clock", "offset", lambda old: {"s": (old or {"s": 0.0})["s"] + seconds})
        return self.now()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
