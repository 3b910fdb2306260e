"""JSON for the mini-program: thin views, pydantic schemas, OpenAPI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response

from server.surfaces import render_error

if TYPE_CHECKING:
    from apiflask import APIFlask


def create_blueprint(app: APIFlask) -> Blueprint:
    """Return the blueprint of ``/api/v1`` and install the API's own errors."""
    from apiflask import HTTPError

    from server.api import (  # noqa: F401 - they add their views
        chsi,
        enrolments,
        login,
        orders,
        photos,
        refunds,
        rights,
    )
    from server.api.access import bp
    from server.api.document import complete_document

    app.register_error_handler(HTTPError, _answer_validation_error)
    app.config["SECURITY_SCHEMES"] = {"token": {"type": "http", "scheme": "bearer"}}
    app.spec_processor(lambda spec: complete_document(app, spec))
    return bp


def _answer_validation_error(error: object) -> Response:
    """Answer a body that does not fit its schema, naming the fields but never their values."""
    detail = getattr(error, "detail", {}) or {}
    fields = sorted({name for part in detail.values() if isinstance(part, dict) for name in part})
    status = getattr(error, "status_code", 422)
    message = "提交的内容不完整或格式不正确"
    if fields:
        message += ":" + "、".join(fields)
    return render_error(code="invalid_request", status=status, message=message)
