"""``/healthz``, ``/readyz``, ``/version``, ``/metrics``, ``/openapi.json`` and ``/docs``."""

from __future__ import annotations

import datetime as dt

from flask import Blueprint, Response, current_app, jsonify, render_template
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import Heartbeat
from server.api.access import get_ctx
from server.context import Context
from server.gateways.photo_store import PhotoStoreUnavailable
from server.observability.metrics import read_build, render_metrics
from server.queue import QueueUnavailable

WORKER_SILENT_AFTER = dt.timedelta(seconds=60)
WORKER_HEARTBEAT = "worker"


def create_blueprint() -> Blueprint:
    """Return the blueprint of the operators' addresses."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify({"code": 0, "data": {"status": "alive"}})

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        reasons = find_reasons(get_ctx())
        if reasons:
            body = {"code": "not_ready", "message": "服务未就绪", "reasons": reasons}
            return jsonify(body), 503
        return jsonify({"code": 0, "data": {"status": "ready"}}), 200

    @blueprint.get("/version")
    def version() -> Response:
        return jsonify({"code": 0, "data": read_build()})

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(render_metrics(get_ctx()), mimetype="text/plain; version=0.0.4")

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        return jsonify(current_app.spec)  # type: ignore[attr-defined]

    @blueprint.get("/docs")
    def docs() -> str:
        return render_template("docs.html", spec=current_app.spec)  # type: ignore[attr-defined]

    return blueprint


def find_reasons(ctx: Context) -> list[str]:
    """Return what keeps the service from working, as stable names."""
    reasons = []
    try:
        with ctx.db.read() as session:
            session.execute(text("SELECT 1"))
            beat = session.get(Heartbeat, WORKER_HEARTBEAT)
        if beat is None or ctx.now() - beat.at > WORKER_SILENT_AFTER:
            reasons.append("worker_silent")
    except SQLAlchemyError:
        reasons.append("database_unavailable")
    try:
        ctx.photo_store.verify()
    except PhotoStoreUnavailable:
        reasons.append("photo_store_unavailable")
    try:
        ctx.queue.count_waiting()
    except QueueUnavailable:
        reasons.append("queue_unavailable")
    return reasons
