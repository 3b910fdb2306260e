"""Sessions in signed cookies, for pages alone."""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from server.surfaces import Surface, surface_of


class PageSessions(SecureCookieSessionInterface):
    """API and callbacks know tokens and signatures: no cookie is read there, and none is set."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a page; elsewhere one that takes nothing in."""
        if surface_of(request.path) is not Surface.PAGE:
            return self.make_null_session(app)
        return super().open_session(app, request)
