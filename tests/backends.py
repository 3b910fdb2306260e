"""Real PostgreSQL, Redis and S3 servers for the tests; each gives an address that nobody shares."""

import contextlib
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator

import boto3
import psycopg
import pytest
import redis
from moto.server import ThreadedMotoServer

IS_CI = os.environ.get("CI") == "true"
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
S3_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def do_without(what: str) -> None:
    """Skip a test that lacks a backend; under CI=true that is a failure."""
    if IS_CI:
        pytest.fail(f"CI needs {what}")
    pytest.skip(f"needs {what}")


@contextlib.contextmanager
def make_postgres_database() -> Iterator[str]:
    """Give the address of an empty database; it is dropped at the end."""
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        do_without(f"PostgreSQL at TEST_POSTGRES_URL ({type(error).__name__})")
    name = f"caiji_test_{uuid.uuid4().hex[:12]}"
    admin.execute(f"CREATE DATABASE {name}")
    server = POSTGRES.rsplit("/", 1)[0].replace("postgresql://", "postgresql+psycopg://")
    try:
        yield f"{server}/{name}"
    finally:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        admin.close()


@contextlib.contextmanager
def run_redis(port: int) -> Iterator[str]:
    """Give the address of an own Redis that keeps nothing."""
    if shutil.which("redis-server") is None:
        do_without("redis-server")
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"]
    process = subprocess.Popen([*command, "--bind", "127.0.0.1"], stdout=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port) as client:
            _wait_for_redis(client)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for_redis(client: "redis.Redis") -> None:
    from tests.system.stack import wait_until

    def answers() -> bool:
        with contextlib.suppress(redis.ConnectionError):
            return bool(client.ping())
        return False

    wait_until(answers, 10, "redis starts")


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
