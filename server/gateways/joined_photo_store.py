"""Two photo stores as one, while photos move from the former to the present one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from server.gateways.photo_store import PhotoMissing, PhotoStore


class JoinedPhotoStore:
    """Writes to the present store alone; reads from the former what is not there yet."""

    def __init__(self, present: PhotoStore, former: PhotoStore) -> None:
        self.present = present
        self.former = former

    def put(self, key: str, data: bytes) -> None:
        """Store ``data`` in the present store."""
        self.present.put(key, data)

    def get(self, key: str) -> bytes:
        """Return the bytes from the store that has them intact."""
        try:
            return self.present.get(key)
        except PhotoMissing:
            return self.former.get(key)

    def delete(self, key: str) -> None:
        """Remove ``key`` from both: what is deleted must not come back with the migration."""
        self.former.delete(key)
        self.present.delete(key)

    def has(self, key: str) -> bool:
        """Tell whether either has ``key``."""
        return self.present.has(key) or self.former.has(key)

    def list_keys(self) -> Iterator[str]:
        """Yield every key once."""
        yield from self.present.list_keys()
        for key in self.former.list_keys():
            if not self.present.has(key):
                yield key

    def modified_at(self, key: str) -> dt.datetime:
        """Return when ``key`` was last put."""
        try:
            return self.present.modified_at(key)
        except PhotoMissing:
            return self.former.modified_at(key)

    def remove_unfinished(self, not_after: dt.datetime) -> int:
        """Delete half-written files of the present store; nobody writes to the former."""
        return self.present.remove_unfinished(not_after)

    def free_bytes(self) -> int | None:
        """Return the free space of the present store."""
        return self.present.free_bytes()

    def verify(self) -> None:
        """Prove that the present store can be written."""
        self.present.verify()
