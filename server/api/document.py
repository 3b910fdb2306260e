"""The OpenAPI document says what the API does: tokens, the one form of errors, pictures."""

from __future__ import annotations

import re
from typing import Any

from apiflask import APIFlask
from werkzeug.routing import Rule

from server.api.schemas import ChsiCodeIn, ErrorBody

ERROR_REF = {"$ref": "#/components/schemas/ErrorBody"}
ERROR_CONTENT = {"application/json": {"schema": ERROR_REF}}
FIRST_ERROR = 400
FILES = {
    "/image": "image/jpeg",
    "/overlay": "image/svg+xml",
    "/me/copy": "application/zip",
    "/receipt.pdf": "application/pdf",
}
BODIES = {
    ("/api/v1/enrolments/{enrolment_id}/chsi-code", "put"): {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/ChsiCodeIn"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["picture"],
                    "properties": {"picture": {"type": "string", "format": "binary"}},
                }
            },
        },
    }
}
"""Bodies that come in more than one form: the framework knows one a route."""
GENERATED = ("HTTPError", "ValidationError")
"""Forms of errors that the framework names and this API never sends."""


def complete_document(app: APIFlask, spec: Any) -> Any:
    """Return the document with everything that the framework cannot know (a spec processor)."""
    rules = {_to_template(rule): rule for rule in app.url_map.iter_rules()}
    for path, operations in spec["paths"].items():
        rule = rules[path]
        is_anonymous = getattr(app.view_functions[rule.endpoint], "is_anonymous", False)
        for method, operation in operations.items():
            if method == "parameters":
                continue
            if not is_anonymous:
                operation["security"] = [{"token": []}]
            _name_ids(rule, operation)
            if (path, method) in BODIES:
                operation["requestBody"] = BODIES[path, method]
            _describe_answers(path, operation)
    schemas = spec["components"]["schemas"]
    schemas["ErrorBody"] = ErrorBody.model_json_schema()
    schemas["ChsiCodeIn"] = ChsiCodeIn.model_json_schema()
    for name in GENERATED:
        schemas.pop(name, None)
    return spec


def _to_template(rule: Rule) -> str:
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _name_ids(rule: Rule, operation: dict[str, Any]) -> None:
    ids = set(re.findall(r"<uuid:(\w+)>", rule.rule))
    for parameter in operation.get("parameters", []):
        if parameter["name"] in ids:
            parameter["schema"] = {"type": "string", "format": "uuid"}


def _describe_answers(path: str, operation: dict[str, Any]) -> None:
    """Give every error the one form, and what is no JSON its own type."""
    answers = operation["responses"]
    for status, answer in answers.items():
        if status.isdigit() and int(status) >= FIRST_ERROR:
            answer["content"] = ERROR_CONTENT
    if "202" in answers:
        answers["202"]["content"] = answers["200"]["content"]
    for ending, content_type in FILES.items():
        if path.endswith(ending):
            schema = {"type": "string", "format": "binary"}
            answers["200"]["content"] = {content_type: {"schema": schema}}
    answers["default"] = {
        "description": "其他结果；429 与 503 带 Retry-After（秒）",
        "content": ERROR_CONTENT,
    }
