"""Settings: read from the environment (prefix ``CAIJI_``) and checked before anything starts.

In demo mode (``CAIJI_DEMO=1``) everything has a default; the keys come from ``demo.env`` in the
data folder, which ``flask demo prepare`` writes. Outside demo mode a missing key ends the start
with one line that names the setting.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import functools
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from server.security.passwords import DEFAULT_MEMORY_KIB, LEAST_MEMORY_KIB

PREFIX = "CAIJI_"
SECRETS_DIR = Path(os.environ.get(f"{PREFIX}SECRETS_DIR", "/run/secrets"))
"""A file ``caiji_field_keys`` there is the setting CAIJI_FIELD_KEYS; the environment goes first."""
KEY_BYTES = 32
MIN_SECRET_LENGTH = 32
GATEWAYS = ("WECHAT_API_URL", "PAY_API_URL")
OWN_ADDRESSES = ("PUBLIC_URL", "PAY_NOTIFY_URL")
SCHEMES = {
    "DATABASE_URL": ("sqlite:///", "postgresql+psycopg://"),
    "QUEUE_URL": ("sqlite:///", "redis://", "rediss://", "unix://", "postgresql://"),
    "RATE_LIMIT_URL": ("memory://", "redis://", "rediss://", "redis+unix://"),
}
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})


class SettingsInvalid(Exception):
    """A setting is missing or wrong. The text is one line that names it."""


class Settings(BaseSettings):
    """Every setting of the service; ``docs/settings.md`` is made from this class."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        secrets_dir=SECRETS_DIR if SECRETS_DIR.is_dir() else None,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    demo: bool = False
    """Demo mode: the demo college, and keys from ``demo.env`` in the data folder."""
    data_dir: Path = Path("var")
    """Folder of the embedded database, queue and photo store; ``var/demo`` in demo mode."""
    database_url: str = ""
    """``sqlite:////abs/path`` or ``postgresql+psycopg://…``; empty: SQLite in the data folder."""
    database_owner_url: str = ""
    """PostgreSQL: as who owns the tables, for ``flask db upgrade`` and ``flask restore`` alone;
    empty: the service owns them. Web and worker need not know it."""
    queue_url: str = ""
    """``sqlite:////…``, ``redis://…`` or ``postgresql://…``; empty: SQLite in the data folder."""
    photo_store: str = ""
    """A folder or ``s3://bucket/prefix?endpoint=…``; empty: ``photos`` in the data folder."""
    photo_store_former: str = ""
    """The store that photos are being moved away from: only read, see ``flask migrate-store``."""
    rate_limit_url: str = "memory://"
    """Where throttles count: ``memory://`` for one web process, ``redis://…`` for several."""
    secret_key: str = ""
    """Signs short-lived cookies; at least 32 characters."""
    field_keys: str = ""
    """``id=base64 of 32 bytes``, comma-separated: the first encrypts, all of them decrypt."""
    face_keys: str = ""
    """As ``FIELD_KEYS``, for what is measured of faces and nothing else; empty: never measured."""
    index_key: str = ""
    """Base64 of 32 bytes: finds encrypted ID numbers and openids again."""
    public_url: str = ""
    """Address of the web pages as people see it, https."""
    password_memory_kib: int = Field(default=DEFAULT_MEMORY_KIB, ge=8)
    """Memory that hashing a staff password takes, in KiB; outside demo mode at least 19456."""
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    """How many reverse proxies set X-Forwarded-For in front of the web process."""

    outgoing_hosts: str = ""
    """Hosts that this service may call, comma-separated: gateways, database, queue, photo store.
    One outside of the list ends the start; empty: those that are configured."""
    icp_filing: str = ""
    """ICP 备案号, shown at the foot of public pages: ``京ICP备…号``."""
    police_filing: str = ""
    """公安联网备案号, shown beside it."""

    wechat_app_id: str = ""
    """AppID of the mini-program."""
    wechat_app_secret: str = ""
    """AppSecret of the mini-program."""
    wechat_api_url: str = ""
    """Base address of WeChat's server API; empty: the real one, the sandbox in demo mode."""
    wechat_templates: str = ""
    """``photo_rejected=ID,photo_collected=ID,deadline_near=ID,refund=ID,data_request=ID``."""
    miniprogram: str = ""
    """Folder of the mini-program that ``flask doctor`` compares; empty: the one beside the code."""
    wechat_report_shipping: bool = False
    """Report paid orders as shipped, where WeChat's order management asks for it."""

    sms_gateway: str = ""
    """Reminders by SMS: empty is off; ``https://…`` a bridge that takes phone, text and reference
    as JSON; ``file:///…`` a file, for tests."""
    sms_token: str = ""
    """Bearer token of the SMS bridge."""
    sms_quiet_hours: str = "21:00-08:00"
    """No SMS leaves in these hours (Asia/Shanghai); those written then wait for their end."""

    pay_version: Literal["v3", "v2"] = "v3"
    """The version of WeChat Pay that is used; callbacks of the other one are refused."""
    pay_api_url: str = ""
    """Base address of WeChat Pay; empty: the real one, the sandbox in demo mode."""
    pay_mch_id: str = ""
    """Merchant number."""
    pay_notify_url: str = ""
    """Where WeChat sends payment notices: https, ending in ``/pay/notify/v3`` or ``/v2``."""
    pay_number_prefix: str = Field(default="CJ", pattern=r"^[A-Z]{2,4}$")
    """Beginning of our order numbers; two installations on one merchant account need two."""
    pay_v3_key: str = ""
    """APIv3 key, 32 bytes."""
    pay_merchant_serial: str = ""
    """Serial number of the merchant certificate."""
    pay_merchant_key_file: str = ""
    """Private key of the merchant certificate, PEM."""
    pay_verify_keys: str = ""
    """``serial=path.pem``, comma-separated: WeChat's public keys or platform certificates."""
    pay_v2_key: str = ""
    """API key of pay v2, 32 characters."""
    pay_v2_sign_type: Literal["MD5", "HMAC-SHA256"] = "HMAC-SHA256"
    """The signature under which v2 notices are judged."""
    pay_v2_cert_file: str = ""
    """Merchant certificate and key (PEM) that v2 refunds need at the real gateway."""

    check_workers: int = Field(default=0, ge=0, le=64)
    """Photo checkers in one worker process; 0 means one a core."""
    check_memory_mb: int = Field(default=512, ge=256)
    """Writable memory of one checker."""
    check_timeout_s: float = Field(default=20.0, gt=0)
    """Time for one photo, after which its checker is replaced."""
    verdict_wait_s: float = Field(default=3.0, ge=0, le=30)
    """How long an upload waits for its verdict before it answers 202."""
    queue_limit: int = Field(default=500, ge=1)
    """Photos that wait for a verdict before uploads are answered 503."""
    queue_wait_limit_s: float = Field(default=60.0, gt=0)
    """Expected wait for a verdict, in seconds, above which uploads are answered 503."""
    orphan_age_s: float = Field(default=900.0, gt=0)
    """Age from which a file that no row names is deleted; far above the time of one upload."""
    min_free_mb: int = Field(default=200, ge=0)
    """Free space in the photo folder below which uploads are answered 503."""
    retention_days: int = Field(default=180, ge=1)
    """Days after which raw photos and rejected ones are deleted."""
    failpoints: str = ""
    """Named places at which a crash test kills the process; only in demo mode."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The lowest level that is logged."""

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        folder = Path(values.get("data_dir") or ("var/demo" if _is_on(values) else "var"))
        folder = folder.absolute()
        values["data_dir"] = folder
        values["database_url"] = values.get("database_url") or f"sqlite:///{folder}/caiji.db"
        values["queue_url"] = values.get("queue_url") or f"sqlite:///{folder}/queue.db"
        values["photo_store"] = values.get("photo_store") or f"{folder}/photos"
        if _is_on(values):
            _fill_demo_addresses(values)
        values["wechat_api_url"] = values.get("wechat_api_url") or "https://api.weixin.qq.com"
        values["pay_api_url"] = values.get("pay_api_url") or "https://api.mch.weixin.qq.com"
        return values

    def parse_field_keys(self) -> dict[str, bytes]:
        """Return key id to 32 bytes, the encrypting one first; raises SettingsInvalid."""
        keys = _parse_keys("FIELD_KEYS", self.field_keys)
        if not keys:
            raise SettingsInvalid(f"{PREFIX}FIELD_KEYS: is empty, expected id=base64 of 32 bytes")
        return keys

    def parse_face_keys(self) -> dict[str, bytes]:
        """Return the same for measured faces, empty where there are none.

        Raises:
            SettingsInvalid: malformed, or one of them is a field key as well.
        """
        keys = _parse_keys("FACE_KEYS", self.face_keys)
        if set(keys.values()) & set(_parse_keys("FIELD_KEYS", self.field_keys).values()):
            raise SettingsInvalid(f"{PREFIX}FACE_KEYS: needs keys of its own, not those of fields")
        return keys

    def parse_index_key(self) -> bytes:
        """Return the 32 bytes of the look-up index key; raises SettingsInvalid."""
        return _decode_key("INDEX_KEY", self.index_key)

    def parse_quiet_hours(self) -> tuple[dt.time, dt.time]:
        """Return the first and the end of the quiet hours; equal: none. Raises SettingsInvalid."""
        first, _, last = self.sms_quiet_hours.partition("-")
        try:
            return dt.time.fromisoformat(first.strip()), dt.time.fromisoformat(last.strip())
        except ValueError as error:
            raise SettingsInvalid(f"{PREFIX}SMS_QUIET_HOURS: expected 21:00-08:00") from error

    def parse_templates(self) -> dict[str, str]:
        """Return template name to WeChat's template id; a missing one is not sent."""
        pairs = (part.partition("=") for part in self.wechat_templates.split(",") if part)
        return {name.strip(): value.strip() for name, _, value in pairs}


def _parse_keys(name: str, text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for part in filter(None, text.split(",")):
        key_id, separator, encoded = part.strip().partition("=")
        if not separator or not key_id.isalnum() or key_id in keys:
            raise SettingsInvalid(
                f"{PREFIX}{name}: expected distinct id=base64 pairs, comma-separated"
            )
        keys[key_id] = _decode_key(name, encoded)
    return keys


def _is_on(values: dict[str, Any]) -> bool:
    return str(values.get("demo", "")).lower() in {"1", "true", "yes", "on"}


def _fill_demo_addresses(values: dict[str, Any]) -> None:
    server = f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
    sandbox = f"http://127.0.0.1:{os.environ.get('SANDBOX_PORT', '8001')}"
    version = values.get("pay_version") or "v3"
    defaults = {
        "public_url": server,
        "pay_notify_url": f"{server}/pay/notify/{version}",
        "wechat_api_url": sandbox,
        "pay_api_url": sandbox,
        "wechat_templates": "photo_rejected=demo-photo-rejected,"
        "photo_collected=demo-photo-collected,deadline_near=demo-deadline-near,"
        "refund=demo-refund,data_request=demo-data-request",
    }
    for name, value in defaults.items():
        values[name] = values.get(name) or value


def _decode_key(name: str, encoded: str) -> bytes:
    """Return the 32 bytes of a base64 key; raises SettingsInvalid naming the setting."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsInvalid(f"{PREFIX}{name}: is not base64") from error
    if len(key) != KEY_BYTES:
        raise SettingsInvalid(f"{PREFIX}{name}: is {len(key)} bytes, expected {KEY_BYTES}")
    return key


def load_settings(*, is_partial: bool = False, **overrides: Any) -> Settings:
    """Read the settings from the environment (and ``demo.env`` in demo mode) and check them.

    With ``is_partial`` our own addresses may be missing still: what commands do needs none.

    Raises:
        SettingsInvalid: with one line that names the first wrong setting.
    """
    try:
        settings = Settings(**overrides)
        if settings.demo:
            settings = Settings(_env_file=settings.data_dir / "demo.env", **overrides)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsInvalid(f"{PREFIX}{name}: {first['msg']}") from error
    except SettingsError as error:
        _name_unreadable_secret()
        raise SettingsInvalid(f"{PREFIX}SECRETS_DIR: {error}") from error
    for check in list_checks():
        is_own = isinstance(check, functools.partial) and check.func is _check_own_url
        if not (is_partial and is_own):
            check(settings)
    return settings


def _name_unreadable_secret() -> None:
    for name in Settings.model_fields:
        path = SECRETS_DIR / f"{PREFIX}{name}".lower()
        if path.is_file() and not os.access(path, os.R_OK):
            raise SettingsInvalid(f"{PREFIX}{name.upper()}: {path} may not be read by this user")


def list_checks() -> list[Callable[[Settings], object]]:
    """Return the checks of what the fields alone do not tell; each raises SettingsInvalid."""
    return [
        _check_secret_key,
        Settings.parse_field_keys,
        Settings.parse_face_keys,
        Settings.parse_index_key,
        _check_password_memory,
        *(functools.partial(_check_gateway_url, name) for name in GATEWAYS),
        *(functools.partial(_check_own_url, name) for name in OWN_ADDRESSES),
        *(functools.partial(_check_scheme, name) for name in SCHEMES),
        _check_owner,
        lambda settings: check_photo_store("PHOTO_STORE", settings.photo_store),
        _check_former_store,
        _check_failpoints,
    ]


def _check_secret_key(settings: Settings) -> None:
    if len(settings.secret_key) < MIN_SECRET_LENGTH:
        raise SettingsInvalid(f"{PREFIX}SECRET_KEY: needs at least {MIN_SECRET_LENGTH} characters")


def _check_password_memory(settings: Settings) -> None:
    if settings.password_memory_kib < LEAST_MEMORY_KIB and not settings.demo:
        raise SettingsInvalid(
            f"{PREFIX}PASSWORD_MEMORY_KIB: at least {LEAST_MEMORY_KIB} outside demo mode"
        )


def _check_gateway_url(name: str, settings: Settings) -> None:
    _check_url(name, getattr(settings, name.lower()), is_loopback_http_allowed=True)


def _check_own_url(name: str, settings: Settings) -> None:
    _check_url(name, getattr(settings, name.lower()), is_loopback_http_allowed=settings.demo)


def _check_scheme(name: str, settings: Settings) -> None:
    allowed = SCHEMES[name]
    if not getattr(settings, name.lower()).startswith(allowed):
        raise SettingsInvalid(f"{PREFIX}{name}: must start with one of {', '.join(allowed)}")


def _check_owner(settings: Settings) -> None:
    urls = (settings.database_url, settings.database_owner_url)
    if urls[1] and not all(url.startswith("postgresql+psycopg://") for url in urls):
        raise SettingsInvalid(
            f"{PREFIX}DATABASE_OWNER_URL: only where DATABASE_URL is postgresql+psycopg://, too"
        )


def _check_former_store(settings: Settings) -> None:
    if settings.photo_store_former:
        check_photo_store("PHOTO_STORE_FORMER", settings.photo_store_former)


def _check_failpoints(settings: Settings) -> None:
    if settings.failpoints and not settings.demo:
        raise SettingsInvalid(f"{PREFIX}FAILPOINTS: only exist in demo mode")


def check_photo_store(name: str, url: str) -> None:
    """Accept a folder or a well-formed ``s3://`` address; raises SettingsInvalid."""
    parts = urllib.parse.urlsplit(url)
    if not parts.scheme:
        return
    query = dict(urllib.parse.parse_qsl(parts.query))
    endpoint = urllib.parse.urlsplit(query.get("endpoint", "https://aws"))
    is_well_formed = (
        parts.scheme == "s3"
        and bool(parts.netloc)
        and query.keys() <= {"endpoint", "region", "style"}
        and query.get("style", "path") in {"path", "virtual"}
        and endpoint.scheme in {"http", "https"}
        and bool(endpoint.hostname)
    )
    if not is_well_formed:
        raise SettingsInvalid(
            f"{PREFIX}{name}: must be a folder or "
            "s3://bucket/prefix?endpoint=https://host&region=name&style=path|virtual"
        )


def _check_url(name: str, url: str, *, is_loopback_http_allowed: bool) -> None:
    """Accept https, and http to this machine where allowed; raises SettingsInvalid."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    is_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not (is_loopback and is_loopback_http_allowed):
        expected = "https, or http on 127.0.0.1" if is_loopback_http_allowed else "https"
        raise SettingsInvalid(f"{PREFIX}{name}: must be an address with {expected}")
