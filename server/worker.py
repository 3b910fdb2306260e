"""The worker process: checks photos from the queue, sweeps, and runs background jobs.

``python -m server.worker``. Each worker thread owns one isolated checker child, so that a hostile
file harms one request. SIGTERM and SIGINT end it after the photos in hand.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid
from typing import Any

import structlog

from imagecheck.isolated import Checker
from server.context import Context
from server.duties import SWEEPERS, run_jobs_forever
from server.observability.health import WORKER_HEARTBEAT
from server.observability.logs import configure_logs
from server.services.check_photo import check_next
from server.services.heartbeats import beat_heart
from server.settings import SettingsInvalid, load_settings
from server.sweepers import Sweeper, SweeperThread
from server.wiring import build_context, verify_context

log = structlog.get_logger()

POLL_S = 0.05
MAX_ERROR_DELAY_S = 5.0
HEARTBEAT_INTERVAL_S = 5


class PhotoWorkers:
    """One checker child for each thread that takes photos from the queue."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._local = threading.local()
        self._checkers: list[Checker] = []
        self._lock = threading.Lock()

    def check(self, _photo_id: uuid.UUID) -> None:
        """Judge the photo that has waited longest, with this thread's checker."""
        try:
            checker = self._get_checker()
            # Before a photo is taken in hand: loading the models must not use up its time.
            checker.warm_up()
            check_next(self._ctx, checker)
        except Exception:
            # The row stays as it is; the sweeper tries again.
            log.exception("check_failed")

    def warm_up(self) -> None:
        """Load the models before the first photo comes."""
        self._get_checker().warm_up()

    def close(self) -> None:
        """End all children."""
        for checker in self._checkers:
            checker.close()

    def _get_checker(self) -> Checker:
        checker: Checker | None = getattr(self._local, "checker", None)
        if checker is None:
            settings = self._ctx.settings
            checker = Checker(
                memory_mb=settings.check_memory_mb, timeout_s=settings.check_timeout_s
            )
            self._local.checker = checker
            with self._lock:
                self._checkers.append(checker)
        return checker


def main() -> int:
    """Run until a signal comes; returns the exit status."""
    try:
        settings = load_settings()
        configure_logs(settings.log_level)
        ctx = build_context(settings)
        verify_context(ctx)
    except SettingsInvalid as error:
        print(f"caiji: {error}", file=sys.stderr)  # noqa: T201 - the one line for the operator
        return 4
    run(ctx)
    return 0


def run(ctx: Context) -> None:
    """Check photos and sweep until SIGTERM or SIGINT."""
    workers = PhotoWorkers(ctx)
    ctx.queue.on_photo(workers.check)
    ctx.queue.huey.on_startup()(workers.warm_up)
    heartbeat = Sweeper(WORKER_HEARTBEAT, HEARTBEAT_INTERVAL_S, lambda _: None)
    threads = [SweeperThread(ctx, duties) for duties in ([heartbeat], *SWEEPERS.values())]
    stopping = threading.Event()
    jobs = threading.Thread(target=run_jobs_forever, args=(ctx, stopping), daemon=True)
    count = ctx.settings.check_workers or os.cpu_count() or 1
    consumer: Any = ctx.queue.huey.create_consumer(
        workers=count,
        worker_type="thread",
        periodic=False,
        initial_delay=POLL_S,
        # SQLite is asked this often. The others wait by themselves, and sleep only after an error.
        max_delay=MAX_ERROR_DELAY_S if ctx.queue.huey.storage.blocking else POLL_S,
        backoff=2.0,
        check_worker_health=True,
        graceful_signal="TERM",
    )
    beat_heart(ctx, WORKER_HEARTBEAT)
    for thread in threads:
        thread.start()
    jobs.start()
    log.info("worker_started", checkers=count)
    try:
        consumer.run()
    finally:
        stopping.set()
        for thread in threads:
            thread.stop()
        workers.close()
        log.info("worker_stopped")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
