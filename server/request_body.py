"""The body of a request as it comes over the wire: what breaks on the way is the client's fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment


class WireBody:
    """Reads a body; a broken chunk, a stall or a lost connection ends the request with 400."""

    def __init__(self, stream: InputStream) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes; raises ClientDisconnected."""
        return _guard(lambda: self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        """Return one line; raises ClientDisconnected."""
        return _guard(lambda: self._stream.readline(size))


def _guard(read: Callable[[], bytes]) -> bytes:
    try:
        return read()
    except (ParseException, OSError) as error:
        raise ClientDisconnected from error


class BodyKeeper:
    """Stands before the application and hands it bodies that fail by rule."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the request on."""
        environ["wsgi.input"] = WireBody(environ["wsgi.input"])
        return self._app(environ, start_response)
