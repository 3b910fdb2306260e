"""出站地址: the only hosts that this service talks to, a list in the settings; no other is called.

Without a list the hosts are those of the configured gateways. With one, a gateway outside of it
ends the start: who moves a gateway, or slips one in, has to name it twice. Calls go through
``gateways.transport`` (one base address each, never another host) and the client of the photo
store; nothing else opens a connection, and a test keeps that.
"""

from __future__ import annotations

import urllib.parse

from server.settings import LOOPBACK_HOSTS, PREFIX, Settings, SettingsInvalid

STORES = ("PHOTO_STORE", "PHOTO_STORE_FORMER")
ADDRESSES = (
    *("WECHAT_API_URL", "PAY_API_URL", "SMS_GATEWAY"),
    *("DATABASE_URL", "DATABASE_OWNER_URL", "QUEUE_URL", "RATE_LIMIT_URL"),
)
AWS = "amazonaws.com"
"""Where a bucket without an endpoint lies."""


def list_outgoing(settings: Settings) -> dict[str, str]:
    """Return the host of every setting that names one on another machine."""
    found = {name: _read_host(getattr(settings, name.lower())) for name in ADDRESSES}
    found |= {name: _read_store_host(getattr(settings, name.lower())) for name in STORES}
    return {name: host for name, host in found.items() if host and host not in LOOPBACK_HOSTS}


def check_outgoing(settings: Settings) -> None:
    """Refuse a configured host that the list does not hold; raises SettingsInvalid."""
    allowed = {one.strip().lower() for one in settings.outgoing_hosts.split(",") if one.strip()}
    if not allowed:
        return
    for name, host in list_outgoing(settings).items():
        if host not in allowed:
            raise SettingsInvalid(f"{PREFIX}OUTGOING_HOSTS: does not hold {host} of {PREFIX}{name}")


def _read_host(url: str) -> str:
    return (urllib.parse.urlsplit(url).hostname or "").lower()


def _read_store_host(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "s3":
        return ""
    query = dict(urllib.parse.parse_qsl(parts.query))
    return _read_host(query["endpoint"]) if "endpoint" in query else AWS
