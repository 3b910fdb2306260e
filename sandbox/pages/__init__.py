"""The pages of the sandbox: a phone that runs the mini-program, and the gateway driven by hand.

Every answer carries a strict Content-Security-Policy: scripts and styles from files of this folder
only, nothing inline, nothing from another origin.
"""

from __future__ import annotations

from flask import Blueprint, Response

from sandbox.pages import desk, desk_actions, phone, proxy

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' blob: data:; "
    "media-src 'self' blob:; "
    "connect-src 'self'; "
    "form-action 'self'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'"
)

blueprint = Blueprint("pages", __name__)
desk.register(blueprint)
desk_actions.register(blueprint)
phone.register(blueprint)
proxy.register(blueprint)


@blueprint.after_request
def add_security_headers(response: Response) -> Response:
    """Add what a browser needs to know, where the proxied server did not say it itself."""
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault(
        "Permissions-Policy", "camera=(self), microphone=(), geolocation=()"
    )
    response.headers.setdefault("Cache-Control", "no-cache")
    return response
