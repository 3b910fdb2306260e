from pathlib import Path

import pytest

from server.gateways.photo_store import (
    FolderPhotoStore,
    PhotoMissing,
    PhotoStoreUnavailable,
    content_key,
    hash_bytes,
)

KEY = content_key("originals", hash_bytes(b"face"), ".bin")


@pytest.fixture
def store(tmp_path: Path) -> FolderPhotoStore:
    return FolderPhotoStore(tmp_path / "photos")


def test_what_was_put_is_there(store: FolderPhotoStore) -> None:
    store.put(KEY, b"face")
    store.put(KEY, b"face")
    assert store.get(KEY) == b"face"
    assert store.has(KEY)
    assert list(store.list_keys()) == [KEY]
    assert list(store.list_unfinished()) == []
    assert (store.folder / KEY).stat().st_mode & 0o777 == 0o600


def test_missing_key_is_told(store: FolderPhotoStore) -> None:
    with pytest.raises(PhotoMissing):
        store.get(KEY)
    store.delete(KEY)


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "originals/../../x"])
def test_key_cannot_leave_the_folder(store: FolderPhotoStore, key: str) -> None:
    with pytest.raises(PhotoMissing):
        store.get(key)


def test_store_that_cannot_be_written_leaves_nothing_behind(store: FolderPhotoStore) -> None:
    store.put(KEY, b"face")
    (store.folder / "incoming").rmdir()
    (store.folder / "incoming").write_bytes(b"a file where the folder should be")
    with pytest.raises(PhotoStoreUnavailable):
        store.put(content_key("originals", hash_bytes(b"other"), ".bin"), b"other")
    assert list(store.list_keys()) == [KEY]
