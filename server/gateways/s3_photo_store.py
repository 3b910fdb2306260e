"""Photos in any S3-compatible store (AWS, MinIO, Tencent COS, Aliyun OSS).

``s3://bucket/prefix?endpoint=https://host&region=name``. Credentials come from boto3's own chain
(``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` or an instance role).
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from server.gateways.photo_store import PhotoMissing, PhotoStoreUnavailable, content_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECT_TIMEOUT_S = 2
READ_TIMEOUT_S = 5
MISSING_CODES = {"404", "NoSuchKey", "NotFound"}


class S3PhotoStore:
    """A bucket and a prefix. Every write carries the SHA-256 of its content as metadata."""

    def __init__(
        self, bucket: str, prefix: str, *, endpoint: str | None, region: str | None
    ) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._endpoint = endpoint
        self._region = region
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
        )

    def put(self, key: str, data: bytes) -> None:
        """Store ``data`` under ``key``; raises PhotoStoreUnavailable."""
        with _translate_errors(key):
            self._client.put_object(
                Bucket=self.bucket,
                Key=self.prefix + key,
                Body=data,
                Metadata={"sha256": hashlib.sha256(data).hexdigest()},
            )

    def get(self, key: str) -> bytes:
        """Return the bytes of ``key``."""
        with _translate_errors(key):
            answer = self._client.get_object(Bucket=self.bucket, Key=self.prefix + key)
            return answer["Body"].read()

    def delete(self, key: str) -> None:
        """Remove ``key``."""
        with _translate_errors(key):
            self._client.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def has(self, key: str) -> bool:
        """Tell whether ``key`` exists."""
        try:
            with _translate_errors(key):
                self._client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        except PhotoMissing:
            return False
        return True

    def list_keys(self) -> Iterator[str]:
        """Yield every key under the prefix."""
        pages = self._client.get_paginator("list_objects_v2")
        with _translate_errors(""):
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix):
                for item in page.get("Contents", []):
                    yield item["Key"].removeprefix(self.prefix)

    def free_bytes(self) -> int | None:
        """Return None: a bucket has no such limit."""
        return None

    def verify(self) -> None:
        """Prove that the bucket can be written."""
        probe = content_key("probe", uuid.uuid4().hex * 2, ".bin")
        self.put(probe, b"caiji")
        self.delete(probe)

    @property
    def _client(self) -> S3Client:
        with self._lock:
            if self._made is None:
                self._made = _create_client(self._endpoint, self._region)
            return self._made


def _create_client(endpoint: str | None, region: str | None) -> S3Client:
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        region_name=region or "us-east-1",
        config=Config(
            connect_timeout=CONNECT_TIMEOUT_S,
            read_timeout=READ_TIMEOUT_S,
            retries={"max_attempts": 2, "mode": "standard"},
            # COS, OSS and older MinIO do not know the newer checksum headers.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@contextlib.contextmanager
def _translate_errors(key: str) -> Iterator[None]:
    """Turn boto3's errors into ours."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in MISSING_CODES:
            raise PhotoMissing(key) from error
        raise PhotoStoreUnavailable from error
    except BotoCoreError as error:
        raise PhotoStoreUnavailable from error
