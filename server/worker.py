"""The worker process: checks photos from the queue, sweeps, and runs background jobs.

``python -m server.worker``. Photos are judged in isolated checker children, so that a hostile file
harms one request. SIGTERM and SIGINT end it after the photos in hand.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import uuid
from typing import Any

import structlog

from imagecheck.isolated import Checker, ChildGone
from server.checkers import CheckerPool
from server.context import Context
from server.duties import SWEEPERS, run_jobs_forever
from server.garbage import spare_what_stays
from server.observability.health import WORKER_HEARTBEAT
from server.observability.logs import configure_logs
from server.photo_cutter import cut_photos_forever
from server.services.photo.check import check_next
from server.services.photo.remake import remake_next
from server.services.upkeep.heartbeats import beat_heart
from server.settings import SettingsInvalid, load_settings
from server.sweepers import Sweeper, SweeperThread
from server.wiring import build_context, verify_context

log = structlog.get_logger()

POLL_S = 0.05
MAX_ERROR_DELAY_S = 5.0
HEARTBEAT_INTERVAL_S = 5


class PhotoWorkers:
    """Takes photos from the queue, one more at a time than there are children to judge them."""

    def __init__(self, ctx: Context, checkers: CheckerPool) -> None:
        self._ctx = ctx
        self._checkers = checkers

    def check(self, _photo_id: uuid.UUID) -> None:
        """Judge the photo that has waited longest, with the first child that is idle."""
        try:
            # Before a photo is taken in hand: loading the models must not use up its time.
            self._checkers.require_running()
            # A reviewer waits before the page, students before a queue.
            if not remake_next(self._ctx, self._checkers):
                check_next(self._ctx, self._checkers)
        except Exception:
            # The row stays as it is; the sweeper tries again.
            log.exception("check_failed")

    def warm_up(self) -> None:
        """Load the models before the first photo comes."""
        try:
            self._checkers.warm_up()
        except ChildGone as error:
            # Photos wait until the models are there; uploads and payments go on meanwhile.
            log.error("checker_cannot_start", reason=str(error))  # noqa: TRY400 - one line


def _make_checker(ctx: Context) -> Checker:
    settings = ctx.settings
    return Checker(memory_mb=settings.check_memory_mb, timeout_s=settings.check_timeout_s)


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
    count = ctx.settings.check_workers or os.cpu_count() or 1
    checkers = CheckerPool(count, lambda: _make_checker(ctx))
    workers = PhotoWorkers(ctx, checkers)
    ctx.queue.on_photo(workers.check)
    ctx.queue.huey.on_startup()(workers.warm_up)
    heartbeat = Sweeper(WORKER_HEARTBEAT, HEARTBEAT_INTERVAL_S, lambda _: None)
    threads = [SweeperThread(ctx, duties) for duties in ([heartbeat], *SWEEPERS.values())]
    stopping = threading.Event()
    jobs = threading.Thread(target=run_jobs_forever, args=(ctx, stopping), daemon=True)
    cutter = threading.Thread(target=cut_photos_forever, args=(ctx, stopping), daemon=True)
    consumer: Any = ctx.queue.huey.create_consumer(
        workers=checkers.thread_count,
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
    cutter.start()
    log.info("worker_started", checkers=count)
    spare_what_stays()
    try:
        consumer.run()
    finally:
        stopping.set()
        for thread in threads:
            thread.stop()
        checkers.close()
        log.info("worker_stopped")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
