"""Python's collector of cyclic garbage in processes that live long and allocate much."""

from __future__ import annotations

import gc

NEW_OBJECTS = 10_000
"""So many more objects than were freed start a collection. Python's own 700 are reached several
times in one request, whose objects nearly all go without it."""


def spare_what_stays() -> None:
    """Exempt all that has been loaded so far, and collect less often.

    Modules, mappers and routes are some 200,000 objects that never become garbage; looking through
    them again and again took an eighth of a worker's own time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
