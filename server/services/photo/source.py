"""Where a photo came from, as the client says: the camera of the page, or the album."""

from __future__ import annotations

SOURCES = ("camera", "album")
ON_SITE = "staff"
"""Taken by staff, who stand in ``taken_by``; no client may say so."""


def choose_source(known: str, told: str | None) -> str:
    """Return what is kept; the same bytes sent from the album later stay a camera's.

    A code that allows the camera alone is enforced by the client and said to the reviewer: a
    server cannot tell a photograph of now from one of then.
    """
    return known if told is None or known in {"camera", ON_SITE} else told
