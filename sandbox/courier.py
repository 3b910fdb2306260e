"""Delivers notices to the merchant: at once, then after the 15 steps of WeChat's schedule.

Time is the ledger's virtual clock, so that a test can let ten hours pass. Deliveries go to
loopback only.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import queue
import threading
import urllib.parse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from sandbox.ledger import Ledger

SCHEDULE_S = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, *([10800] * 3), *([21600] * 2))
"""Seconds between attempts (WECHAT §2)."""
TIMEOUT_S = 5.0
TICK_S = 0.2
DELAY_S = 6.0
MAX_PARALLEL = 16
MAX_LOGGED = 300
HELD_BACK = frozenset({"out_of_order", "refund_before_pay"})
"""Faults under which a notice waits until another one of its order has been sent."""

COPYING = frozenset({"duplicate", "parallel"})

Build = Callable[[dict[str, Any], int, str | None], tuple[bytes, dict[str, str]]]
"""(notice, attempt number, fault of this attempt) -> body and headers."""
Judge = Callable[[int, bytes], bool]
"""(status, body of the merchant's answer) -> whether the notice is kept, so never sent again."""


def is_loopback(url: str) -> bool:
    """Tell whether an address stays on this machine."""
    host = urllib.parse.urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Courier:
    """Sends what is due, keeps a log of every attempt, and stops when told."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._builders: dict[str, Build] = {}
        self._judges: dict[str, Judge] = {}
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="courier")
        # No connection is kept: the merchant may restart between two attempts.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(timeout=TIMEOUT_S, trust_env=False, limits=limits)
        self._in_hand: set[str] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """End after the attempts in hand."""
        self._stopping.set()
        self._wake.put(None)
        self._pool.shutdown(wait=False, cancel_futures=True)

    def register(self, version: str, build: Build, judge: Judge) -> None:
        """Let ``build`` make the bodies of notices of ``version`` and ``judge`` their answers."""
        self._builders[version] = build
        self._judges[version] = judge

    def send(self, notice: dict[str, Any], faults: list[str]) -> None:
        """Queue one notice; ``notice`` has ``id, kind, version, out_trade_no, url, content``."""
        if "drop" in faults:
            self._log(notice, 0, None, "drop", "dropped")
            return
        is_waiting = bool(HELD_BACK & set(faults))
        spoiling = sorted(set(faults) - COPYING, key=lambda name: name in HELD_BACK | {"delay"})
        copying = next((name for name in faults if name in COPYING), None)
        first_fault = spoiling[0] if spoiling else copying
        copies = 1 if copying is None else 2
        for copy in range(copies):
            number = self._ledger.count_up("delivery")
            delay_s = DELAY_S if "delay" in faults else 0.0
            delay_s += 0.3 * copy if "duplicate" in faults else 0.0
            key = str(number)
            task = {
                "key": key,
                "notice": notice,
                "attempt": 0,
                "due": self._ledger.now() + delay_s,
                "fault": first_fault if copy == 0 else copying,
                "is_waiting": is_waiting,
            }
            self._ledger.put("task", key, task)
        self.wake()

    def wake(self) -> None:
        """Look for due work now (after the clock was moved, too)."""
        self._wake.put(None)

    def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(queue.Empty):
                self._wake.get(timeout=TICK_S)
            now = self._ledger.now()
            for task in self._ledger.find("task", is_waiting=False):
                if task["due"] <= now:
                    self._hand_out(task)

    def _hand_out(self, task: dict[str, Any]) -> None:
        with self._lock:
            if task["key"] in self._in_hand or self._stopping.is_set():
                return
            self._in_hand.add(task["key"])
        self._pool.submit(self._deliver, task)

    def _deliver(self, task: dict[str, Any]) -> None:
        try:
            if self._ledger.get("task", task["key"]) != task:
                return  # done since it was listed
            is_kept = self._attempt(task)
            attempt = task["attempt"] + 1
            if is_kept or attempt > len(SCHEDULE_S):
                self._ledger.remove("task", task["key"])
            else:
                # From the step before, not from now: after a long jump all missed steps follow.
                due = task["due"] + SCHEDULE_S[attempt - 1]
                changed = {**task, "attempt": attempt, "due": due, "fault": None}
                self._ledger.put("task", task["key"], changed)
            self._release_waiting(task["notice"]["out_trade_no"])
        finally:
            with self._lock:
                self._in_hand.discard(task["key"])

    def _release_waiting(self, out_trade_no: str) -> None:
        """Let the notices go that were held back until another one of the order had been sent."""
        for task in self._ledger.find("task", is_waiting=True):
            if task["notice"]["out_trade_no"] == out_trade_no:
                changed = {**task, "is_waiting": False, "due": self._ledger.now()}
                self._ledger.put("task", task["key"], changed)
        self.wake()

    def _attempt(self, task: dict[str, Any]) -> bool:
        notice, fault = task["notice"], task["fault"]
        body, headers = self._builders[notice["version"]](notice, task["attempt"], fault)
        try:
            answer = self._client.post(notice["url"], content=body, headers=headers)
        except httpx.HTTPError as error:
            self._log(notice, task["attempt"], None, fault, type(error).__name__)
            return False
        text = answer.text[:MAX_LOGGED]
        self._log(notice, task["attempt"], answer.status_code, fault, text)
        return self._judges[notice["version"]](answer.status_code, answer.content)

    def _log(
        self, notice: dict[str, Any], attempt: int, status: int | None, fault: str | None, text: str
    ) -> None:
        number = self._ledger.count_up("log")
        moment = dt.datetime.fromtimestamp(self._ledger.now(), dt.UTC)
        self._ledger.put(
            "delivery",
            str(number),
            {
                "time": moment.isoformat(timespec="milliseconds"),
                "notice_id": notice["id"],
                "kind": notice["kind"],
                "out_trade_no": notice["out_trade_no"],
                "url": notice["url"],
                "attempt": attempt,
                "status": status,
                "fault": fault or "+".join(notice["content_faults"]) or None,
                "answer": text,
            },
        )
