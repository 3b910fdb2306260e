"""Which faces of one college are near: one pass of NumPy over its decrypted rows.

Loaded by the worker alone; nothing here leaves it. Limits and their figures: docs/faces.md.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LENGTH = 128
_PACKING = struct.Struct(f"<{LENGTH}f")
Encoding = npt.NDArray[np.float32]


def pack_encoding(values: Sequence[float]) -> bytes:
    """Return 128 floats as 512 bytes."""
    return _PACKING.pack(*values)


def unpack_encoding(data: bytes) -> Encoding:
    """Return what was packed, float32 (128,)."""
    return np.frombuffer(data, "<f4").astype(np.float32)


class Faces:
    """The faces of one college in memory, added as they are decrypted.

    The squared lengths are kept, so that a search is one matrix product.
    """

    def __init__(self) -> None:
        self._ids: list[uuid.UUID] = []
        self._rows = np.empty((0, LENGTH), np.float32)
        self._squares = np.empty(0, np.float32)

    def __len__(self) -> int:
        return len(self._ids)

    def keep(self, wanted: Sequence[uuid.UUID]) -> set[uuid.UUID]:
        """Let go of all that is not wanted; return what is missing."""
        known = set(self._ids)
        asked = set(wanted)
        if known - asked:
            places = [place for place, each in enumerate(self._ids) if each in asked]
            self._ids = [self._ids[place] for place in places]
            self._rows, self._squares = self._rows[places], self._squares[places]
        return asked - known

    def add(self, ids: Sequence[uuid.UUID], rows: Encoding) -> None:
        """Add faces, float32 (n, 128)."""
        self._ids += ids
        self._rows = np.concatenate([self._rows, rows])
        self._squares = np.concatenate([self._squares, np.einsum("ij,ij->i", rows, rows)])

    def measure(self, face: Encoding, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, float]:
        """Return the distance to each of these that is here."""
        places = {each: place for place, each in enumerate(self._ids)}
        rows = {each: self._rows[places[each]] for each in ids if each in places}
        return {each: float(np.linalg.norm(row - face)) for each, row in rows.items()}

    def find_near(self, face: Encoding, limit: float) -> list[tuple[uuid.UUID, float]]:
        """Return (id, distance) of all within ``limit``, the nearest first."""
        squares = self._squares - 2 * (self._rows @ face) + face @ face
        near = np.flatnonzero(squares <= limit * limit)
        found = [(self._ids[place], float(max(squares[place], 0.0)) ** 0.5) for place in near]
        return sorted(found, key=lambda each: each[1])
