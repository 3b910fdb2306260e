"""WeChat's access token, shared by all processes through one encrypted database row."""

from __future__ import annotations

import datetime as dt
import threading

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from models import FieldCipher, FieldUnreadable, WechatAccessToken, describe_place
from server.db import Database
from server.gateways.clock import Clock
from server.gateways.wechat_token import StableTokenClient

RENEW_BEFORE_S = 300
"""A token with less life than this is renewed; WeChat keeps the old one valid meanwhile."""


class StoredAccessTokens:
    """Keeps the stable token in the database and renews it in time.

    The stable-token call returns the same token to everyone who asks, so two processes that renew
    at once do each other no harm; a lock keeps the threads of one process from asking together.
    """

    def __init__(
        self, client: StableTokenClient, db: Database, cipher: FieldCipher, clock: Clock
    ) -> None:
        self._client = client
        self._db = db
        self._cipher = cipher
        self._clock = clock
        self._lock = threading.Lock()

    def get(self, *, refused: str | None = None) -> str:
        """Return a token; ``refused`` is one that WeChat has just called invalid."""
        with self._lock:
            stored = self._load()
            if stored is not None and stored != refused:
                return stored
            return self._renew(must_be_new=refused is not None and stored == refused)

    def _load(self) -> str | None:
        with self._db.read() as session:
            row = session.get(WechatAccessToken, self._client.app_id)
        if row is None or row.expires_at <= self._clock.now() + dt.timedelta(
            seconds=RENEW_BEFORE_S
        ):
            return None
        try:
            return self._cipher.decrypt(row.token_encrypted, place=self._place())
        except FieldUnreadable:
            return None

    def _renew(self, *, must_be_new: bool) -> str:
        fresh = self._client.fetch(must_be_new=must_be_new)
        now = self._clock.now()
        values = {
            "token_encrypted": self._cipher.encrypt(fresh.token, place=self._place()),
            "expires_at": now + dt.timedelta(seconds=fresh.expires_in_s),
            "refreshed_at": now,
        }
        insert = sqlite_insert if self._db.is_sqlite else postgresql_insert
        with self._db.write() as session:
            session.execute(
                insert(WechatAccessToken)
                .values(app_id=self._client.app_id, **values)
                .on_conflict_do_update(index_elements=["app_id"], set_=values)
            )
        return fresh.token

    def _place(self) -> bytes:
        return describe_place("wechat_access_token", "token_encrypted", self._client.app_id)
