"""``python -m server.leash COMMAND…``: run a command that ends when its parent dies.

A supervisor that is killed cannot end what it started, and the next ``make run`` would find the
ports taken. Linux sends the command SIGTERM then (prctl(2), PR_SET_PDEATHSIG); elsewhere it runs
as it would without us.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie this process to its parent and become the command."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            sys.exit("the parent ended before the command began")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - the command line of demo.conf


if __name__ == "__main__":
    main()
