"""WeChat's access token, shared by all processes through one encrypted database row."""

from __future__ import annotations

import datetime as dt
import threading

from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from models import FieldCipher, FieldUnreadable, WechatAccessToken, describe_place
from server.db import Database
from server.gateways.clock import Clock, to_local
from server.gateways.transport import GatewayUnavailable
from server.gateways.wechat_token import StableTokenClient

FORCE_EVERY = dt.timedelta(seconds=30)
FORCED_A_DAY = 20
"""WeChat allows so many; each ends the token that the college's other systems are using."""
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
            token = self._renew()
            return token if token != refused else self._force()

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

    def _force(self) -> str:
        """Demand another token than the one that is being refused, rarely enough for WeChat."""
        now = self._clock.now()
        today = to_local(now).date()
        with self._db.write() as session:
            row = session.get_one(
                WechatAccessToken, self._client.app_id, with_for_update=True, populate_existing=True
            )
            last = row.forced_at
            count = row.forced_count if last and to_local(last).date() == today else 0
            if (last and now - last < FORCE_EVERY) or count >= FORCED_A_DAY:
                raise GatewayUnavailable("a new access token was demanded just now")
            row.forced_at, row.forced_count = now, count + 1
        return self._renew(must_be_new=True)

    def _renew(self, *, must_be_new: bool = False) -> str:
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
                .values(app_id=self._client.app_id, forced_count=0, **values)
                .on_conflict_do_update(index_elements=["app_id"], set_=values)
            )
        return fresh.token

    def _place(self) -> bytes:
        return describe_place("wechat_access_token", "token_encrypted", self._client.app_id)
