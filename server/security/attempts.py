"""Attempts at a secret: counted before they are judged, so that many at once are not many more.

A right attempt is given back. Every counter is one atomic addition in the store of the throttles
(memory or Redis); while that store is away, this process counts by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from limits import RateLimitItem, parse
from limits.storage import MemoryStorage, Storage

from server.errors import CaijiError
from server.security.steady_memory import SteadyMemoryStorage

log = structlog.get_logger()

HOST_BITS_OF_A_SITE = 64


class TooManyRequests(CaijiError):
    """Come back later; ``Retry-After`` says when."""

    code = "too_many_requests"
    status = 429
    message = "操作太频繁，请稍后再试"


@dataclass(frozen=True)
class AttemptLimit:
    """So many wrong attempts of one kind for one key.

    ``limit`` is in the notation of the limits library, ``5/hour``: a window that begins with the
    first attempt. The key is stored as a digest only.
    """

    limit: str
    kind: str
    key: str


@dataclass(frozen=True)
class Attempt:
    """One attempt that may be judged. ``tries_left`` are those after it, if it is wrong."""

    tries_left: int
    wait_s: int
    """Until the counter that has the fewest left begins anew."""
    _counter: AttemptCounter
    _taken: list[tuple[RateLimitItem, str]]

    @property
    def outlook(self) -> str:
        """What is left after it, if it is wrong: tries, or minutes to wait."""
        if self.tries_left:
            return f"还可以试 {self.tries_left} 次"
        return f"次数已用完，请 {count_minutes(self.wait_s)} 分钟后再试"

    def give_back(self) -> None:
        """The attempt was right, or could not be judged: it does not count."""
        self._counter.give_back(self._taken)


class AttemptCounter:
    """Counts attempts. ``storage`` is shared by all processes, or memory for a single one."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._own = storage if isinstance(storage, MemoryStorage) else SteadyMemoryStorage()
        self._lock = threading.Lock()

    def begin(self, limits: Sequence[AttemptLimit]) -> Attempt:
        """Count an attempt under every limit; raises TooManyRequests and then counts nothing."""
        taken: list[tuple[RateLimitItem, str]] = []
        tries_left: list[tuple[int, str, int]] = []
        for one in limits:
            item = parse(one.limit)
            key = item.key_for("attempts", one.kind, _digest(one.key))
            count = self._add(key, item.get_expiry())
            taken.append((item, key))
            if count > item.amount:
                wait_s = self._wait_s(key, item.get_expiry())
                self.give_back(taken)
                raise _refuse_until(wait_s)
            tries_left.append((item.amount - count, key, item.get_expiry()))
        fewest, key, window_s = min(tries_left)
        return Attempt(fewest, self._wait_s(key, window_s), self, taken)

    @contextlib.contextmanager
    def judge(self, limits: Sequence[AttemptLimit], *wrong: type[CaijiError]) -> Iterator[None]:
        """Count what is judged inside: it stays counted where it ends with one of ``wrong``.

        That error then says how many tries are left. Raises TooManyRequests before anything else.
        """
        attempt = self.begin(limits)
        try:
            yield
        except wrong as error:
            error.shown_message = f"{error.shown_message}。{attempt.outlook}"
            error.data = {**error.data, "tries_left": attempt.tries_left}
            raise
        except BaseException:
            attempt.give_back()
            raise
        attempt.give_back()

    def give_back(self, taken: Sequence[tuple[RateLimitItem, str]]) -> None:
        """Take counted attempts off again."""
        for item, key in taken:
            self._add(key, item.get_expiry(), -1)

    def _add(self, key: str, window_s: int, amount: int = 1) -> int:
        if self._storage is not self._own:
            try:
                return int(self._storage.incr(key, window_s, amount))
            except self._storage.base_exceptions as error:
                log.warning("attempts_counted_here", kind=type(error).__name__)
        with self._lock:
            if amount < 0:
                return self._own.decr(key, -amount)
            return int(self._own.incr(key, window_s, amount))

    def _wait_s(self, key: str, window_s: int) -> int:
        try:
            reset_at = self._storage.get_expiry(key)
        except self._storage.base_exceptions:
            reset_at = self._own.get_expiry(key)
        return min(window_s, max(1, math.ceil(reset_at - time.time())))


def _refuse_until(wait_s: int) -> TooManyRequests:
    """Return the refusal that names the waiting time in minutes."""
    return TooManyRequests(
        f"尝试次数过多，请 {count_minutes(wait_s)} 分钟后再试", retry_after_s=wait_s
    )


def count_minutes(wait_s: float) -> int:
    """Return whole minutes, rounded up, at least one."""
    return max(1, math.ceil(wait_s / 60))


def group_address(address: str) -> str:
    """Return what counts as one address: an IPv6 site (/64) is one, as it is one subscriber."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4 or parsed.ipv4_mapped:  # noqa: PLR2004
        return str(getattr(parsed, "ipv4_mapped", None) or parsed)
    return str(ipaddress.ip_network((parsed, HOST_BITS_OF_A_SITE), strict=False))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
