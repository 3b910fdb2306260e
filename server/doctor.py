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
from server.database_roles import list_unprotected
from server.db import head_revision
from server.errors import CaijiError
from server.gateways.pay import TradeState
from server.gateways.pay_settings import NOTIFY_PATH, check_pay_settings, notify_url
from server.gateways.pay_v3 import PayV3Gateway
from server.gateways.queue import QueueUnavailable
from server.gateways.transport import (
    GatewayError,
    Transport,
    is_allowed_url,
    is_loopback,
)
from server.observability.health import WORKER_HEARTBEAT, WORKER_SILENT_AFTER
from server.published_program import (
    ProgramUnreadable,
    find_program,
    list_differences,
    read_program,
)
from server.security.throttle import is_limit_store_reachable
from server.services.consent.publish import list_unfinished_notices
from server.services.upkeep.heartbeats import beat_heart
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
        ("database", _check_database),
        ("database role", _check_database_role),
        ("photo store", _check_store),
        ("work queue", _check_queue),
        ("face models", _check_face_models),
        ("rate limits", _check_rate_limits),
        ("worker", _check_worker),
        ("payment keys", _check_keys),
        ("certificate dates", _check_certificates),
        ("notify address", _check_notify_address),
        ("clock", _check_clock),
        ("payment gateway", _check_gateway),
        ("access token", check_token),
        ("mini-program", check_program),
        ("consent notices", _check_notices),
    ]
    for name, check in checks:
        try:
            yield Finding(name, True, check(ctx))
        except (CheckFailed, SettingsInvalid, GatewayError, CaijiError, QueueUnavailable) as error:
            yield Finding(name, False, str(error) or type(error).__name__)


def _check_database(ctx: Context) -> str:
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


def _check_database_role(ctx: Context) -> str:
    """Ask whether the service could take the triggers off what is append-only."""
    if ctx.db.is_sqlite:
        return "SQLite has none: whoever writes the file owns it"
    try:
        with ctx.db.engine.connect() as connection:
            unprotected = list_unprotected(connection)
    except SQLAlchemyError as error:
        raise CheckFailed(f"cannot be asked ({type(error).__name__})") from None
    if unprotected:
        raise CheckFailed(
            f"the service could rewrite {', '.join(unprotected)}: give it a role "
            "that owns nothing (DATABASE_OWNER_URL, docs/operations.md)"
        )
    return "owns nothing, append-only tables are safe from it"


def _check_notices(ctx: Context) -> str:
    """Look for what the present notices do not say yet."""
    with ctx.db.read() as session:
        unfinished = list_unfinished_notices(session)
    if unfinished:
        named = "; ".join(
            f"{name} lacks {', '.join(missing.values())}" for name, missing in unfinished.items()
        )
        raise CheckFailed(f"{named}: complete and publish them in the console (告知书)")
    return "whole"


def _check_store(ctx: Context) -> str:
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


def check_program(ctx: Context) -> str:
    """Compare the mini-program's files with our settings."""
    folder = find_program(ctx.settings)
    if folder is None:
        return "no folder here: compare AppID, address and template ids by hand"
    try:
        program = read_program(folder)
    except ProgramUnreadable as problem:
        raise CheckFailed(str(problem)) from None
    if differences := list_differences(program, ctx.settings):
        raise CheckFailed("; ".join(differences))
    return f"{program.app_id}, {len(program.templates)} templates, {len(program.pages)} pages"


def _check_queue(ctx: Context) -> str:
    """Ask how many messages wait."""
    return f"{ctx.queue.count_waiting()} waiting"


def _check_face_models(_ctx: Context) -> str:
    """Read the weights that the checks of photos need."""
    from imagecheck.faces import load_models

    try:
        return load_models()
    except (RuntimeError, ValueError) as error:
        raise CheckFailed(str(error)) from None


def _check_rate_limits(ctx: Context) -> str:
    """Ask whether the counters can be read."""
    if not is_limit_store_reachable(ctx.settings.rate_limit_url):
        raise CheckFailed("cannot be reached: every process counts for itself")
    return ctx.settings.rate_limit_url.partition(":")[0]


def _check_worker(ctx: Context) -> str:
    """Look at the heartbeat of the workers."""
    with ctx.db.read() as session:
        beat = session.get(Heartbeat, WORKER_HEARTBEAT)
    age_s = (ctx.now() - beat.at).total_seconds() if beat else None
    if age_s is None:
        raise CheckFailed("silent: no worker ever ran")
    if age_s > WORKER_SILENT_AFTER.total_seconds():
        raise CheckFailed(f"silent for {age_s:.0f} s")
    return f"heard {age_s:.0f} s ago"


def _check_keys(ctx: Context) -> str:
    """Parse every key and compare serials with certificates."""
    check_pay_settings(ctx.settings)
    return f"{ctx.settings.pay_version}, merchant {ctx.settings.pay_mch_id}"


def _check_certificates(ctx: Context) -> str:
    """Look at the dates of the platform certificates, and whether WeChat uses newer ones."""
    certificates = dict(_load_certificates(ctx))
    if not certificates:
        return _describe_no_certificate(ctx)
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


def _describe_no_certificate(ctx: Context) -> str:
    """Say why there is none to look at; WeChat's own v2 refunds need one."""
    if ctx.settings.pay_version == "v3":
        return "none configured (public key mode)"
    if is_loopback(ctx.settings.pay_api_url):
        return "none configured"
    raise CheckFailed("PAY_V2_CERT_FILE is empty: WeChat refuses refunds without it")


def _load_certificates(ctx: Context) -> Iterator[tuple[str, x509.Certificate]]:
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


def _check_notify_address(ctx: Context) -> str:
    """Look at the shape of the address; only WeChat can tell whether it is reachable."""
    url = notify_url(ctx.settings)
    if not is_allowed_url(url):
        raise CheckFailed("is neither https nor on this machine")
    expected = NOTIFY_PATH + ctx.settings.pay_version
    if not urlsplit(url).path.endswith(expected):
        raise CheckFailed(f"does not end in {expected}")
    return url


def _check_clock(ctx: Context) -> str:
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


def _check_gateway(ctx: Context) -> str:
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
