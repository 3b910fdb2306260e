"""The body of a request as it comes over the wire: what breaks on the way is the client's fault."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

from flask import Request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

from server.sizes import MAX_BODY_BYTES

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment


READ_BYTES = 256 * 1024
"""With every piece that is taken, gunicorn copies all that it has read ahead: four times what a
form's parser asks for is taken at once."""


class WireBody(io.RawIOBase):
    """Reads a body; a broken chunk, a stall or a lost connection ends the request with 400."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read as much as there is room for, less only at the end; raises ClientDisconnected."""
        try:
            data = self._stream.read(len(buffer))
        except (ParseException, OSError) as error:
            raise ClientDisconnected from error
        buffer[: len(data)] = data
        return len(data)


class BodyKeeper:
    """Stands before the application and hands it bodies that fail by rule."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the request on."""
        body = WireBody(environ["wsgi.input"])
        environ["wsgi.input"] = io.BufferedReader(body, READ_BYTES)
        return self._app(environ, start_response)


class FormRequest(Request):
    """A request whose photo or roster stays in memory, where it is read whole in any case.

    Werkzeug puts every file above 500 KB on the disk first. How many may be on their way at the
    same time is the lanes' matter; a zip of photos, which only staff may send, goes there still.
    """

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        if total_content_length is not None and total_content_length <= MAX_BODY_BYTES:
            return io.BytesIO()
        return super()._get_file_stream(
            total_content_length, content_type, filename, content_length
        )
