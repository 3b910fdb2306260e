"""WeChat users, their tokens and the messages that they allow."""

from __future__ import annotations

import datetime as dt
import uuid

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, new_id
from models.encryption import FieldCipher, describe_place


class WechatUser(Base):
    """One openid. It is encrypted, with an index for look-up, and never leaves the server."""

    __tablename__ = "wechat_user"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    openid_encrypted: Mapped[bytes] = mapped_column(LargeBinary)
    openid_index: Mapped[bytes] = mapped_column(
        LargeBinary(32), unique=True, info={"index_of": "openid_encrypted", "purpose": "openid"}
    )
    created_at: Mapped[dt.datetime]

    def encrypt_openid(self, openid: str, cipher: FieldCipher) -> None:
        """Store the openid encrypted for this row, with its index."""
        if self.id is None:
            self.id = new_id()
        place = describe_place("wechat_user", "openid_encrypted", self.id)
        self.openid_encrypted = cipher.encrypt(openid, place=place)
        self.openid_index = index_openid(openid, cipher)

    def decrypt_openid(self, cipher: FieldCipher) -> str:
        """Return the openid; raises FieldUnreadable."""
        place = describe_place("wechat_user", "openid_encrypted", self.id)
        return cipher.decrypt(self.openid_encrypted, place=place)


def index_openid(openid: str, cipher: FieldCipher) -> bytes:
    """Return the look-up index of an openid."""
    return cipher.index(openid, purpose="openid")


class ApiToken(Base):
    """A bearer token of the mini-program: 256 random bits, stored as their SHA-256."""

    __tablename__ = "api_token"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wechat_user.id"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime] = mapped_column(index=True)
    revoked_at: Mapped[dt.datetime | None]

    user: Mapped[WechatUser] = relationship()


class MessageAllowance(Base):
    """How many subscribe messages of one template the user has allowed and not yet received."""

    __tablename__ = "message_allowance"
    __table_args__ = (UniqueConstraint("user_id", "template"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("wechat_user.id"))
    template: Mapped[str] = mapped_column(String(40))
    remaining: Mapped[int] = mapped_column(default=0)
