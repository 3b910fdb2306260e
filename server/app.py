"""The application factory: wires the context, the surfaces and what surrounds every request."""

from __future__ import annotations

import datetime as dt
from typing import Any

import structlog
from apiflask import APIFlask
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from flask_bootstrap import Bootstrap5
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.exc import DataError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from server.api.queue_door import QueueDoor
from server.console.large_bodies import allow_large_body
from server.context import Context
from server.errors import CaijiError, NotFound, ServiceBusy
from server.lanes import LaneKeeper
from server.observability.logs import configure_logs, install_request_log
from server.observability.metrics import install_request_metrics
from server.request_body import BodyKeeper, FormRequest
from server.security.attempts import AttemptCounter, TooManyRequests, count_minutes
from server.security.headers import install_headers
from server.security.page_sessions import PageSessions
from server.security.throttle import create_limiter, install_throttles
from server.services.staff.note_reads import ReadNotes
from server.settings import Settings, load_settings
from server.sizes import MAX_BODY_BYTES
from server.surfaces import Surface, render_error, surface_of
from server.wiring import build_context, verify_context

log = structlog.get_logger()


def create_app(settings: Settings | None = None, ctx: Context | None = None) -> Flask:
    """Return the ready application.

    Raises:
        SettingsInvalid: one line that names the wrong setting.
    """
    settings = settings or (ctx.settings if ctx else load_settings())
    configure_logs(settings.log_level)
    if ctx is None:
        ctx = build_context(settings)
        verify_context(ctx)
    app = APIFlask(
        "server", title="Caiji 采集", version="1", docs_path=None, spec_path=None, json_errors=False
    )
    app.json = ShallowJson(app)
    app.session_interface = PageSessions()
    app.request_class = FormRequest
    _configure(app, settings)
    attach_context(app, ctx)
    install_request_log(app)
    install_request_metrics(app)
    install_headers(app)
    limiter = app.extensions["caiji_limiter"] = create_limiter(app, settings)
    app.extensions["caiji_attempts"] = AttemptCounter(limiter.storage)
    # Before the form is read for its token: only who is signed in may send a folder of photos.
    app.before_request(allow_large_body)
    csrf = CSRFProtect(app)
    _install_error_handlers(app)
    _register_surfaces(app, csrf)
    install_throttles(app)
    app.wsgi_app = LaneKeeper(BodyKeeper(app.wsgi_app))  # type: ignore[method-assign]
    return app


def attach_context(app: Flask, ctx: Context) -> None:
    """Let the application serve on this context."""
    app.extensions["caiji"] = ctx
    app.extensions["caiji_reads"] = ReadNotes(ctx)
    app.extensions["caiji_queue_door"] = QueueDoor()


class ShallowJson(DefaultJSONProvider):
    """JSON as Flask reads and writes it; what is nested beyond all measure is no JSON."""

    ensure_ascii = False
    sort_keys = False

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        """Return what the text says; raises ValueError."""
        try:
            return super().loads(s, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error


def _configure(app: APIFlask, settings: Settings) -> None:
    is_https = settings.public_url.startswith("https:")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        SESSION_COOKIE_NAME="caiji",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_https,
        PERMANENT_SESSION_LIFETIME=dt.timedelta(hours=12),
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        BOOTSTRAP_SERVE_LOCAL=True,
    )
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count)  # type: ignore[method-assign]


def _register_surfaces(app: APIFlask, csrf: CSRFProtect) -> None:
    from server import api, console, pay, public
    from server.observability import health

    for blueprint in (api.create_blueprint(app), pay.create_blueprint(), health.create_blueprint()):
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    Bootstrap5(app)
    for pages in (console.blueprint, public.blueprint):
        # APIFlask asks this of every blueprint that guards its requests.
        pages.enable_openapi = False  # type: ignore[attr-defined]
        app.register_blueprint(pages)


def _install_error_handlers(app: Flask) -> None:
    app.register_error_handler(CaijiError, _answer_error)
    app.register_error_handler(DataError, _answer_unstorable)
    app.register_error_handler(OperationalError, _answer_database_error)
    app.register_error_handler(PoolTimeout, _answer_database_error)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_surprise)


def _answer_error(error: CaijiError) -> Response:
    return render_error(
        code=error.code,
        status=error.status,
        message=error.shown_message,
        retry_after_s=error.retry_after_s,
        data=error.data,
    )


def _answer_unstorable(error: DataError) -> Response:
    """Answer text or numbers that PostgreSQL cannot hold, U+0000 above all; SQLite can."""
    log.warning("unstorable_input", kind=type(error.orig).__name__)
    message = "提交的内容含有无法保存的字符或数字，请检查后重试"
    return render_error(code="unstorable_input", status=400, message=message)


def _answer_database_error(error: Exception) -> Response:
    # The statement and its parameters are personal data: only the kind is logged.
    log.error("database_unavailable", kind=type(error).__name__)
    return _answer_error(ServiceBusy())


HTTP_MESSAGES = {
    400: ("bad_request", "请求格式不正确"),
    401: ("unauthorised", "请先登录"),
    403: ("forbidden", "没有权限"),
    404: ("not_found", NotFound.message),
    405: ("method_not_allowed", "不支持这种请求方式"),
    413: ("too_large", "上传的内容太大"),
    415: ("unsupported_type", "不支持这种内容类型"),
    429: ("too_many_requests", TooManyRequests.message),
}


def _answer_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - redirects are exceptions in werkzeug, too
        return error.get_response()  # type: ignore[return-value]
    code, message = HTTP_MESSAGES.get(status, (f"http_{status}", "请求无法完成"))
    retry_after_s = _retry_after_s(error) if status == TooManyRequests.status else None
    if retry_after_s is not None:
        message = f"操作太频繁，请 {count_minutes(retry_after_s)} 分钟后再试"
    response = render_error(code=code, status=status, message=message, retry_after_s=retry_after_s)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        response.headers["Allow"] = ", ".join(sorted(allowed))
    return response


def _retry_after_s(error: HTTPException) -> int:
    limit = getattr(error, "limit", None)
    return int(limit.limit.get_expiry()) if limit is not None else 60


def _answer_surprise(error: Exception) -> Response:
    log.error("unexpected_error", surface=surface_of(request.path).value, exc_info=error)
    if surface_of(request.path) is Surface.CALLBACK:
        return render_error(code="FAIL", status=500, message="not stored")
    return render_error(code="internal_error", status=500, message="服务器出现问题，请稍后再试")
