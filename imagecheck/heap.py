"""Keeps freed memory for the next picture, where the C library can be told to.

A check fills some twenty arrays of a few megabytes each. glibc gives their memory back to the
system at once and asks for it anew, and every fresh page costs a fault: a tenth of all time.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Names of the settings in glibc's malloc.h."""
_KEPT_BYTES = 32 * 1024 * 1024
"""So much free memory may stay at the end of the heap; glibc's own bound of the second setting."""


@cache
def keep_freed_memory() -> bool:
    """Tell malloc once; whether it listens. Peaks do not grow, only what stays between photos."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library: musl has no such setting
        return False
    return all(mallopt(name, _KEPT_BYTES) for name in (_MMAP_THRESHOLD, _TRIM_THRESHOLD))
