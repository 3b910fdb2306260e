"""Builds the context of a process from its settings. The only place that knows implementations."""

from __future__ import annotations

import os
import urllib.parse
from pathlib import Path

from models import FieldCipher
from server.at_rest import shut_out_others
from server.context import Context
from server.db import Database, head_revision
from server.gateways.clock import Clock, SystemClock
from server.gateways.joined_photo_store import JoinedPhotoStore
from server.gateways.pay import PayGateway
from server.gateways.pay_missing import stand_in_for_pay
from server.gateways.pay_settings import build_pay_gateway
from server.gateways.photo_store import FolderPhotoStore, PhotoStore, PhotoStoreUnavailable
from server.gateways.queue import QueueUnavailable, WorkQueue
from server.gateways.sms import SmsGateway, open_sms
from server.gateways.transport import Transport
from server.gateways.wechat_login import HttpWechatLogin
from server.gateways.wechat_messages import HttpWechatMessages
from server.gateways.wechat_token import StableTokenClient
from server.gateways.wechat_token_store import StoredAccessTokens
from server.outgoing import check_outgoing
from server.security.passwords import set_cost
from server.security.throttle import is_limit_store_reachable
from server.settings import PREFIX, Settings, SettingsInvalid

SANDBOX_APP_ID_PREFIX = "wxsandbox"


def build_context(
    settings: Settings, clock: Clock | None = None, *, is_partial: bool = False
) -> Context:
    """Return the wired context; raises SettingsInvalid.

    With ``is_partial`` payment may be incomplete: then only its use raises.
    """
    if not settings.demo and settings.wechat_app_id.startswith(SANDBOX_APP_ID_PREFIX):
        raise SettingsInvalid(f"{PREFIX}WECHAT_APP_ID: is the sandbox's, outside demo mode")
    check_outgoing(settings)
    shut_out_others(settings)
    set_cost(settings.password_memory_kib)
    clock = clock or SystemClock()
    db = Database(settings.database_url)
    cipher = build_cipher(settings)
    wechat = Transport(settings.wechat_api_url)
    client = StableTokenClient(wechat, settings.wechat_app_id, settings.wechat_app_secret)
    return Context(
        settings=settings,
        db=db,
        clock=clock,
        cipher=cipher,
        face_cipher=_build_face_cipher(settings),
        photo_store=_build_photo_store(settings),
        queue=_open_queue(settings.queue_url),
        login=HttpWechatLogin(wechat, settings.wechat_app_id, settings.wechat_app_secret),
        messages=HttpWechatMessages(wechat, StoredAccessTokens(client, db, cipher, clock)),
        sms=_build_sms(settings),
        pay=_open_pay(settings, clock, is_partial=is_partial),
    )


def _open_pay(settings: Settings, clock: Clock, *, is_partial: bool) -> PayGateway:
    try:
        return build_pay_gateway(settings, clock)
    except SettingsInvalid as error:
        if not is_partial:
            raise
        return stand_in_for_pay(str(error))


def _open_queue(url: str) -> WorkQueue:
    try:
        return WorkQueue(url)
    except QueueUnavailable as error:
        raise SettingsInvalid(f"{PREFIX}QUEUE_URL: {_place_of(url)} cannot be reached") from error


def _build_sms(settings: Settings) -> SmsGateway:
    """Return the SMS gateway of the settings; raises SettingsInvalid."""
    settings.parse_quiet_hours()
    try:
        return open_sms(settings.sms_gateway, settings.sms_token)
    except ValueError as error:
        raise SettingsInvalid(f"{PREFIX}SMS_GATEWAY: {error}") from error


def _build_face_cipher(settings: Settings) -> FieldCipher | None:
    keys = settings.parse_face_keys()
    return FieldCipher(keys, settings.parse_index_key()) if keys else None


def build_cipher(settings: Settings) -> FieldCipher:
    """Return the field cipher of these settings."""
    return FieldCipher(settings.parse_field_keys(), settings.parse_index_key())


def _build_photo_store(settings: Settings) -> PhotoStore:
    """Return the store of ``PHOTO_STORE``, joined with a former one while photos move."""
    present = open_store(settings.photo_store)
    if not settings.photo_store_former:
        return present
    return JoinedPhotoStore(present, open_store(settings.photo_store_former))


def open_store(url: str) -> PhotoStore:
    """Return the store that an address names: a folder or a bucket."""
    if url.startswith("s3://"):
        from server.gateways.s3_photo_store import S3PhotoStore

        return S3PhotoStore.from_url(url)
    return FolderPhotoStore(Path(url))


def create_bucket(settings: Settings) -> bool:
    """Make the bucket of ``PHOTO_STORE``; False when it was there or photos lie in a folder."""
    if not settings.photo_store.startswith("s3://"):
        return False
    from server.gateways.s3_photo_store import S3PhotoStore

    return S3PhotoStore.from_url(settings.photo_store).create_bucket()


def verify_context(ctx: Context) -> None:
    """Prove at start-up that the outside is usable; raises SettingsInvalid naming the setting."""
    _verify_schema(ctx)
    try:
        ctx.photo_store.verify()
    except PhotoStoreUnavailable as error:
        raise SettingsInvalid(
            f"{PREFIX}PHOTO_STORE: {_place_of(ctx.settings.photo_store)} cannot be written"
        ) from error
    try:
        ctx.queue.count_waiting()
    except QueueUnavailable as error:
        raise SettingsInvalid(
            f"{PREFIX}QUEUE_URL: {_place_of(ctx.settings.queue_url)} cannot be reached"
        ) from error
    _verify_rate_limits(ctx.settings)


def _verify_rate_limits(settings: Settings) -> None:
    url = settings.rate_limit_url
    processes = int(os.environ.get("WEB_CONCURRENCY") or "1")
    if processes > 1 and url.startswith("memory"):
        raise SettingsInvalid(
            f"{PREFIX}RATE_LIMIT_URL: memory:// counts per process; "
            f"{processes} web processes need redis://"
        )
    if not is_limit_store_reachable(url):
        raise SettingsInvalid(f"{PREFIX}RATE_LIMIT_URL: {_place_of(url)} cannot be reached")


def _verify_schema(ctx: Context) -> None:
    try:
        current = ctx.db.current_revision()
    except Exception as error:  # drivers have their own families of errors
        raise SettingsInvalid(
            f"{PREFIX}DATABASE_URL: {_place_of(ctx.settings.database_url)} cannot be opened"
        ) from error
    if current != head_revision():
        raise SettingsInvalid(
            f"{PREFIX}DATABASE_URL: the schema is at {current}, the code needs "
            f"{head_revision()}; run `flask db upgrade`"
        )


def _place_of(url: str) -> str:
    """Return an address without user, password and parameters, for a message."""
    parts = urllib.parse.urlsplit(url)
    return parts.path if parts.hostname is None else f"{parts.hostname}{parts.path}"
