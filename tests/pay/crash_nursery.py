"""Delivers notices in processes of their own, which die at an armed failpoint.

Reads one JSON object a line: ``failpoint, settings, now, headers, body``. For each it forks a child
that is armed through the environment, as an installation would be, and writes ``killed`` or
``done``. Forking from one process that has everything imported keeps a death cheap.
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import os
import signal
import sys
from typing import Any

from server import failpoints
from server.gateways.clock import SettableClock
from server.observability.logs import configure_logs
from server.services.money.settling.receive_notice import receive_notice
from server.settings import load_settings
from server.wiring import build_context


def deliver(work: dict[str, Any]) -> None:
    os.environ["CAIJI_FAILPOINTS"] = work["failpoint"]
    importlib.reload(failpoints)
    clock = SettableClock(dt.datetime.fromisoformat(work["now"]))
    ctx = build_context(load_settings(**work["settings"]), clock)
    receive_notice(ctx, work["headers"], work["body"].encode())


def main() -> None:
    configure_logs("ERROR")  # answers go to standard output, logs to standard error
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            deliver(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        is_killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert is_killed or status == 0, status
        sys.stdout.write("killed\n" if is_killed else "done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
