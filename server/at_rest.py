"""What lies on the disk is for this service's user alone, whatever umask it was started with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url

from server.settings import Settings

OWNER_ONLY = 0o077
FOLDER_MODE = 0o700
FILE_MODE = 0o600
SQLITE_COMPANIONS = ("", "-wal", "-shm", "-journal")


def shut_out_others(settings: Settings) -> None:
    """Make new files 0600 and folders 0700, and the ones that hold personal data now as well.

    What belongs to another user is left as it is: it cannot be changed, and may be meant.
    """
    os.umask(OWNER_ONLY)
    for path in _list_places(settings):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)


def _list_places(settings: Settings) -> Iterator[Path]:
    """Yield the folders and database files of an installation; they need not exist."""
    yield settings.data_dir
    if not settings.photo_store.startswith("s3://"):
        yield Path(settings.photo_store)
    for address in (settings.database_url, settings.queue_url):
        url = make_url(address)
        if url.drivername.startswith("sqlite") and url.database:
            yield from (Path(url.database + end) for end in SQLITE_COMPANIONS)
