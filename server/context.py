"""What a use case needs from the outside, in one value.

``server.wiring`` builds it; services receive it; nothing is looked up globally.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models import FieldCipher
from server.db import Database
from server.gateways.clock import Clock
from server.gateways.photo_store import PhotoStore
from server.settings import Settings

if TYPE_CHECKING:
    from server.gateways.pay import PayGateway
    from server.gateways.queue import WorkQueue
    from server.gateways.sms import SmsGateway
    from server.gateways.wechat_login import WechatLogin
    from server.gateways.wechat_messages import WechatMessages


@dataclass(frozen=True)
class Context:
    """The wired implementations of one process."""

    settings: Settings
    db: Database
    clock: Clock
    cipher: FieldCipher
    photo_store: PhotoStore
    queue: WorkQueue
    login: WechatLogin
    messages: WechatMessages
    sms: SmsGateway
    pay: PayGateway
    face_cipher: FieldCipher | None = None
    """Seals what is measured of faces; None without FACE_KEYS: nothing is measured then."""

    def now(self) -> dt.datetime:
        """Return the present moment in UTC."""
        return self.clock.now()
