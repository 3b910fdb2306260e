"""A zip that is written while the request waits, kept in memory while it is small, and sent."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import IO

from flask import Response

IN_MEMORY_BYTES = 4 * 1024 * 1024
CHUNK_BYTES = 64 * 1024


def send_zip(write: Callable[[IO[bytes]], object], name: str) -> Response:
    """Return the answer with what ``write`` puts into the file, which ends with the answer."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115 - see _read_out
    try:
        write(file)
        size_bytes = file.seek(0, 2)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    answer = Response(_read_out(file), mimetype="application/zip")
    answer.call_on_close(file.close)
    answer.content_length = size_bytes
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def _read_out(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
