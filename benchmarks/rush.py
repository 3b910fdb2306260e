"""The last evening: many students do the whole journey at once against real processes.

    .venv/bin/python benchmarks/rush.py                    # the three runs of docs/scaling.md
    .venv/bin/python benchmarks/rush.py --students 60 --only sqlite-1

Each run starts web, workers and the simulated WeChat anew on loopback. First the rush: students
sign in, bind, upload a 12-megapixel photo, wait for the verdict, pay, and wait for 已上传. Then the
drain: photos are uploaded while the workers stand still, and judged with nothing else to do; that
compares one worker with two without the cost of web and clients, which share the same cores. There
each worker is held to a core of its own, as two machines of one core would hold it: a lone worker
otherwise reads ahead on the core of the second one. What it does with both is printed as well.

Printed: acknowledged and judged photos a second, the times of every call, errors, memory, and
whether everything acknowledged was judged, paid once and readable (``flask check --read-files``).
Exit status 1 when something was lost, or when two workers judge less than 1.9 times as many photos
as one. ``--out`` keeps the figures for benchmarks/queue_model.py.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import os
import queue
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import func, select

from benchmarks.crowd import Log, Visitor, number_jpeg
from benchmarks.rig.backends import make_postgres_database, reserve_port, run_redis
from benchmarks.rig.cpu import list_tree, read_tree_cpu_s
from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, wait_until
from models import Photo
from server.db import Database
from server.services.id_numbers import compute_check_character

MIN_RATIO = 1.9
LOADED_MB = 70
"""What a checker is larger than once it has its models (86 MB)."""
INSTITUTION = "北京示范大学网络教育学院"
COLUMNS = (
    *("学号", "姓名", "身份证号", "层次", "专业"),
    *("学习中心", "入学批次", "预计毕业", "学籍状态"),
)
RUNS = {
    "sqlite-1": ("SQLite, folder, one worker", 1, False),
    "sqlite-2": ("SQLite, folder, two workers", 2, False),
    "postgres-2": ("PostgreSQL, Redis, folder, two workers", 2, True),
}


@dataclass
class Figures:
    """What one run measured. Times in seconds, memory in MB."""

    name: str
    workers: int
    students: int
    clients: int
    seconds: float = 0
    acknowledged_per_s: float = 0
    verdicts_per_s: float = 0
    drain_per_s: float = 0
    """With a core for each worker."""
    free_drain_per_s: float = 0
    """With all cores for all workers."""
    calls: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    """Call to number, p50 and p99."""
    verdict_wait_s: tuple[float, float] = (0, 0)
    requests_per_student: float = 0
    web_cpu_s: float = 0
    """CPU seconds of the web for one request: what a core spends, however busy the machine is."""
    check_cpu_s: float = 0
    """CPU seconds of the workers for one photo."""
    statuses: dict[str, int] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)
    arrivals_s: list[float] = field(default_factory=list)
    started_s: list[float] = field(default_factory=list)
    judged_s: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    lost: int = 0


def write_roster(path: Path, count: int) -> list[dict[str, str]]:
    """Write a roster of invented students and return them."""
    people = []
    for place in range(count):
        first_17 = f"{100000 + place // 999 + 1:06d}19900307{place % 999 + 1:03d}"
        people.append(
            {
                "student_no": f"R{place:07d}",
                "name": "考" + chr(0x4E00 + place % 5000),
                "id_number": first_17 + compute_check_character(first_17),
            }
        )
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for each in people:
            row = ["专升本", "法学", "直属学习中心", "2020 秋", "2023 春", "在籍"]
            rows.writerow([each["student_no"], each["name"], each["id_number"], *row])
    return people


@contextlib.contextmanager
def run_service(workers: int, *, is_distributed: bool, is_open: bool = True) -> Iterator[Stack]:
    """Start an installation with so many worker processes of one checker each.

    ``is_open`` lets in whoever comes, however long the queue is.
    """
    with contextlib.ExitStack() as life:
        folder = Path(life.enter_context(tempfile.TemporaryDirectory()))
        extra = {
            "CAIJI_CHECK_WORKERS": "1",
            "CAIJI_TRUSTED_PROXIES": "1",
            "CAIJI_LOG_LEVEL": "WARNING",
        }
        if is_open:
            extra["CAIJI_QUEUE_LIMIT"] = extra["CAIJI_QUEUE_WAIT_LIMIT_S"] = "100000"
        if is_distributed:
            redis_url = life.enter_context(run_redis(reserve_port()))
            extra["CAIJI_DATABASE_URL"] = life.enter_context(make_postgres_database())
            extra["CAIJI_QUEUE_URL"] = f"{redis_url}/0"
            extra["CAIJI_RATE_LIMIT_URL"] = f"{redis_url}/1"
        stack = Stack(folder, extra)
        stack.prepare()
        try:
            for name in ("sandbox", "web"):
                stack.start(name)
            for number in range(workers):
                stack.launch(f"worker-{number}")
            wait_for_heartbeat(stack)
            yield stack
        finally:
            for process in stack.processes.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGCONT)
            stack.stop()


def wait_for_heartbeat(stack: Stack) -> None:
    """Wait until every worker's checker has loaded its models."""

    def count_checkers() -> bool:
        names = [name for name in stack.processes if name.startswith("worker")]
        return all(
            any(memory > LOADED_MB for memory in list_memory(stack.processes[name].pid)[1:])
            for name in names
        )

    wait_until(count_checkers, 90, "checkers load their models")
    time.sleep(3)


def list_memory(pid: int) -> list[float]:
    """Return the resident MB of a process and its descendants."""
    found = []
    for each in list_tree(pid):
        with contextlib.suppress(OSError, IndexError):
            status = Path(f"/proc/{each}/status").read_text()
            found.append(int(status.partition("VmRSS:")[2].split()[0]) / 1024)
    return found


def read_cpu_s(stack: Stack, role: str) -> float:
    """Return the CPU seconds that all processes of a role have used so far."""
    chosen = [each.pid for name, each in stack.processes.items() if name.startswith(role)]
    return sum(read_tree_cpu_s(pid) for pid in chosen)


def rush(
    stack: Stack, people: list[dict[str, str]], photo: bytes, clients: int
) -> tuple[Log, float]:
    """Let all students do the journey with so many at a time."""
    log = Log()
    waiting: queue.SimpleQueue[tuple[int, dict[str, str]]] = queue.SimpleQueue()
    for each in enumerate(people):
        waiting.put(each)

    def serve() -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                number, person = waiting.get_nowait()
                visitor = Visitor(stack.port, stack.sandbox_port, person, log)
                visitor.travel(number_jpeg(photo, number))

    threads = [threading.Thread(target=serve) for _ in range(clients)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return log, time.monotonic() - start


def drain(
    stack: Stack, people: list[dict[str, str]], photo: bytes, *, has_own_cores: bool
) -> float:
    """Upload while the workers stand still; return the photos that they then judge a second."""
    workers = [each for name, each in stack.processes.items() if name.startswith("worker")]
    for worker in workers:
        os.killpg(worker.pid, signal.SIGSTOP)
    log = Log()
    for person in people:
        visitor = Visitor(stack.port, stack.sandbox_port, person, log)
        visitor.arrive()
        visitor.upload(number_jpeg(photo, int(person["student_no"][1:])))
        visitor.close()
    cores = sorted(os.sched_getaffinity(0))
    for place, worker in enumerate(workers):
        hold_to({cores[place % len(cores)]} if has_own_cores else set(cores), worker.pid)
        os.killpg(worker.pid, signal.SIGCONT)
    wait_until(lambda: len(read_times(stack, log.acknowledged_at)) == len(people), 600, "drained")
    judged = sorted(each[2] for each in read_times(stack, log.acknowledged_at))
    return (len(judged) - 1) / (judged[-1] - judged[0])


def hold_to(cores: set[int], pid: int) -> None:
    """Let a process and its descendants run on these cores only."""
    for each in list_tree(pid):
        for thread in Path(f"/proc/{each}/task").iterdir():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), cores)


def count_judged(stack: Stack) -> int:
    """Return how many photos have a verdict."""
    db = Database(f"sqlite:///{stack.folder}/caiji.db")
    with db.read() as session:
        count = session.scalar(select(func.count()).where(Photo.checked_at.is_not(None)))
    db.dispose()
    return count or 0


def read_times(stack: Stack, photo_ids: dict[str, float]) -> list[tuple[float, float, float]]:
    """Return submitted, started and judged (seconds of the epoch) of the judged photos."""
    url = stack.extra.get("CAIJI_DATABASE_URL", f"sqlite:///{stack.folder}/caiji.db")
    db = Database(url)
    with db.read() as session:
        rows = session.execute(
            select(Photo.id, Photo.submitted_at, Photo.check_started_at, Photo.checked_at)
        ).all()
    db.dispose()
    return [
        (submitted.timestamp(), started.timestamp(), judged.timestamp())
        for photo_id, submitted, started, judged in rows
        if str(photo_id) in photo_ids and started is not None and judged is not None
    ]


def measure(name: str, students: int, clients: int, drained: int) -> Figures:
    """Make one run and return its figures."""
    title, workers, is_distributed = RUNS[name]
    figures = Figures(title, workers, students, clients)
    photo = phone_photo_bytes()
    with run_service(workers, is_distributed=is_distributed) as stack:
        people = write_roster(stack.folder / "roster.csv", students + 2 * drained)
        roster = str(stack.folder / "roster.csv")
        stack.flask("roster", "import", roster, "--institution", INSTITUTION, "--create-centres")
        web_before_s = read_cpu_s(stack, "web")
        log, figures.seconds = rush(stack, people[:students], photo, clients)
        requests = sum(log.statuses.values())
        figures.web_cpu_s = (read_cpu_s(stack, "web") - web_before_s) / requests
        for role in ("web", "worker"):
            pids = [each.pid for key, each in stack.processes.items() if key.startswith(role)]
            figures.memory_mb[role] = max(max(list_memory(pid), default=0) for pid in pids)
        figures.memory_mb["all"] = sum(
            sum(list_memory(each.pid)) for key, each in stack.processes.items() if key != "sandbox"
        )
        note(figures, log, read_times(stack, log.acknowledged_at))
        if drained:
            worker_before_s = read_cpu_s(stack, "worker")
            freely, held = people[students:][:drained], people[students:][drained:]
            figures.free_drain_per_s = drain(stack, freely, photo, has_own_cores=False)
            figures.check_cpu_s = (read_cpu_s(stack, "worker") - worker_before_s) / drained
            figures.drain_per_s = drain(stack, held, photo, has_own_cores=True)
        problems = stack.flask("check", "--read-files").strip()
        figures.errors += [] if problems == "0 problems" else [problems]
    return figures


def note(figures: Figures, log: Log, times: list[tuple[float, float, float]]) -> None:
    """Turn what the students saw and what the rows say into figures."""
    acknowledged = sorted(log.acknowledged_at.values())
    first = min(each[0] for each in times)
    figures.acknowledged_per_s = len(acknowledged) / (acknowledged[-1] - acknowledged[0])
    times = sorted(times)
    figures.arrivals_s = [each[0] - first for each in times]
    figures.started_s = [each[1] - first for each in times]
    figures.judged_s = [each[2] - first for each in times]
    judged = sorted(figures.judged_s)
    figures.verdicts_per_s = (len(judged) - 1) / (judged[-1] - judged[0])
    figures.verdict_wait_s = quantiles([each[2] - each[0] for each in times])
    figures.calls = {
        name: (len(values), *quantiles(values)) for name, values in sorted(log.times_s.items())
    }
    figures.requests_per_student = sum(log.statuses.values()) / figures.students
    figures.statuses = dict(log.statuses)
    figures.errors = log.errors
    figures.lost = figures.students - log.finished + len(log.acknowledged_at) - len(times)


def quantiles(values: list[float]) -> tuple[float, float]:
    """Return p50 and p99."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0, 0)
    return statistics.median(values), statistics.quantiles(values, n=100, method="inclusive")[98]


def show(figures: Figures) -> None:
    """Print one run."""
    print(f"\n{figures.name}: {figures.students} students, {figures.clients} at a time")
    print(
        f"  {figures.acknowledged_per_s:6.2f} acknowledged/s"
        f" {figures.verdicts_per_s:6.2f} verdicts/s"
        f"   drain {figures.drain_per_s:6.2f} verdicts/s"
        f" ({figures.free_drain_per_s:.2f} on any core)   {figures.seconds:.1f} s in all"
    )
    p50, p99 = figures.verdict_wait_s
    print(f"  from upload to verdict: p50 {p50:.2f} s, p99 {p99:.2f} s")
    print(f"  {'call':<16}{'number':>8}{'p50 ms':>9}{'p99 ms':>9}")
    for name, (number, p50, p99) in figures.calls.items():
        print(f"  {name:<16}{number:>8}{p50 * 1000:>9.0f}{p99 * 1000:>9.0f}")
    refused = {key: n for key, n in figures.statuses.items() if key.split()[-1] in {"429", "503"}}
    memory = ", ".join(f"{key} {value:.0f} MB" for key, value in figures.memory_mb.items())
    print(f"  refused for a moment: {refused or 'none'}")
    print(f"  {figures.requests_per_student:.1f} requests a student")
    print(
        f"  CPU: {figures.web_cpu_s * 1000:.1f} ms a request, {figures.check_cpu_s:.2f} s a check"
    )
    print(f"  largest process: {memory}")
    print(f"  lost: {figures.lost}; errors: {figures.errors or 'none'}")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=150)
    parser.add_argument("--clients", type=int, default=24)
    parser.add_argument("--drain", type=int, default=60, help="photos of the second part")
    parser.add_argument("--only", choices=RUNS, action="append")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    all_figures: dict[str, Figures] = {}
    for name in options.only or RUNS:
        all_figures[name] = measure(name, options.students, options.clients, options.drain)
        show(all_figures[name])
        if options.out:
            text = json.dumps({name: asdict(each) for name, each in all_figures.items()})
            options.out.write_text(text)
    failed = any(each.lost or each.errors for each in all_figures.values())
    return 1 if failed or not compare(all_figures) else 0


def compare(all_figures: dict[str, Any]) -> bool:
    """Print two workers against one; False when two are too slow."""
    if not {"sqlite-1", "sqlite-2"} <= set(all_figures):
        return True
    one, two = all_figures["sqlite-1"], all_figures["sqlite-2"]
    rush_ratio = two.verdicts_per_s / one.verdicts_per_s
    print(f"\ntwo workers against one: {rush_ratio:.2f} in the rush, with web and clients beside")
    if not one.drain_per_s:
        return True
    ratio = two.drain_per_s / one.drain_per_s
    free_ratio = two.free_drain_per_s / one.free_drain_per_s
    print(f"two workers against one: {ratio:.2f} in the drain, a core each (at least {MIN_RATIO})")
    print(f"two workers against one: {free_ratio:.2f} in the drain, on any core")
    return bool(ratio >= MIN_RATIO)


if __name__ == "__main__":
    raise SystemExit(main())
