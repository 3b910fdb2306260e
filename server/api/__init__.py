"""JSON for the mini-program: thin views, pydantic schemas, OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from server.surfaces import render_error

if TYPE_CHECKING:
    from apiflask import APIFlask


def create_blueprint(app: APIFlask) -> Blueprint:
    """Return the blueprint of ``/api/v1`` with its throttles, and install the API's own errors."""
    from apiflask import APIBlueprint, HTTPError

    from server.api import access, enrolments, login, orders, photos
    from server.api.document import complete_document

    limiter = app.extensions["caiji_limiter"]
    blueprint = APIBlueprint("api", __name__, url_prefix="/api/v1")
    blueprint.before_request(access.require_token)
    for module in (login, enrolments, photos, orders):
        module.register(blueprint, limiter)
    app.register_error_handler(HTTPError, _answer_validation_error)
    app.config["SECURITY_SCHEMES"] = {"token": {"type": "http", "scheme": "bearer"}}
    app.spec_processor(lambda spec: complete_document(app, spec))
    return blueprint


def _answer_validation_error(error: object) -> Response:
    """Answer a body that does not fit its schema, naming the fields but never their values."""
    detail = getattr(error, "detail", {}) or {}
    fields = sorted({name for part in detail.values() if isinstance(part, dict) for name in part})
    status = getattr(error, "status_code", 422)
    message = "提交的内容不完整或格式不正确"
    if fields:
        message += ":" + "、".join(fields)
    return render_error(code="invalid_request", status=status, message=message)
