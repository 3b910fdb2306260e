"""Every metric, declared in one place. Figures of the database are read when they are asked for."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import func, select

from models import (
    Heartbeat,
    Order,
    OrderState,
    OutboxMessage,
    Photo,
    PhotoState,
    QuarantinedPayment,
    ReconciliationDifference,
)
from server.context import Context

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
                "caiji_messages_pending": (
                    "Messages to students that wait",
                    count(OutboxMessage.id, OutboxMessage.state == "pending"),
                ),
            }

    def _read_heartbeats(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "caiji_heartbeat_age_seconds", "Seconds since a background round", labels=["name"]
        )
        now = self._ctx.now()
        with self._ctx.db.read() as session:
            for beat in session.scalars(select(Heartbeat)):
                family.add_metric([beat.name], _age_s(beat.at, now))
        return family


def _age_s(moment: dt.datetime | None, now: dt.datetime) -> float:
    return (now - moment).total_seconds() if moment else 0.0


def render_metrics(ctx: Context) -> bytes:
    """Return all metrics in the Prometheus text format."""
    figures = CollectorRegistry()
    figures.register(DatabaseFigures(ctx))
    return generate_latest(REGISTRY) + generate_latest(figures)


def read_build() -> dict[str, str]:
    """Return name and version of this build."""
    return {"name": "caiji", "version": "0.1.0", "revision": os.environ.get("CAIJI_REVISION", "")}
