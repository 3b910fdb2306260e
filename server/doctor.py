"""`flask doctor`: does the configuration work, and does the outside world answer?

Each check is one line and touches no money.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from models import Heartbeat
from server.context import Context
from server.db import head_revision
from server.errors import CaijiError
from server.gateways.pay import TradeState
from server.gateways.pay_settings import NOTIFY_PATH, check_pay_settings, notify_url
from server.gateways.pay_v3 import PayV3Gateway
from server.gateways.transport import (
    GatewayError,
    Transport,
    is_allowed_url,
    is_loopback,
)
from server.observability.health import WORKER_HEARTBEAT, WORKER_SILENT_AFTER
from server.queue import QueueUnavailable
from server.security.throttle import is_limit_store_reachable
from server.services.heartbeats import beat_heart
from server.settings import SettingsInvalid

MAX_SKEW_S = 60  # WeChat refuses from 300 s on; this leaves time to repair the clock
SLOW_WRITE_MS = 500
"""A disk that takes longer to make one small write durable cannot carry a rush."""
WARN_BEFORE_EXPIRY = dt.timedelta(days=30)
UNUSED_NUMBER = "CAIJIDOCTOR0000000000"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    name: str
    is_ok: bool
    detail: str


class CheckFailed(Exception):
    """A check found something; the text is for the operator."""


def examine(ctx: Context) -> Iterator[Finding]:
    """Yield one finding for each check, in the order in which to repair them."""
    checks: list[tuple[str, Callable[[Context], str]]] = [
        ("database", check_database),
        ("photo store", check_store),
        ("work queue", check_queue),
        ("rate limits", check_rate_limits),
        ("worker", check_worker),
        ("payment keys", check_keys),
        ("certificate dates", check_certificates),
        ("notify address", check_notify_address),
        ("clock", check_clock),
        ("payment gateway", check_gateway),
        ("access token", check_token),
    ]
    for name, check in checks:
        try:
            yield Finding(name, True, check(ctx))
        except (CheckFailed, SettingsInvalid, GatewayError, CaijiError, QueueUnavailable) as error:
            yield Finding(name, False, str(error) or type(error).__name__)


def check_database(ctx: Context) -> str:
    """Look at the schema, the time to an answer and to a durable write, and the clock."""
    try:
        current = ctx.db.current_revision()
        started = time.perf_counter()
        with ctx.db.read() as session:
            session.execute(text("SELECT 1"))
            their_time = None if ctx.db.is_sqlite else session.scalar(text("SELECT now()"))
        read_ms = (time.perf_counter() - started) * 1000
        started = time.perf_counter()
        beat_heart(ctx, "doctor")
        write_ms = (time.perf_counter() - started) * 1000
    except SQLAlchemyError as error:
        raise CheckFailed(f"does not answer ({type(error).__name__})") from None
    if current != head_revision():
        raise CheckFailed(f"schema at {current}, newest {head_revision()}: run `flask db upgrade`")
    if their_time is not None and abs((ctx.now() - their_time).total_seconds()) > MAX_SKEW_S:
        raise CheckFailed("its clock differs from ours by more than a minute")
    if write_ms > SLOW_WRITE_MS:
        raise CheckFailed(f"a durable write takes {write_ms:.0f} ms: uploads will queue")
    return f"schema {current}, read {read_ms:.1f} ms, durable write {write_ms:.1f} ms"


def check_store(ctx: Context) -> str:
    """Write, read and delete a probe; look at the free space."""
    started = time.perf_counter()
    ctx.photo_store.verify()
    took_ms = (time.perf_counter() - started) * 1000
    free = ctx.photo_store.free_bytes()
    if free is None:
        return f"written, read and deleted in {took_ms:.0f} ms"
    free_mb = free // (1024 * 1024)
    if free_mb < 2 * ctx.settings.min_free_mb:
        raise CheckFailed(f"{free_mb} MB free; uploads stop below {ctx.settings.min_free_mb} MB")
    return f"written, read and deleted in {took_ms:.0f} ms, {free_mb} MB free"


def check_queue(ctx: Context) -> str:
    """Ask how many messages wait."""
    return f"{ctx.queue.count_waiting()} waiting"


def check_rate_limits(ctx: Context) -> str:
    """Ask whether the counters can be read."""
    if not is_limit_store_reachable(ctx.settings.rate_limit_url):
        raise CheckFailed("cannot be reached: every process counts for itself")
    return ctx.settings.rate_limit_url.partition(":")[0]


def check_worker(ctx: Context) -> str:
    """Look at the heartbeat of the workers."""
    with ctx.db.read() as session:
        beat = session.get(Heartbeat, WORKER_HEARTBEAT)
    age_s = (ctx.now() - beat.at).total_seconds() if beat else None
    if age_s is None:
        raise CheckFailed("silent: no worker ever ran")
    if age_s > WORKER_SILENT_AFTER.total_seconds():
        raise CheckFailed(f"silent for {age_s:.0f} s")
    return f"heard {age_s:.0f} s ago"


def check_keys(ctx: Context) -> str:
    """Parse every key and compare serials with certificates."""
    check_pay_settings(ctx.settings)
    return f"{ctx.settings.pay_version}, merchant {ctx.settings.pay_mch_id}"


def check_certificates(ctx: Context) -> str:
    """Look at the dates of the platform certificates, and whether WeChat uses newer ones."""
    certificates = dict(load_certificates(ctx))
    if not certificates:
        return describe_no_certificate(ctx)
    now = ctx.now()
    for serial, certificate in certificates.items():
        left = certificate.not_valid_after_utc - now
        if left < WARN_BEFORE_EXPIRY:
            raise CheckFailed(f"{serial} ends in {left.days} days: add the next one beside it")
    if isinstance(ctx.pay, PayV3Gateway):
        used = {serial.upper() for serial, _ in ctx.pay.fetch_certificate_serials()}
        unknown = used - {serial.upper() for serial in certificates}
        if unknown:
            raise CheckFailed(f"WeChat also signs with {', '.join(sorted(unknown))}")
    first = min(each.not_valid_after_utc for each in certificates.values())
    return f"{len(certificates)}, the first one ends {first:%Y-%m-%d}"


def describe_no_certificate(ctx: Context) -> str:
    """Say why there is none to look at; WeChat's own v2 refunds need one."""
    if ctx.settings.pay_version == "v3":
        return "none configured (public key mode)"
    if is_loopback(ctx.settings.pay_api_url):
        return "none configured"
    raise CheckFailed("PAY_V2_CERT_FILE is empty: WeChat refuses refunds without it")


def load_certificates(ctx: Context) -> Iterator[tuple[str, x509.Certificate]]:
    """Yield the certificates by serial: the verification keys of v3, the merchant's own of v2."""
    if ctx.settings.pay_version == "v2":
        if ctx.settings.pay_v2_cert_file:
            pem = Path(ctx.settings.pay_v2_cert_file).read_bytes()
            yield "the merchant's", x509.load_pem_x509_certificate(pem)
        return
    for part in filter(None, ctx.settings.pay_verify_keys.split(",")):
        serial, _, path = part.strip().partition("=")
        pem = Path(path).read_bytes()
        if b"BEGIN CERTIFICATE" in pem:
            yield serial, x509.load_pem_x509_certificate(pem)


def check_notify_address(ctx: Context) -> str:
    """Look at the shape of the address; only WeChat can tell whether it is reachable."""
    url = notify_url(ctx.settings)
    if not is_allowed_url(url):
        raise CheckFailed("is neither https nor on this machine")
    expected = NOTIFY_PATH + ctx.settings.pay_version
    if not urlsplit(url).path.endswith(expected):
        raise CheckFailed(f"does not end in {expected}")
    return url


def check_clock(ctx: Context) -> str:
    """Compare our clock with the gateway's Date header."""
    transport = Transport(ctx.settings.pay_api_url)
    try:
        answer = transport.send("GET", "/")
    finally:
        transport.close()
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        skew_s = (ctx.now() - theirs).total_seconds()
    except (TypeError, ValueError):
        raise CheckFailed("the gateway tells no time") from None
    if abs(skew_s) > MAX_SKEW_S:
        raise CheckFailed(f"differs by {skew_s:.0f} s from WeChat's")
    return f"differs by {skew_s:.0f} s"


def check_gateway(ctx: Context) -> str:
    """Let WeChat verify a signature of ours, and verify one of its."""
    if isinstance(ctx.pay, PayV3Gateway):
        ctx.pay.echo()
        return "echo signed and verified"
    report = ctx.pay.query(UNUSED_NUMBER)
    if report.state is not TradeState.NOT_FOUND:
        raise CheckFailed(f"an unused number is {report.state}")
    return "query signed and verified"


def check_token(ctx: Context) -> str:
    """Get an access token with the AppSecret."""
    ctx.messages.check_token()
    return "received"
