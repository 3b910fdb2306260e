"""An S3 server for the tests, and what becomes of a test whose backend is missing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NoReturn

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

IS_CI = os.environ.get("CI") == "true"
S3_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def do_without(what: str) -> NoReturn:
    """Skip a test that lacks a backend; under CI=true that is a failure."""
    if IS_CI:
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"needs {what}")


@contextlib.contextmanager
def run_s3(bucket: str) -> Iterator[str]:
    """Give the address of an S3 server with one bucket; the keys are S3_CREDENTIALS."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        create_bucket(endpoint, bucket)
        yield endpoint
    finally:
        # the double keeps its buckets in the process, for every server that is started later
        httpx.post(f"{endpoint}/moto-api/reset").raise_for_status()
        server.stop()


def create_bucket(endpoint: str, bucket: str) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=bucket)
    client.close()
