"""A large file in the photo store: encrypted pieces of a few megabytes.

Finished exports, and zips on their way to a background job. Every piece is sealed for its file and
its number, so pieces cannot be exchanged, and a reader can begin anywhere: that is what a resumed
download needs, and what reading a zip needs. Nothing is ever a whole file in the clear.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from typing import Any

from models import FieldCipher, FieldUnreadable, describe_place
from server.context import Context
from server.gateways.photo_store import PhotoMissing, PhotoStore, PhotoStoreUnavailable

CHUNK_BYTES = 4 * 1024 * 1024
MB = 1024 * 1024


class PieceUnreadable(Exception):
    """A piece is missing, damaged, or sealed with a key that is gone."""


def chunk_key(attempt: str, number: int) -> str:
    """Return the key of one piece; ``attempt`` is 32 hex digits."""
    return f"exports/{attempt[:2]}/{attempt}-{number:06d}"


def _chunk_place(attempt: str, number: int) -> bytes:
    """Return what one piece is sealed for."""
    return describe_place("export", str(number), attempt)


class ChunkWriter:
    """A file for zipfile that goes to the store piece by piece.

    zipfile goes back to the head of an entry once its size is known, so pieces are cut between
    entries only, when :meth:`settle` is called.
    """

    def __init__(self, ctx: Context, attempt: str) -> None:
        self._ctx = ctx
        self._attempt = attempt
        self._buffer = bytearray()
        self._base = 0
        self._position = 0
        self._hash = hashlib.sha256()
        self.chunk_count = 0

    def write(self, data: bytes) -> int:
        """Write at the present position."""
        start = self._position - self._base
        self._buffer[start : start + len(data)] = data
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        """Return the present position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position that has not been cut yet; raises ValueError for an earlier one."""
        if whence != io.SEEK_SET or offset < self._base:
            raise ValueError("this part is in the store already")
        self._position = offset
        return offset

    def flush(self) -> None:
        """Do nothing: pieces are durable once they are put."""

    def close(self) -> None:
        """Do nothing: :meth:`finish` ends the archive."""

    def settle(self) -> None:
        """Put every full piece into the store; raises PhotoStoreUnavailable."""
        while len(self._buffer) >= CHUNK_BYTES:
            self._put(CHUNK_BYTES)

    def finish(self) -> tuple[int, str]:
        """Put the rest and return the archive's size in bytes and SHA-256."""
        self.settle()
        if self._buffer:
            self._put(len(self._buffer))
        return self._base, self._hash.hexdigest()

    def _put(self, size: int) -> None:
        self._refuse_full_store()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._hash.update(data)
        place = _chunk_place(self._attempt, self.chunk_count)
        sealed = self._ctx.cipher.encrypt(data, place=place)
        self._ctx.photo_store.put(chunk_key(self._attempt, self.chunk_count), sealed)
        self.chunk_count += 1
        self._base += size

    def _refuse_full_store(self) -> None:
        """Leave the room that uploads need."""
        free = self._ctx.photo_store.free_bytes()
        if free is not None and free < self._ctx.settings.min_free_mb * MB + CHUNK_BYTES:
            raise PhotoStoreUnavailable("存储空间不足，没有地方放这个文件")


class ChunkReader(io.RawIOBase):
    """The file, to be read from anywhere; holds one piece at a time."""

    def __init__(self, store: PhotoStore, cipher: FieldCipher, attempt: str, size: int) -> None:
        super().__init__()
        self._store = store
        self._cipher = cipher
        self._attempt = attempt
        self._size = size
        self._position = 0
        self._number = -1
        self._piece = b""

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return the present position."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the piece goes, for ``io.BufferedReader``; 0 at the end."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` bytes, at most to the end of the piece; b"" at the end.

        Raises:
            PieceUnreadable.
        """
        if self._position >= self._size:
            return b""
        number, start = divmod(self._position, CHUNK_BYTES)
        if number != self._number:
            self._piece = self._open(number)
            self._number = number
        data = self._piece[start:] if size < 0 else self._piece[start : start + size]
        if not data:
            raise PieceUnreadable(self._attempt)
        self._position += len(data)
        return data

    def _open(self, number: int) -> bytes:
        try:
            sealed = self._store.get(chunk_key(self._attempt, number))
            return self._cipher.decrypt_bytes(sealed, place=_chunk_place(self._attempt, number))
        except (PhotoMissing, FieldUnreadable) as error:
            raise PieceUnreadable(self._attempt) from error


def delete_chunks(store: PhotoStore, attempt: str, known_count: int = 0) -> None:
    """Remove every piece of an attempt; raises PhotoStoreUnavailable."""
    number = 0
    while number < known_count or store.has(chunk_key(attempt, number)):
        store.delete(chunk_key(attempt, number))
        number += 1


def try_to_delete_chunks(store: PhotoStore, attempt: str, known_count: int = 0) -> bool:
    """Remove the pieces if the store answers; returns whether they are gone."""
    with contextlib.suppress(PhotoStoreUnavailable):
        delete_chunks(store, attempt, known_count)
        return True
    return False
