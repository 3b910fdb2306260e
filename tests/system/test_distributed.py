"""Many machines, same code: PostgreSQL, Redis, S3, two web processes, two workers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import redis

from benchmarks.rig.backends import make_postgres_database, reserve_port, run_redis
from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.processes import run_process
from benchmarks.rig.stack import Stack, Student
from tests.backends import S3_CREDENTIALS, run_s3
from tests.page import csrf_of

pytestmark = pytest.mark.postgresql


@pytest.fixture(scope="module")
def redis_port() -> int:
    return reserve_port()


@pytest.fixture(scope="module")
def redis_life(redis_port: int) -> Iterator[contextlib.ExitStack]:
    """A Redis that the test ends before its time by closing this."""
    with contextlib.ExitStack() as life:
        life.enter_context(run_redis(redis_port))
        yield life


@pytest.fixture(scope="module")
def many(
    tmp_path_factory: pytest.TempPathFactory, redis_port: int, redis_life: contextlib.ExitStack
) -> Iterator[Stack]:
    """One installation whose state is all outside of its processes' machines."""
    redis_url = f"redis://127.0.0.1:{redis_port}"
    with make_postgres_database(is_durable=False) as database_url, run_s3("photos") as endpoint:
        stack = Stack(
            tmp_path_factory.mktemp("many"),
            {
                "CAIJI_DATABASE_URL": database_url,
                "CAIJI_QUEUE_URL": f"{redis_url}/0",
                "CAIJI_RATE_LIMIT_URL": f"{redis_url}/1",
                "CAIJI_PHOTO_STORE": f"s3://photos/college?endpoint={endpoint}",
                "CAIJI_CHECK_WORKERS": "1",
                "WEB_CONCURRENCY": "2",
                **S3_CREDENTIALS,
            },
        )
        stack.prepare()
        try:
            stack.start("sandbox", "web", "worker-1", "worker-2")
            yield stack
        finally:
            stack.stop()


def upload(person: Student, place: int) -> str:
    """Send a photo like nobody else's; return its id."""
    answer = person.upload(phone_photo_bytes()[:-2] + bytes([place]) + b"\xff\xd9")
    assert answer.status_code in {200, 202}, answer.text
    photo_id: str = answer.json()["data"]["id"]
    return photo_id


def approve(stack: Stack, student_no: str) -> None:
    """Let the reviewer sign in, open the student's photo from the queue and approve it."""
    with httpx.Client(base_url=stack.url, timeout=20, follow_redirects=True) as http:
        page = http.get("/console/sign-in")
        form = {"csrf_token": csrf_of(page.text), "username": "reviewer"}
        page = http.post("/console/sign-in", data={**form, "password": stack.password})
        queue = http.get("/console/review")
        links = re.findall(r'href="(/console/review/[^"?]+)"', queue.text)
        pages = [http.get(link) for link in dict.fromkeys(links)]
        page = next(page for page in pages if student_no in page.text and "通过" in page.text)
        action = re.search(r'action="(/console/review/[^"]+/approve)"', page.text)
        assert action, page.text
        answer = http.post(action[1], data={"csrf_token": csrf_of(page.text)})
        assert answer.status_code == 200, answer.text


def test_journey_through_all_processes_and_a_lost_redis(
    many: Stack, redis_port: int, redis_life: contextlib.ExitStack
) -> None:
    people = [Student(many, person).sign_in().bind() for person in many.students()[:4]]
    with ThreadPoolExecutor(len(people)) as pool:
        photos = list(pool.map(upload, people, range(len(people))))
    for person, photo_id in zip(people, photos, strict=True):
        assert person.wait_for_verdict(photo_id)["verdict"] in {"pass", "warn"}
    # all came at once, and each worker judges one at a time
    for worker in ("worker-1", "worker-2"):
        assert "photo_checked" in many.read_log(worker), worker
    first = people[0]
    first.pay(first.open_order())
    assert first.wait_for_status("uploaded")["next_step"] == "wait_review"
    approve(many, first.student["student_no"])
    assert first.wait_for_status("collected")["next_step"] == "done"
    assert first.http.get(f"/photos/{photos[0]}/image").content.startswith(b"\xff\xd8")
    with redis.Redis(port=redis_port, db=1) as counters:
        assert counters.keys("LIMITS:*")
    lose_redis_and_a_worker(many, redis_port, redis_life)
    assert not list(many.folder.glob("*.db"))
    assert not (many.folder / "photos").exists()
    assert many.flask("check", "--read-files").strip() == "0 problems"


def lose_redis_and_a_worker(many: Stack, port: int, redis_life: contextlib.ExitStack) -> None:
    """What is acknowledged without a queue gets its verdict when the queue is back."""
    student = Student(many, many.students()[10]).sign_in().bind()
    many.kill("worker-1")
    redis_life.close()
    answer = student.upload(phone_photo_bytes())
    assert answer.status_code == 202, answer.text
    readiness = httpx.get(f"{many.url}/readyz", timeout=20)
    assert (readiness.status_code, readiness.json()["reasons"]) == (503, ["queue_unavailable"])
    redis_life.enter_context(run_redis(port))
    verdict = student.wait_for_verdict(answer.json()["data"]["id"], 90)
    assert verdict["verdict"] in {"pass", "warn"}


def test_process_that_cannot_work_ends_with_one_line(many: Stack) -> None:
    """Web and worker die within seconds, each naming the setting; nothing is retried forever."""
    nobody = reserve_port()
    faults = {
        "QUEUE_URL": {"CAIJI_QUEUE_URL": f"redis://127.0.0.1:{nobody}/0"},
        "RATE_LIMIT_URL": {"CAIJI_RATE_LIMIT_URL": "memory://"},
        "WECHAT_APP_ID": take_demo_keys_to_real_mode(many),
    }
    commands = [["gunicorn", "--bind", "127.0.0.1:0", "wsgi:app"], ["server.worker"]]
    for setting, changes in faults.items():
        for command in commands:
            done = run_process(*command, env={**many.environment, **changes})
            assert done.returncode != 0
            lines = {line for line in done.stderr.splitlines() if line.startswith("caiji: ")}
            assert [line.split(": ")[1] for line in lines] == [f"CAIJI_{setting}"], done.stderr
            assert "Traceback" not in done.stderr


def take_demo_keys_to_real_mode(stack: Stack) -> dict[str, str]:
    keys = (stack.folder / "demo.env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in keys)
    return {
        **{name: value.strip("'") for name, value in pairs},
        "CAIJI_DEMO": "0",
        "CAIJI_PUBLIC_URL": "https://photo.example.edu.cn",
        "CAIJI_PAY_NOTIFY_URL": "https://photo.example.edu.cn/pay/notify/v3",
    }
