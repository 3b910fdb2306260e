"""`flask doctor`: does the configuration work, and does the outside world answer?

Each check is one line and touches no money.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from server.context import Context
from server.gateways.pay import TradeState
from server.gateways.pay_settings import NOTIFY_PATH, check_pay_settings, notify_url
from server.gateways.pay_v3 import PayV3Gateway
from server.gateways.transport import GatewayError, Transport, is_allowed_url
from server.settings import SettingsInvalid

MAX_SKEW_S = 60  # WeChat refuses from 300 s on; this leaves time to repair the clock
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
        except (CheckFailed, SettingsInvalid, GatewayError) as error:
            yield Finding(name, False, str(error) or type(error).__name__)


def check_keys(ctx: Context) -> str:
    """Parse every key and compare serials with certificates."""
    check_pay_settings(ctx.settings)
    return f"{ctx.settings.pay_version}, merchant {ctx.settings.pay_mch_id}"


def check_certificates(ctx: Context) -> str:
    """Look at the dates of the platform certificates, and whether WeChat uses newer ones."""
    certificates = dict(load_certificates(ctx))
    if not certificates:
        return "none configured (public key mode)"
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


def load_certificates(ctx: Context) -> Iterator[tuple[str, x509.Certificate]]:
    """Yield serial and certificate of the verification keys that are certificates."""
    if ctx.settings.pay_version != "v3":
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
    answer = Transport(ctx.settings.pay_api_url).send("GET", "/")
    if "date" not in answer.headers:
        raise CheckFailed("the gateway tells no time")
    skew_s = (ctx.now() - parsedate_to_datetime(answer.headers["date"])).total_seconds()
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
