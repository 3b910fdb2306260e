"""``/healthz``, ``/readyz``, ``/version``, ``/metrics``, ``/openapi.json`` and ``/docs``."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import Heartbeat
from server.context import Context
from server.gateways.photo_store import PhotoStoreUnavailable
from server.gateways.queue import QueueUnavailable
from server.observability.metrics import read_build, render_metrics
from server.observability.reference import list_errors, list_operations, make_anchor
from server.surfaces import get_ctx

WORKER_SILENT_AFTER = dt.timedelta(seconds=60)
WORKER_HEARTBEAT = "worker"
PROBE_EVERY_S = 1.0

_making_spec = threading.Lock()
_looking = threading.Lock()


def create_blueprint() -> Blueprint:
    """Return the blueprint of the operators' addresses."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify({"code": 0, "data": {"status": "alive"}})

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        reasons = _read_reasons(get_ctx())
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
        return jsonify(_read_spec())

    @blueprint.get("/docs")
    def docs() -> str:
        spec = _read_spec()
        return render_template(
            "docs.html",
            spec=spec,
            operations=list_operations(spec),
            errors=list_errors(),
            anchor=make_anchor,
        )

    @blueprint.app_template_filter("pretty_json")
    def show_json(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2)

    return blueprint


def _read_spec() -> dict[str, Any]:
    """Return the OpenAPI document, made once: making it takes a second of processor time."""
    with _making_spec:
        kept: dict[str, Any] = current_app.extensions
        if "caiji_spec" not in kept:
            kept["caiji_spec"] = current_app.spec  # type: ignore[attr-defined]
        spec: dict[str, Any] = kept["caiji_spec"]
    return spec


@dataclass
class _Probe:
    """What the last look found, and when: probes of load balancers cost one look a second."""

    at: float = -PROBE_EVERY_S
    reasons: list[str] = field(default_factory=list)


def _read_reasons(ctx: Context) -> list[str]:
    """Return what keeps the service from working, as of this second."""
    with _looking:
        probe: _Probe = current_app.extensions.setdefault("caiji_probe", _Probe())
        if time.monotonic() - probe.at >= PROBE_EVERY_S:
            probe.reasons = find_reasons(ctx)
            probe.at = time.monotonic()
        return probe.reasons


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
