"""The faces of the server, and how each of them shows an error."""

from __future__ import annotations

import enum
from typing import Any

from flask import Response, current_app, g, jsonify, make_response, render_template, request

from server.context import Context


def get_ctx() -> Context:
    """Return the wired context of this process."""
    ctx: Context = current_app.extensions["caiji"]
    return ctx


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
    *,
    code: str,
    status: int,
    message: str,
    retry_after_s: int | None = None,
    data: dict[str, Any] | None = None,
) -> Response:
    """Return the error in the form of the present surface; ``data`` is for the API's clients."""
    surface = surface_of(request.path)
    if surface is Surface.API:
        body = {"code": code, "message": message, "request_id": g.get("request_id", "")}
        response = jsonify(body | ({"data": data} if data else {}))
    elif surface is Surface.CALLBACK:
        response = jsonify({"code": "FAIL", "message": code})
    else:
        page = render_template("error.html", status=status, message=message)
        response = make_response(page)
    response.status_code = status
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response
