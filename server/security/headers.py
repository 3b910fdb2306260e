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


def install_headers(app: Flask) -> None:
    """Give each request a CSP nonce (``csp_nonce()`` in templates) and each answer its headers."""

    @app.before_request
    def make_nonce() -> None:
        g.csp_nonce = secrets.token_urlsafe(16)

    @app.context_processor
    def offer_nonce() -> dict[str, object]:
        return {"csp_nonce": lambda: g.get("csp_nonce", "")}

    @app.after_request
    def add_headers(response: Response) -> Response:
        nonce = g.get("csp_nonce", "")
        wanted = SAME_FOR_ALL | {
            "Content-Security-Policy": (
                f"default-src 'none'; script-src 'nonce-{nonce}'; "
                f"style-src 'self' 'nonce-{nonce}'; "
                "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; "
                "base-uri 'none'; frame-ancestors 'none'"
            )
        }
        if response.mimetype in {"text/html", "application/json"}:
            wanted["Cache-Control"] = "no-store"
        # One look at what the view has set: `Headers.setdefault` would look once a header.
        present = {name.lower() for name, _ in response.headers}
        for name, value in wanted.items():
            if name.lower() not in present:
                response.headers.add(name, value)
        return response
