"""Photos in any S3-compatible store (AWS, MinIO, Tencent COS, Aliyun OSS).

``s3://bucket/prefix?endpoint=https://host&region=name&style=virtual``. Credentials come from
boto3's own chain (``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` or an instance role). With an
endpoint the bucket stands in the path, as MinIO expects; ``style=virtual`` puts it into the host
name, as COS and OSS demand.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import structlog

from server.gateways.photo_store import (
    PhotoMissing,
    PhotoStoreUnavailable,
    hash_bytes,
    prove_writable,
    require_intact,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = structlog.get_logger()

Style = Literal["auto", "virtual"]

CONNECT_TIMEOUT_S = 2.0
READ_TIMEOUT_S = 4.0
ATTEMPTS = 2
"""A store that hangs costs a caller at most twice the time-out: it never holds a thread longer."""
DOWNLOAD_LIMIT_S = 15.0
CHUNK_BYTES = 16 * 1024
UNVERSIONED = "null"
"""The version of an object in a bucket that keeps none."""
UNKNOWN_CALL = {"NotImplemented", "MethodNotAllowed", "AccessDenied"}
"""How stores say that they have no versions, or do not let us see them."""
MISSING_CODES = {"404", "NoSuchKey", "NotFound"}


class S3PhotoStore:
    """A bucket and a prefix. Every write carries the SHA-256 of its content as metadata."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        endpoint: str | None = None,
        region: str | None = None,
        style: Style = "auto",
        read_timeout_s: float = READ_TIMEOUT_S,
        page_size: int = 1000,
    ) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._endpoint = endpoint
        self._region = region
        self._style = style
        self._read_timeout_s = read_timeout_s
        self._page_size = page_size
        self._lock = threading.Lock()
        self._made: S3Client | None = None

    @classmethod
    def from_url(cls, url: str) -> S3PhotoStore:
        """Return the store that an ``s3://`` address names."""
        parts = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parts.query))
        return cls(
            parts.netloc,
            parts.path,
            endpoint=query.get("endpoint"),
            region=query.get("region"),
            style="virtual" if query.get("style") == "virtual" else "auto",
        )

    def put(self, key: str, data: bytes) -> None:
        """Store ``data`` under ``key``; raises PhotoStoreUnavailable."""
        with _translate_errors(key):
            self._client.put_object(
                Bucket=self.bucket,
                Key=self.prefix + key,
                Body=data,
                # Every S3-compatible store compares this with what arrived.
                ContentMD5=base64.b64encode(
                    hashlib.md5(data, usedforsecurity=False).digest()
                ).decode(),
                Metadata={"sha256": hash_bytes(data)},
            )

    def get(self, key: str) -> bytes:
        """Return the bytes of ``key``; raises PhotoMissing, PhotoDamaged, PhotoStoreUnavailable."""
        deadline = time.monotonic() + DOWNLOAD_LIMIT_S
        received = bytearray()
        with _translate_errors(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=self.prefix + key)
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                received += chunk
                if time.monotonic() > deadline:
                    answer["Body"].close()
                    raise PhotoStoreUnavailable
        return require_intact(key, bytes(received))

    def delete(self, key: str) -> None:
        """Remove ``key`` with every version that the bucket keeps of it, and name them in the log.

        A bucket with versioning only hides what is deleted without a version.
        """
        name = self.prefix + key
        with _translate_errors(key):
            versions = self._list_versions(name)
            for version in versions:
                self._client.delete_object(Bucket=self.bucket, Key=name, VersionId=version)
            if not versions:
                self._client.delete_object(Bucket=self.bucket, Key=name)
        if len(versions) > 1:
            log.info("versions_deleted", key=key, versions=versions)

    def _list_versions(self, name: str) -> list[str]:
        """Return the ids of all versions and markers; none where the store knows no versions."""
        from botocore.exceptions import ClientError

        try:
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=name
            )
            return [
                item["VersionId"]
                for page in pages
                for item in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
                if item["Key"] == name and item["VersionId"] != UNVERSIONED
            ]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in UNKNOWN_CALL:
                return []
            raise

    def has(self, key: str) -> bool:
        """Tell whether ``key`` exists."""
        try:
            with _translate_errors(key):
                self._client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        except PhotoMissing:
            return False
        return True

    def remove_unfinished(self, not_after: dt.datetime) -> int:
        """Return 0: an object appears whole or not at all."""
        return 0

    def list_keys(self) -> Iterator[str]:
        """Yield every key under the prefix."""
        with _translate_errors(""):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(
                Bucket=self.bucket,
                Prefix=self.prefix,
                PaginationConfig={"PageSize": self._page_size},
            ):
                for item in page.get("Contents", []):
                    yield item["Key"].removeprefix(self.prefix)

    def modified_at(self, key: str) -> dt.datetime:
        """Return when ``key`` was last put; raises PhotoMissing or PhotoStoreUnavailable."""
        with _translate_errors(key):
            head = self._client.head_object(Bucket=self.bucket, Key=self.prefix + key)
            return head["LastModified"].astimezone(dt.UTC)

    def free_bytes(self) -> int | None:
        """Return None: a bucket has no such limit."""
        return None

    def verify(self) -> None:
        """Prove that the bucket can be written, read and deleted from."""
        prove_writable(self)

    def create_bucket(self) -> bool:
        """Make the bucket; False when it was there. Raises PhotoStoreUnavailable."""
        with _translate_errors(self.bucket):
            try:
                self._client.head_bucket(Bucket=self.bucket)
            except self._client.exceptions.ClientError as error:
                if error.response.get("Error", {}).get("Code") not in MISSING_CODES:
                    raise
            else:
                return False
            self._client.create_bucket(Bucket=self.bucket)
        return True

    @property
    def _client(self) -> S3Client:
        with self._lock:
            if self._made is None:
                self._made = self._create_client()
            return self._made

    def _create_client(self) -> S3Client:
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self._endpoint,
            region_name=self._region or "us-east-1",
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_S,
                read_timeout=self._read_timeout_s,
                retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
                max_pool_connections=32,
                # COS, OSS and older MinIO do not know the newer checksum headers.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": self._style},
            ),
        )


@contextlib.contextmanager
def _translate_errors(key: str) -> Iterator[None]:
    """Turn boto3's errors into ours; ValueError is how it refuses an endpoint."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in MISSING_CODES:
            raise PhotoMissing(key) from error
        raise PhotoStoreUnavailable from error
    except (BotoCoreError, ValueError) as error:
        raise PhotoStoreUnavailable from error
