"""Words about a person inside what is append-only, sealed under a key that can be destroyed.

The audit log is never changed or deleted, and a chain of hashes goes over its stored bytes. So a
reason that somebody types about a student is sealed under that student's own key before it is
written there. When the student's time is over the key goes: the chain verifies, nobody reads.

Stored form: ``sealed:<32 hex digits of the enrolment>:<base64 of nonce, ciphertext and tag>``.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import os
import uuid
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from models import FieldCipher, FieldUnreadable, PersonKey, describe_place

PREFIX = "sealed:"
ENDED = "（已按期删除）"
"""What stands where the key is gone."""
KEY_BYTES = 32
NONCE_BYTES = 12


def seal(
    session: Session, cipher: FieldCipher, enrolment_id: uuid.UUID, text: str, *, at: dt.datetime
) -> str:
    """Return ``text`` sealed under the key of one person, which is made when it is not there.

    The caller has locked the enrolment: two transactions must not make two keys.
    """
    if not text:
        return ""
    row = session.get(PersonKey, enrolment_id)
    if row is None:
        key = os.urandom(KEY_BYTES)
        stored = cipher.encrypt(key, place=_place(enrolment_id))
        session.add(PersonKey(enrolment_id=enrolment_id, key_encrypted=stored, created_at=at))
        session.flush()
    else:
        key = cipher.decrypt_bytes(row.key_encrypted, place=_place(enrolment_id))
    nonce = os.urandom(NONCE_BYTES)
    data = nonce + AESGCM(key).encrypt(nonce, text.encode(), enrolment_id.bytes)
    return f"{PREFIX}{enrolment_id.hex}:{base64.b64encode(data).decode()}"


def unseal(session: Session, cipher: FieldCipher, stored: str) -> str:
    """Return the words of a sealed value, ``ENDED`` when they are gone; other text as it is."""
    if not stored.startswith(PREFIX):
        return stored
    try:
        name, _, data = stored.removeprefix(PREFIX).partition(":")
        enrolment_id = uuid.UUID(name)
        row = session.get(PersonKey, enrolment_id)
        if row is None:
            return ENDED
        key = cipher.decrypt_bytes(row.key_encrypted, place=_place(enrolment_id))
        sealed = base64.b64decode(data, validate=True)
        nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return AESGCM(key).decrypt(nonce, rest, enrolment_id.bytes).decode()
    except (InvalidTag, FieldUnreadable, ValueError, binascii.Error):
        return ENDED


def unseal_detail(session: Session, cipher: FieldCipher, detail: dict[str, Any]) -> dict[str, Any]:
    """Return the detail of an audit entry with its sealed values readable."""
    return {
        name: unseal(session, cipher, value) if isinstance(value, str) else value
        for name, value in detail.items()
    }


def _place(enrolment_id: uuid.UUID) -> bytes:
    return describe_place("person_key", "key_encrypted", enrolment_id)
