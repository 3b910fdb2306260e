"""One contract for every photo store, and what is particular to each."""

from __future__ import annotations

import http.server
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from server.gateways.photo_store import (
    FolderPhotoStore,
    PhotoDamaged,
    PhotoMissing,
    PhotoStore,
    PhotoStoreUnavailable,
    content_key,
    hash_bytes,
)
from server.gateways.s3_photo_store import S3PhotoStore
from server.settings import SettingsInvalid, check_photo_store
from tests.backends import S3_CREDENTIALS, create_bucket, run_s3

KEY = content_key("originals", hash_bytes(b"face"), ".bin")
OTHER = content_key("standard", hash_bytes(b"other"), ".jpg")


@pytest.fixture(scope="module")
def s3_endpoint() -> Iterator[str]:
    with run_s3("photos") as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in S3_CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def bucket(s3_endpoint: str) -> str:
    name = f"photos-{os.urandom(6).hex()}"
    create_bucket(s3_endpoint, name)
    return name


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PhotoStore:
    if request.param == "folder":
        return FolderPhotoStore(tmp_path / "photos")
    endpoint: str = request.getfixturevalue("s3_endpoint")
    bucket: str = request.getfixturevalue("bucket")
    return S3PhotoStore.from_url(f"s3://{bucket}/college/a?endpoint={endpoint}")


@pytest.fixture
def damage(store: PhotoStore, request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Overwrite an object behind the store's back."""
    if isinstance(store, FolderPhotoStore):
        folder = store.folder
        return lambda key, data: (folder / key).write_bytes(data) and None
    assert isinstance(store, S3PhotoStore)
    client = boto3.client("s3", endpoint_url=request.getfixturevalue("s3_endpoint"))
    bucket, prefix = store.bucket, store.prefix
    return lambda key, data: client.put_object(Bucket=bucket, Key=prefix + key, Body=data) and None


def test_what_was_put_is_there(store: PhotoStore) -> None:
    assert list(store.list_keys()) == []
    store.put(KEY, b"face")
    store.put(KEY, b"face")
    store.put(OTHER, b"other")
    assert store.get(KEY) == b"face"
    assert store.has(KEY)
    assert sorted(store.list_keys()) == [KEY, OTHER]
    assert abs(store.modified_at(KEY).timestamp() - time.time()) < 60
    store.delete(KEY)
    assert not store.has(KEY)
    assert list(store.list_keys()) == [OTHER]


def test_missing_key_is_told(store: PhotoStore) -> None:
    for question in (store.get, store.modified_at):
        with pytest.raises(PhotoMissing):
            question(KEY)
    assert not store.has(KEY)
    store.delete(KEY)


def test_bytes_that_the_key_does_not_name_are_never_given_out(
    store: PhotoStore, damage: Callable[[str, bytes], None]
) -> None:
    store.put(KEY, b"face")
    damage(KEY, b"fake")
    with pytest.raises(PhotoDamaged):
        store.get(KEY)
    damage(KEY, b"fa")
    store.put(KEY, b"face")
    assert store.get(KEY) == b"face"


def test_key_without_a_hash_is_taken_as_it_is(store: PhotoStore) -> None:
    store.put("exports/ab/list.zip", b"first")
    assert store.get("exports/ab/list.zip") == b"first"


def test_probe_proves_the_store_and_leaves_nothing(store: PhotoStore) -> None:
    store.verify()
    assert list(store.list_keys()) == []
    free = store.free_bytes()
    assert free is None or free > 0


def test_bucket_with_more_than_one_page_is_listed_whole(s3_endpoint: str, bucket: str) -> None:
    store = S3PhotoStore(bucket, "many", endpoint=s3_endpoint, page_size=2)
    for number in range(5):
        store.put(f"originals/00/{number}.bin", b"x")
    S3PhotoStore(bucket, "many-others", endpoint=s3_endpoint).put("originals/00/x.bin", b"x")
    assert [key[-5:] for key in store.list_keys()] == [f"{number}.bin" for number in range(5)]


def test_bucket_that_is_not_there_is_unavailable(s3_endpoint: str) -> None:
    store = S3PhotoStore("nowhere", endpoint=s3_endpoint)
    for call in (store.verify, lambda: list(store.list_keys()), lambda: store.put(KEY, b"face")):
        with pytest.raises(PhotoStoreUnavailable):
            call()
    assert store.create_bucket()
    assert not store.create_bucket()
    store.verify()


class Trouble(http.server.BaseHTTPRequestHandler):
    """An S3 server on a bad day; the bucket's name says which."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        trouble = self.path.split("/")[1].split("?")[0]
        if trouble == "hangs":
            time.sleep(1)
        elif trouble == "breaks":
            self.send_response(500)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif trouble == "stops":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half of it")
        self.close_connection = True

    do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def troubled_endpoint() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Trouble)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("trouble", ["hangs", "breaks", "stops", "drops"])
def test_store_in_trouble_is_unavailable_and_holds_nobody(
    troubled_endpoint: str, trouble: str
) -> None:
    store = S3PhotoStore(trouble, endpoint=troubled_endpoint, read_timeout_s=0.3)
    calls: list[Callable[[], object]] = [lambda: store.get(KEY)]
    if trouble != "stops":
        calls += [lambda: store.put(KEY, b"face"), lambda: store.has(KEY), store.verify]
    for call in calls:
        with pytest.raises(PhotoStoreUnavailable):
            call()


def test_store_that_nobody_serves_is_unavailable() -> None:
    store = S3PhotoStore("photos", endpoint="http://127.0.0.1:9")
    with pytest.raises(PhotoStoreUnavailable):
        store.verify()


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///prefix",
        "s3://bucket?endpoint=nonsense",
        "s3://bucket?style=sideways",
        "s3://bucket?endpont=https://photos.example.edu.cn",
        "ftp://photos.example.edu.cn",
    ],
)
def test_wrong_address_of_a_store_is_named(url: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"^CAIJI_PHOTO_STORE: "):
        check_photo_store("PHOTO_STORE", url)


@pytest.mark.parametrize("key", ["../outside", "/etc/passwd", "originals/../../x"])
def test_key_cannot_leave_the_folder(tmp_path: Path, key: str) -> None:
    with pytest.raises(PhotoMissing):
        FolderPhotoStore(tmp_path / "photos").get(key)


def test_folder_that_cannot_be_written_keeps_nothing_behind(tmp_path: Path) -> None:
    store = FolderPhotoStore(tmp_path / "photos")
    store.put(KEY, b"face")
    assert list(store.list_unfinished()) == []
    assert (store.folder / KEY).stat().st_mode & 0o777 == 0o600
    (store.folder / "incoming").rmdir()
    (store.folder / "incoming").write_bytes(b"a file where the folder should be")
    with pytest.raises(PhotoStoreUnavailable):
        store.put(OTHER, b"other")
    assert list(store.list_keys()) == [KEY]


def test_good_bytes_replace_a_damaged_file_of_the_same_size(
    store: PhotoStore, damage: Callable[[str, bytes], None]
) -> None:
    store.put(KEY, b"face")
    damage(KEY, b"f4ce")
    store.put(KEY, b"face")
    assert store.get(KEY) == b"face"


def test_every_version_of_what_is_deleted_goes(s3_endpoint: str, bucket: str) -> None:
    """A bucket with versioning hides an object and keeps its bytes, unless told which versions."""
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = S3PhotoStore(bucket, "college/a", endpoint=s3_endpoint)
    key, other = "standard/00/x.jpg", "standard/00/x.jpg.other"
    for name in (key, key, other):
        store.put(name, b"photo")
    client.delete_object(Bucket=bucket, Key=f"college/a/{key}")
    store.put(key, b"photo again")
    store.delete(key)
    left = client.list_object_versions(Bucket=bucket)
    assert [one["Key"] for one in left.get("Versions", [])] == [f"college/a/{other}"]
    assert left.get("DeleteMarkers", []) == []
