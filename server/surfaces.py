"""The faces of the server, and how each of them shows an error."""

from __future__ import annotations

import enum

from flask import Response, g, jsonify, make_response, render_template, request


class Surface(enum.Enum):
    """Who is on the other side."""

    API = "api"
    CALLBACK = "callback"
    PAGE = "page"


def surface_of(path: str) -> Surface:
    """Return the surface that a path belongs to."""
    if path.startswith(("/api/", "/healthz", "/readyz", "/version", "/metrics", "/openapi.json")):
        return Surface.API
    if path.startswith("/pay/"):
        return Surface.CALLBACK
    return Surface.PAGE


def render_error(
    *, code: str, status: int, message: str, retry_after_s: int | None = None
) -> Response:
    """Return the error in the form of the present surface."""
    surface = surface_of(request.path)
    if surface is Surface.API:
        body = {"code": code, "message": message, "request_id": g.get("request_id", "")}
        response = jsonify(body)
    elif surface is Surface.CALLBACK:
        response = jsonify({"code": "FAIL", "message": code})
    else:
        page = render_template("error.html", status=status, message=message)
        response = make_response(page)
    response.status_code = status
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response
