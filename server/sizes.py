"""How large what people and programs send us may be: every limit in one place.

``deploy/nginx.conf`` repeats two of them and tests/house/test_compose.py compares; docs/limits.md
tells people.
"""

from __future__ import annotations

MAX_PHOTO_BYTES = 10 * 1024 * 1024
"""One photo."""
MAX_ROSTER_BYTES = 30 * 1024 * 1024
"""One roster: 100,000 students in an old xls."""
MAX_BODY_BYTES = 32 * 1024 * 1024
"""Any body: the largest of these with its form around it."""
MAX_NOTICE_BYTES = 64 * 1024
"""A payment notice; the largest documented one is under 8 KiB."""
SMALL_BODY_BYTES = 64 * 1024
"""A body that the event loop receives whole before a thread is given to its request."""
