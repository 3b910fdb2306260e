"""One upload: acknowledged how fast against a bare view, judged how soon, in how much memory.

    .venv/bin/python benchmarks/upload.py [--count 60]

Three promises of the photo path, in one run on loopback:

* acknowledged (stored, row committed, queued; no waiting for the verdict) within 1.8 times what a
  bare Flask view under the same gunicorn takes that parses the same form, writes the same bytes
  with fsync, and commits one row on the same SQLite settings. Both take turns, upload by upload;
* the verdict of a 12-megapixel JPEG, from the first byte sent to the answer that carries it, under
  one second (median, idle machine);
* the web process below 150 MB resident and without dlib.

Exit status 1 when one of them is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.crowd import FORM_TYPE, Log, Visitor, make_form, number_jpeg
from benchmarks.rig.cpu import read_tree_cpu_s
from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, wait_until
from benchmarks.rush import INSTITUTION, list_memory, wait_for_heartbeat, write_roster

MAX_RATIO = 1.8
MAX_VERDICT_S = 1.0
MAX_WEB_MB = 150
WARM = 5
"""Uploads that are not counted."""
A_STUDENT = 5
"""Uploads a student: below the limits of a minute and of a day."""


def create_bare_app() -> Any:
    """Return the bare view. Runs in its own gunicorn, which imports this function."""
    import uuid

    from flask import Flask, request
    from sqlalchemy import Column, Integer, MetaData, String, Table, insert

    from server.db import Database

    folder = Path(os.environ["BARE_FOLDER"])
    engine = Database(f"sqlite:///{folder}/bare.db").engine.execution_options(is_writer=True)
    table = Table(
        "upload", MetaData(), Column("id", String(32), primary_key=True), Column("size", Integer)
    )
    table.create(engine, checkfirst=True)
    app = Flask("bare")

    @app.post("/photos")
    def take() -> tuple[dict[str, str], int]:
        data = request.files["photo"].read()
        name = uuid.uuid4().hex
        with (folder / name).open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with engine.begin() as connection:
            connection.execute(insert(table).values(id=name, size=len(data)))
        return {"id": name}, 202

    return app


@contextlib.contextmanager
def run_bare(folder: Path) -> Iterator[tuple[int, int]]:
    """Run the bare view under the project's own gunicorn settings; give its port and process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = folder / "bare.conf.py"
    # The same settings without the proof of our configuration.
    text = (ROOT / "gunicorn.conf.py").read_text().partition("def on_starting")[0]
    settings.write_text(text)
    application = "benchmarks.upload:create_bare_app()"
    command = [sys.executable, "-m", "gunicorn", "-c", str(settings), "--bind", f"127.0.0.1:{port}"]
    environment = os.environ | {"BARE_FOLDER": str(folder), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([*command, application], cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


class BareClient:
    """Sends the same form to the bare view."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def upload(self, photo: bytes) -> float:
        """Return the seconds of one upload."""
        body = make_form(photo)
        start = time.perf_counter()
        self._connection.request("POST", "/photos", body, {"Content-Type": FORM_TYPE})
        answer = self._connection.getresponse()
        answer.read()
        if answer.status != 202:
            raise SystemExit(f"the bare view answered {answer.status}")
        return time.perf_counter() - start

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def measure_acknowledgement(stack: Stack, people: list[dict[str, str]], count: int) -> float:
    """Return our median time over the bare view's; there is no worker."""
    photo = phone_photo_bytes()
    log = Log()
    bare_s: list[float] = []
    with tempfile.TemporaryDirectory() as folder, run_bare(Path(folder)) as (port, bare_pid):
        bare = BareClient(port)
        pids = {"bare view": bare_pid, "caiji": stack.processes["web"].pid}
        cpu_s = dict.fromkeys(pids, 0.0)
        for number in range(count + WARM):
            if number % A_STUDENT == 0:
                visitor = Visitor(stack.port, stack.sandbox_port, people.pop(), log)
                visitor.arrive()
            data = number_jpeg(photo, number)
            before_s = {who: read_tree_cpu_s(pid) for who, pid in pids.items()}
            bare_s.append(bare.upload(data))
            visitor.upload(data)
            for who, pid in pids.items() if number >= WARM else ():
                cpu_s[who] += read_tree_cpu_s(pid) - before_s[who]
        bare.close()
    ours_s = log.times_s["upload"][WARM:]
    ratio = statistics.median(ours_s) / statistics.median(bare_s[WARM:])
    for name, times in (("bare view", bare_s[WARM:]), ("caiji", ours_s)):
        p50, p99 = statistics.median(times) * 1000, statistics.quantiles(times, n=100)[98] * 1000
        print(
            f"acknowledged  {name:<10}{p50:>8.1f} ms p50{p99:>8.1f} ms p99   ({len(photo)} bytes)"
        )
    print(f"acknowledged  ratio     {ratio:>8.2f} (at most {MAX_RATIO})")
    spent = ", ".join(f"{who} {used / count * 1000:.1f} ms" for who, used in cpu_s.items())
    cpu_ratio, load = cpu_s["caiji"] / cpu_s["bare view"], os.getloadavg()[0]
    print(f"acknowledged  CPU       {cpu_ratio:>8.2f} ({spent} an upload; load {load:.1f})")
    return ratio


def measure_verdict(stack: Stack, people: list[dict[str, str]], count: int) -> float:
    """Return the median seconds from the upload to the answer with the verdict."""
    photo = phone_photo_bytes()
    log = Log()
    for number in range(count):
        if number % A_STUDENT == 0:
            visitor = Visitor(stack.port, stack.sandbox_port, people.pop(), log)
            visitor.arrive()
        visitor.upload(number_jpeg(photo, 10_000 + number))
    if log.statuses["upload 202"]:
        print(f"verdict       {log.statuses['upload 202']} of {count} were not there in 3 s")
    times = log.times_s["upload"][1:]
    p50, worst = statistics.median(times), max(times)
    print(f"verdict       12 MP     {p50:>8.2f} s p50{worst:>9.2f} s worst")
    print(f"verdict       limit     {MAX_VERDICT_S:>8.2f} s")
    return p50


def count_waiting(stack: Stack) -> int:
    """Return how many photos wait for their verdict, as the metrics say."""
    with urllib.request.urlopen(f"{stack.url}/metrics", timeout=20) as answer:  # noqa: S310
        text: str = answer.read().decode()
    return int(float(text.partition("\ncaiji_photos_waiting ")[2].split()[0]))


def look_at_web(stack: Stack) -> float:
    """Return the resident MB of the largest web process; stop when one has loaded dlib."""
    pid = stack.processes["web"].pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if "dlib" in Path(f"/proc/{child}/maps").read_text():
            raise SystemExit("the web process has loaded dlib")
    memory = max(list_memory(pid))
    print(f"web process   {memory:.0f} MB resident (at most {MAX_WEB_MB}), without dlib")
    return memory


def main() -> int:
    """Measure the three promises."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extra = {
            "CAIJI_VERDICT_WAIT_S": "0",
            "CAIJI_QUEUE_WAIT_LIMIT_S": "100000",
            "CAIJI_TRUSTED_PROXIES": "1",
        }
        stack = Stack(folder, extra)
        stack.prepare()
        people = write_roster(folder / "roster.csv", options.count)
        stack.flask(
            "roster",
            "import",
            str(folder / "roster.csv"),
            "--institution",
            INSTITUTION,
            "--create-centres",
        )
        try:
            for each in ("sandbox", "web"):
                stack.start(each)
            ratio = measure_acknowledgement(stack, people, options.count)
            stack.kill("web", signal.SIGTERM)
            del stack.extra["CAIJI_VERDICT_WAIT_S"]
            stack.start("web")
            stack.launch("worker")
            wait_for_heartbeat(stack)
            wait_until(lambda: count_waiting(stack) == 0, 600, "the uploads above are judged")
            verdict_s = measure_verdict(stack, people, 20)
            memory = look_at_web(stack)
        finally:
            stack.stop()
    return 0 if ratio <= MAX_RATIO and verdict_s <= MAX_VERDICT_S and memory <= MAX_WEB_MB else 1


if __name__ == "__main__":
    raise SystemExit(main())
