"""Structured logs: one JSON object a line, with a request id and without personal data.

Log calls name ids, codes and counts, never names, ID numbers, openids, tokens or addresses with a
query. As a second line of defence ``_mask_personal_data`` removes what looks like an ID number, a
token or a secret from any text that slips in.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, request

from models import new_id

_PATTERNS = (
    (re.compile(r"(?<!\d)\d{17}[\dXx](?![\dA-Za-z])"), "[id-number]"),
    # PostgreSQL explains a refused row by showing it.
    (re.compile(r"(?m)^(\s*DETAIL:).*"), r"\1 [row]"),
    (re.compile(r"(?i)\bbearer\s+[\w.~+/-]+=*"), "Bearer [token]"),
    (re.compile(r"(?i)\b(secret|js_code|access_token|session_key|openid)=[^&\s'\"]+"), r"\1=[…]"),
)
NOISY_LOGGERS = (
    "alembic",
    "huey",
    "flask-limiter",
    "wechatpy",
    "httpx",
    "httpcore",
    "botocore",
    "boto3",
    "urllib3",
    "s3transfer",
)


def _mask_text(text: str) -> str:
    """Return ``text`` without what looks like personal data or a secret."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _mask_personal_data(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Mask every string of a log event (a structlog processor)."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _mask_text(value)
    return event


def configure_logs(level: str) -> None:
    """Send all logs of this process, ours and the libraries', to standard error as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _mask_personal_data,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in NOISY_LOGGERS:
        # wechatpy prints the API key at DEBUG, HTTP libraries print addresses with secrets.
        logging.getLogger(name).setLevel(logging.WARNING)


def install_request_log(app: Flask) -> None:
    """Log one line a request: route, status and time; never the path's values or the query."""
    log = structlog.get_logger("request")

    @app.before_request
    def begin() -> None:
        g.request_id = new_id().hex
        g.started = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        elapsed_ms = (time.perf_counter() - g.get("started", time.perf_counter())) * 1000
        log.info(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            elapsed_ms=round(elapsed_ms, 1),
        )
        return response
