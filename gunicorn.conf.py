"""gunicorn: one process with threads by default; several where Redis counts the rate limits."""

from __future__ import annotations

import os

workers = int(os.environ.get("WEB_CONCURRENCY") or "1")
threads = int(os.environ.get("WEB_THREADS") or "96")
worker_class = "server.gunicorn_worker.Worker"
timeout = 60
graceful_timeout = 30
keepalive = 15
# The request line and headers of the mini-program are short.
limit_request_line = 4094
limit_request_fields = 60
accesslog = None
errorlog = "-"
loglevel = "warning"
# Nobody uses it, and two installations of one user would share it.
control_socket_disable = True
# Heartbeat files in memory: a full disk must not look like a dead worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112, S108


def on_starting(_server: object) -> None:
    """Prove the configuration once, before any process is forked: one fault, one line."""
    import sys

    from server.settings import SettingsInvalid, load_settings
    from server.wiring import build_context, verify_context

    try:
        ctx = build_context(load_settings())
        verify_context(ctx)
        ctx.db.dispose()
    except SettingsInvalid as error:
        print(f"caiji: {error}", file=sys.stderr)  # noqa: T201 - the one line for the operator
        raise SystemExit(4) from None
