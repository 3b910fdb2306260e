"""Every metric, declared in one place. Figures of the database are read when they are asked for."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterator

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select

from models import (
    CollectionStatus,
    Enrolment,
    Heartbeat,
    Order,
    OrderState,
    OutboxMessage,
    Photo,
    PhotoState,
    QuarantinedPayment,
    ReconciliationDifference,
    Refund,
    RefundState,
)
from server.context import Context
from server.services.money.books.due_days import count_due_days
from server.services.upkeep.state_limits import LIMITS, count_overdue
from server.surfaces import surface_of

WAITING_FOR_REVIEW = (CollectionStatus.UPLOADED, CollectionStatus.REUPLOADED)
REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "caiji_http_requests", "Requests by route and status", ["route", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "caiji_http_request_seconds", "Time to answer by surface", ["surface"], registry=REGISTRY
)


class DatabaseFigures:
    """Gauges that are counted in the database at the moment of the scrape."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def describe(self) -> list[GaugeMetricFamily]:
        """Return nothing: the names are known at collection."""
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield one gauge after the other."""
        for name, (help_text, value) in self._read().items():
            yield GaugeMetricFamily(name, help_text, value=value)
        yield self._read_heartbeats()
        yield self._read_overdue()
        free = self._ctx.photo_store.free_bytes()
        if free is not None:
            name, text = "caiji_photo_store_free_bytes", "Free space of the photo folder"
            yield GaugeMetricFamily(name, text, value=free)

    def _read(self) -> dict[str, tuple[str, float]]:
        now = self._ctx.now()
        with self._ctx.db.read() as session:
            oldest = session.scalar(
                select(func.min(Photo.submitted_at)).where(Photo.state == PhotoState.RECEIVED)
            )

            def count(column: object, *conditions: object) -> float:
                query = select(func.count(column)).where(*conditions)  # type: ignore[arg-type]
                return float(session.scalar(query) or 0)

            return {
                "caiji_photos_waiting": (
                    "Photos without a verdict",
                    count(Photo.id, Photo.state == PhotoState.RECEIVED),
                ),
                "caiji_oldest_waiting_seconds": (
                    "Age of the oldest photo without a verdict",
                    _age_s(oldest, now),
                ),
                "caiji_photos_to_review": (
                    "Photos that count and wait for a reviewer",
                    count(Enrolment.id, Enrolment.collection_status.in_(WAITING_FOR_REVIEW)),
                ),
                "caiji_refunds_abnormal": (
                    "Refunds that WeChat could not make: finance has to act",
                    count(Refund.id, Refund.state == RefundState.ABNORMAL),
                ),
                "caiji_orders_open": (
                    "Orders that wait for payment",
                    count(Order.id, Order.state == OrderState.OPEN),
                ),
                "caiji_payments_quarantined": (
                    "Payments that finance has to resolve",
                    count(QuarantinedPayment.id, QuarantinedPayment.resolved_at.is_(None)),
                ),
                "caiji_reconciliation_differences": (
                    "Differences to the bill that finance has to resolve",
                    count(
                        ReconciliationDifference.id, ReconciliationDifference.resolved_at.is_(None)
                    ),
                ),
                "caiji_days_not_reconciled": (
                    "Days whose bill is out and was not compared to its end",
                    float(count_due_days(session, now)),
                ),
                "caiji_messages_pending": (
                    "Messages to students that wait",
                    count(OutboxMessage.id, OutboxMessage.state == "pending"),
                ),
            }

    def _read_overdue(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "caiji_states_overdue", "Rows in a state beyond its limit", labels=["state"]
        )
        with self._ctx.db.read() as session:
            for limit in LIMITS:
                overdue = count_overdue(session, limit, self._ctx.now())
                family.add_metric([limit.state], float(overdue))
        return family

    def _read_heartbeats(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "caiji_heartbeat_age_seconds", "Seconds since a background round", labels=["name"]
        )
        now = self._ctx.now()
        with self._ctx.db.read() as session:
            for beat in session.scalars(select(Heartbeat)):
                family.add_metric([beat.name], _age_s(beat.at, now))
        return family


def install_request_metrics(app: Flask) -> None:
    """Count every request by its route, never by its address, and time it by its surface."""

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        REQUESTS.labels(route, str(response.status_code)).inc()
        elapsed_s = time.perf_counter() - g.get("started", time.perf_counter())
        REQUEST_SECONDS.labels(surface_of(request.path).value).observe(elapsed_s)
        return response


def _age_s(moment: dt.datetime | None, now: dt.datetime) -> float:
    return (now - moment).total_seconds() if moment else 0.0


def render_metrics(ctx: Context) -> bytes:
    """Return all metrics in the Prometheus text format."""
    figures = CollectorRegistry()
    figures.register(DatabaseFigures(ctx))
    return generate_latest(_collect_requests()) + generate_latest(figures)


def _collect_requests() -> CollectorRegistry:
    """Return this process's counters, or those of all web processes where they share a folder."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def read_build() -> dict[str, str]:
    """Return name and version of this build."""
    return {"name": "caiji", "version": "0.1.0", "revision": os.environ.get("CAIJI_REVISION", "")}
