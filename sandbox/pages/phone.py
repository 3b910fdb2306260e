"""``/phone``: a simulated WeChat that runs the mini-program's own files, unbuilt."""

from __future__ import annotations

from pathlib import Path

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    render_template,
    send_file,
    send_from_directory,
)

from sandbox import libraries, package

HOST = Path(__file__).parent.parent / "phone" / "host"
LIBRARY_AGE_S = 3600
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; "
    "script-src 'self' blob: 'wasm-unsafe-eval'; "
    "style-src 'self'; "
    "img-src 'self' blob: data:; "
    "media-src 'self' blob:; "
    "connect-src 'self'; "
    "form-action 'none'; "
    "base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The mini-program is compiled in the page: blob: carries its scripts, wasm its compiler."""


def register(bp: Blueprint) -> None:
    """Add the phone page, its host, its libraries and the mini-program's files."""

    @bp.get("/phone")
    def show_phone() -> Response:
        answer = Response(render_template("phone.html", is_ready=libraries.is_there(_libraries())))
        answer.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return answer

    @bp.get("/phone/host/<path:name>")
    def show_host(name: str) -> Response:
        return send_from_directory(HOST, name)

    @bp.get("/phone/libraries/<path:name>")
    def show_library(name: str) -> Response:
        path = libraries.find_file(name, _libraries())
        return send_file(path, max_age=LIBRARY_AGE_S) if path else abort(404)

    @bp.get("/phone/package")
    def show_package() -> Response:
        return jsonify(package.read_package(_root()))

    @bp.get("/phone/miniprogram/<path:name>")
    def show_picture(name: str) -> Response:
        path = package.find_picture(_root(), name)
        return send_file(path) if path else abort(404)


def _root() -> Path:
    return Path(current_app.config["MINIPROGRAM"])


def _libraries() -> Path:
    return Path(current_app.config["LIBRARIES"])
