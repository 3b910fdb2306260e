"""Passwords of staff: argon2id hashes, by default of RFC 9106's second recommended option.

What a hash costs is one for the whole process: the wiring sets it from the settings. A stored hash
carries its own cost, so those made before a change still verify.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from server.errors import ServiceBusy
from server.lanes import Lane

MIN_LENGTH = 10
ONE_TIME_LENGTH = 14
# Without letters and digits that are read as one another.
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"

HASHERS = max(1, (os.cpu_count() or 2) // 2)
"""Hashes at the same time: half of the cores, and 64 MB each, whoever asks for them."""
ROUNDS = 3
DEFAULT_MEMORY_KIB = 65_536
LEAST_MEMORY_KIB = 19_456
"""OWASP's least for argon2id."""

_lane = Lane(HASHERS, waiters=4 * HASHERS, wait_s=5)
_hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=DEFAULT_MEMORY_KIB, parallelism=1)


def set_cost(memory_kib: int) -> None:
    """Let the hashes of this process take so much memory, and time in proportion."""
    global _hasher  # noqa: PLW0603 - the cost is the process's
    _hasher = PasswordHasher(time_cost=ROUNDS, memory_cost=memory_kib, parallelism=1)


class PasswordsBusy(ServiceBusy):
    """As many passwords as this process looks at are being looked at."""

    code = "passwords_busy"
    message = "当前登录人数较多，请稍后再试"


@contextlib.contextmanager
def _take_turn() -> Iterator[None]:
    """Hash in a lane of its own; who finds it full is told at once and holds no thread."""
    with _lane.enter() as is_in:
        if not is_in:
            raise PasswordsBusy(retry_after_s=3)
        yield


def hash_password(password: str) -> str:
    """Return the argon2id hash of ``password`` with its parameters and salt.

    Raises:
        PasswordsBusy.
    """
    with _take_turn():
        return _hasher.hash(password)


def is_password_right(password_hash: str, password: str) -> bool:
    """Tell whether ``password`` belongs to the hash.

    Raises:
        PasswordsBusy.
    """
    with _take_turn(), contextlib.suppress(VerificationError, InvalidHashError):
        return _hasher.verify(password_hash, password)
    return False


def create_password() -> str:
    """Return a random one-time password (about 80 bits)."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ONE_TIME_LENGTH))
