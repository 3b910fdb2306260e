"""Response headers that every answer carries."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g

SAME_FOR_ALL = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def _make_policy(scripts: str, styles: str) -> str:
    return (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


POLICY_OF_DATA = _make_policy("'none'", "'self'")
"""Of whatever is no page: no script runs in it."""


def _use_nonce() -> str:
    """Return the nonce of this answer."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    nonce: str = g.csp_nonce
    return nonce


def _read_policy(mimetype: str | None) -> str:
    if mimetype != "text/html":
        return POLICY_OF_DATA
    nonce = f"'nonce-{_use_nonce()}'"
    return _make_policy(nonce, f"'self' {nonce}")


def install_headers(app: Flask) -> None:
    """Offer templates ``csp_nonce()``, and give each answer its headers."""

    @app.context_processor
    def offer_nonce() -> dict[str, object]:
        return {"csp_nonce": _use_nonce}

    @app.after_request
    def add_headers(response: Response) -> Response:
        mimetype = response.mimetype
        wanted = SAME_FOR_ALL | {"Content-Security-Policy": _read_policy(mimetype)}
        if mimetype in {"text/html", "application/json"}:
            wanted["Cache-Control"] = "no-store"
        # One look at what the view has set: `Headers.setdefault` would look once a header.
        present = {name.lower() for name, _ in response.headers}
        for name, value in wanted.items():
            if name.lower() not in present:
                response.headers.add(name, value)
        return response
