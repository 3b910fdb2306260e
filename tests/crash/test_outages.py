"""What the service stands on fails, and comes back: an honest answer, and well again by itself."""

from __future__ import annotations

import contextlib
import itertools
import resource
import sqlite3
from collections.abc import Iterator

import httpx
import pytest

from benchmarks.rig.backends import reserve_port, run_redis
from benchmarks.rig.portraits import jpeg_bytes
from benchmarks.rig.stack import Stack, Student, run_stack, wait_until
from server.gateways.photo_store import FolderPhotoStore
from tests.backends import S3_CREDENTIALS, run_s3
from tests.crash.storm import list_children, number_jpeg
from tests.crash.wire import Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
_numbers = itertools.count()
_places = itertools.count()
_people: list[dict[str, str]] = []
"""The demo students are the same in every installation."""


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The embedded default: SQLite and a folder, without the watermark of the disk."""
    folder = tmp_path_factory.mktemp("alone")
    with run_stack(folder, CAIJI_MIN_FREE_MB="0", CAIJI_ORPHAN_AGE_S="0.001") as stack:
        yield stack
        assert_nothing_left(stack)
        assert list(FolderPhotoStore(folder / "photos").list_unfinished()) == []


@pytest.fixture(scope="module")
def wires() -> Iterator[dict[str, Wire]]:
    """Wires to an own Redis and an own S3 server."""
    with contextlib.ExitStack() as life:
        port = reserve_port()
        life.enter_context(run_redis(port))
        endpoint = life.enter_context(run_s3("photos"))
        yield {
            "redis": life.enter_context(Wire(port)),
            "s3": life.enter_context(Wire(int(endpoint.rpartition(":")[2]))),
        }


@pytest.fixture(scope="module")
def wired(tmp_path_factory: pytest.TempPathFactory, wires: dict[str, Wire]) -> Iterator[Stack]:
    redis_url = f"redis://127.0.0.1:{wires['redis'].port}"
    with run_stack(
        tmp_path_factory.mktemp("wired"),
        CAIJI_QUEUE_URL=f"{redis_url}/0",
        CAIJI_RATE_LIMIT_URL=f"{redis_url}/1",
        CAIJI_PHOTO_STORE=f"s3://photos?endpoint=http://127.0.0.1:{wires['s3'].port}",
        # A photo whose check failed is taken up again after this and five seconds.
        CAIJI_CHECK_TIMEOUT_S="5",
        **S3_CREDENTIALS,
    ) as stack:
        yield stack
        assert_nothing_left(stack)


def new_student(stack: Stack) -> Student:
    if not _people:
        _people.extend(stack.students())
    return Student(stack, _people[next(_places)]).sign_in().bind()


def new_photo() -> bytes:
    return number_jpeg(jpeg_bytes(), next(_numbers))


def assert_busy(answer: httpx.Response) -> None:
    """5xx in the envelope, and when to come back."""
    assert 500 <= answer.status_code < 600, answer.text
    body = answer.json()
    assert isinstance(body["code"], str)
    assert body["message"]
    assert body["request_id"]
    if answer.status_code == 503:
        assert int(answer.headers["Retry-After"]) > 0


def assert_well(student: Student) -> None:
    answer = student.upload(new_photo())
    assert answer.status_code in {200, 202}, answer.text
    verdict = student.wait_for_verdict(answer.json()["data"]["id"], 90)
    assert verdict["verdict"] in {"pass", "warn"}


def assert_nothing_left(stack: Stack) -> None:
    stack.flask("sweep", "remove_orphans")
    assert stack.flask("check", "--read-files").strip() == "0 problems"


def limit_files(stack: Stack, max_bytes: int) -> None:
    """Let no file of the web process grow beyond this: what a full disk does, for any user."""
    for pid in list_children(stack.processes["web"].pid):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (max_bytes, hard))


def test_full_disk(alone: Stack) -> None:
    student = new_student(alone)
    keys = set(FolderPhotoStore(alone.folder / "photos").list_keys())
    limit_files(alone, 10_000)
    try:
        assert_busy(student.upload(new_photo()))
        assert httpx.get(f"{alone.url}/healthz", timeout=20).status_code == 200
    finally:
        limit_files(alone, resource.RLIM_INFINITY)
    assert set(FolderPhotoStore(alone.folder / "photos").list_keys()) == keys
    assert_well(student)


def test_store_that_cannot_be_written(alone: Stack) -> None:
    student = new_student(alone)
    photos = alone.folder / "photos"
    photos.rename(alone.folder / "away")
    photos.write_bytes(b"a file where the folder should be")
    assert_busy(student.upload(new_photo()))
    ready = httpx.get(f"{alone.url}/readyz", timeout=20)
    assert "photo_store_unavailable" in ready.json()["reasons"]
    photos.unlink()
    (alone.folder / "away").rename(photos)
    assert_well(student)


def test_database_that_somebody_holds(alone: Stack) -> None:
    student = new_student(alone)
    student.upload(new_photo())
    holder = sqlite3.connect(alone.folder / "caiji.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert_busy(student.upload(new_photo()))
        assert student.http.get(f"/enrolments/{student.enrolment_id}").status_code == 200
        assert httpx.get(f"{alone.url}/healthz", timeout=20).status_code == 200
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert_well(student)


def test_queue_file_deleted_while_running(alone: Stack) -> None:
    student = new_student(alone)
    for path in alone.folder.glob("queue.db*"):
        path.unlink()
    for _ in range(3):
        assert_well(student)


def test_redis_that_is_cut_and_deaf(wired: Stack, wires: dict[str, Wire]) -> None:
    student = new_student(wired)
    for state in ("cut", "deaf"):
        wires["redis"].become(state)  # type: ignore[arg-type]
        answer = student.upload(new_photo())
        assert answer.status_code == 202, answer.text
        stranger = Student(wired, {"name": "某某", "id_number": "110101199003070011"}).sign_in()
        version = stranger.http.get("/codes/y0814v").json()["data"]["consent"]["version"]
        body = {"feature_code": "y0814v", "consent_version": version, **stranger.student}
        wrong = stranger.http.post("/enrolments", json=body)
        assert wrong.status_code < 500, wrong.text
        wires["redis"].become("whole")
        assert student.wait_for_verdict(answer.json()["data"]["id"], 90)["verdict"] == "pass"
    assert_well(student)


def test_store_in_s3_that_is_slow_cut_and_deaf(wired: Stack, wires: dict[str, Wire]) -> None:
    student = new_student(wired)
    wires["s3"].become("slow")
    assert_well(student)
    for state in ("cut", "deaf"):
        wires["s3"].become(state)  # type: ignore[arg-type]
        assert_busy(student.upload(new_photo()))
        assert httpx.get(f"{wired.url}/healthz", timeout=20).status_code == 200
        wires["s3"].become("whole")
        assert_well(student)


@pytest.mark.long
def test_photo_whose_store_goes_away_is_judged_later(wired: Stack, wires: dict[str, Wire]) -> None:
    student = new_student(wired)
    wires["redis"].become("cut")
    answer = student.upload(new_photo())
    assert answer.status_code == 202
    wires["s3"].become("cut")
    wires["redis"].become("whole")
    wait_until(lambda: "check_failed" in wired.read_log("worker"), 30, "worker misses the store")
    wires["s3"].become("whole")
    assert student.wait_for_verdict(answer.json()["data"]["id"], 90)["verdict"] == "pass"
