"""Which models look for faces: one setting, two answers."""

from __future__ import annotations

import os
from functools import cache
from typing import Protocol

from imagecheck.decode import Rgb
from imagecheck.faces.face import Enough, Search, never
from imagecheck.faces.person import load_person_net
from imagecheck.heap import keep_freed_memory

ENV = "IMAGECHECK_FACES"
"""``mediapipe`` (the default) or ``dlib``."""
DEFAULT = "mediapipe"


class UnknownBackendError(RuntimeError):
    """The setting names no back end; the message is one line."""


class Backend(Protocol):
    """Finds faces and their landmarks in a picture at working size."""

    name: str

    def load(self) -> None:
        """Load all models, or raise `RuntimeError` with one clear line."""

    def search(
        self, pixels: Rgb, is_enough_for: Enough = never, *, is_upright: bool = False
    ) -> Search:
        """The faces of uint8 (h, w, 3) RGB pixels, about 480x640.

        Where a quick look finds faces, and the caller says that they are enough, no second look is
        taken that would find small or half faces beside them. Nobody asks whether the picture is
        turned where it ``is_upright`` for certain.
        """


@cache
def choose_backend(name: str | None = None) -> Backend:
    """The back end of that name, or the one of the setting.

    Raises:
        UnknownBackendError: there is no such back end.
    """
    keep_freed_memory()
    name = name or os.environ.get(ENV) or DEFAULT
    if name == "mediapipe":
        from imagecheck.faces.mediapipe import MediaPipeFaces

        return MediaPipeFaces()
    if name == "dlib":
        from imagecheck.faces.hog import HogFaces

        return HogFaces()
    raise UnknownBackendError(f"{ENV}: no face back end {name!r}; there are mediapipe, dlib")


def load_models() -> str:
    """Load the models of the chosen back end now, so that the first photo does not wait; its name.

    Raises:
        RuntimeError: they cannot be had; the message is one line.
    """
    backend = choose_backend()
    backend.load()
    load_person_net()
    return backend.name
