"""``flask migrate-store``: folder to S3 and back, with the service running."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.gateways.joined_photo_store import JoinedPhotoStore
from server.gateways.photo_store import (
    FolderPhotoStore,
    PhotoMissing,
    PhotoStore,
    PhotoStoreUnavailable,
    content_key,
    hash_bytes,
)
from server.gateways.s3_photo_store import S3PhotoStore
from server.transfer.migrate_store import migrate_store
from tests.backends import S3_CREDENTIALS, run_s3

PHOTOS = [b"\xff\xd8\xff photo %d" % number for number in range(7)]
KEYS = [content_key("originals", hash_bytes(photo), ".bin") for photo in PHOTOS]


@pytest.fixture
def folder(tmp_path: Path) -> FolderPhotoStore:
    return FolderPhotoStore(tmp_path / "photos")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[PhotoStore]:
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with run_s3("photos") as endpoint:
        yield S3PhotoStore.from_url(f"s3://photos/college?endpoint={endpoint}")


def fill(store: PhotoStore) -> None:
    for key, photo in zip(KEYS, PHOTOS, strict=True):
        store.put(key, photo)
    store.put("exports/aa/list.zip", b"zip")


def read_all(store: PhotoStore) -> dict[str, bytes]:
    return {key: store.get(key) for key in store.list_keys()}


def test_there_and_back_again(folder: FolderPhotoStore, bucket: PhotoStore, tmp_path: Path) -> None:
    fill(folder)
    seen: list[int] = []
    done = migrate_store(folder, bucket, lambda _label, count, _total: seen.append(count))
    assert (done.copied, done.present, done.damaged) == (8, 0, [])
    assert seen[-1] == 8
    assert read_all(bucket) == read_all(folder)
    back = FolderPhotoStore(tmp_path / "back")
    migrate_store(bucket, back)
    assert read_all(back) == read_all(folder)


class BreaksOff(FolderPhotoStore):
    """A store that goes away after a few writes."""

    left = 4

    def put(self, key: str, data: bytes) -> None:
        self.left -= 1
        if self.left < 0:
            raise PhotoStoreUnavailable
        super().put(key, data)


def test_interrupted_run_goes_on_where_it_stopped(folder: FolderPhotoStore, tmp_path: Path) -> None:
    fill(folder)
    with pytest.raises(PhotoStoreUnavailable):
        migrate_store(folder, BreaksOff(tmp_path / "new"))
    new = FolderPhotoStore(tmp_path / "new")
    present = len(list(new.list_keys()))
    assert present == 3
    damaged = new.folder / max(new.list_keys())
    damaged.write_bytes(bytes(len(damaged.read_bytes())))
    done = migrate_store(folder, new)
    assert (done.copied, done.present) == (6, 2)
    assert read_all(new) == read_all(folder)


def test_damaged_photo_is_named_and_not_copied(folder: FolderPhotoStore, tmp_path: Path) -> None:
    fill(folder)
    (folder.folder / KEYS[3]).write_bytes(b"rotten")
    new = FolderPhotoStore(tmp_path / "new")
    done = migrate_store(folder, new)
    assert (done.copied, done.damaged) == (7, [KEYS[3]])
    assert not new.has(KEYS[3])


def test_photos_are_found_while_they_move(folder: FolderPhotoStore, tmp_path: Path) -> None:
    """Web and worker already use the new store; the former one is still read."""
    fill(folder)
    new = FolderPhotoStore(tmp_path / "new")
    joined = JoinedPhotoStore(new, folder)
    joined.verify()
    joined.put("exports/bb/new.zip", b"new")
    assert not folder.has("exports/bb/new.zip")
    assert joined.get(KEYS[0]) == PHOTOS[0]
    assert joined.modified_at(KEYS[0]) == folder.modified_at(KEYS[0])
    joined.delete(KEYS[1])
    migrate_store(folder, new)
    assert not joined.has(KEYS[1])
    with pytest.raises(PhotoMissing):
        joined.get(KEYS[1])
    assert len(list(joined.list_keys())) == len(list(new.list_keys())) == 8
