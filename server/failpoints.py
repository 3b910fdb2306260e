"""Named places at which the crash tests kill the process.

`CAIJI_FAILPOINTS=name,other:0.05` arms them, with a chance for each pass where one is given; the
settings refuse that outside demo mode. A place that is not armed costs one look into an empty
mapping.
"""

import os
import random
import signal


def read_chances(text: str) -> dict[str, float]:
    """Return name to chance: ``name`` alone is certain, ``name:0.05`` is one pass in twenty."""
    parts = (part.strip().partition(":") for part in text.split(",") if part.strip())
    return {name: float(chance or 1) for name, _, chance in parts}


ARMED = read_chances(os.environ.get("CAIJI_FAILPOINTS", ""))


def hit(name: str) -> None:
    """Die here, as a power cut would, when `name` is armed and its chance comes up."""
    if name in ARMED and random.random() < ARMED[name]:  # noqa: S311 - no secret hangs on it
        os.kill(os.getpid(), signal.SIGKILL)
