"""Named places at which the crash tests kill the process.

`CAIJI_FAILPOINTS=name,name` arms them for good. `CAIJI_FAILPOINTS=/folder` arms a place once for
each file of its name in the folder, so that a test can choose the moment. The settings refuse both
outside demo mode. A place that is not armed costs one look into an empty set.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_TEXT = os.environ.get("CAIJI_FAILPOINTS", "")
FOLDER = Path(_TEXT) if _TEXT.startswith("/") else None
ARMED = frozenset() if FOLDER else frozenset(filter(None, _TEXT.split(",")))


def hit(name: str) -> None:
    """Die here, as a power cut would, when `name` is armed."""
    if name in ARMED or (FOLDER is not None and _use_up(FOLDER / name)):
        os.kill(os.getpid(), signal.SIGKILL)


def _use_up(file: Path) -> bool:
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True
