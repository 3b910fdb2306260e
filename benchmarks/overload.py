"""Ten times as many uploads as can be judged: who is refused, and do callbacks come through?

    .venv/bin/python benchmarks/overload.py [--times 10] [--seconds 15]

First a drain tells how many photos one worker judges a second. Then students who are signed in and
bound send ``--times`` as many, at moments that do not wait for the answers, as a crowd does.
Meanwhile health is asked, and a payment notice is repeated. Promised: each upload is taken (200,
202) or told when to come back (503 with Retry-After), health and 99 of 100 callbacks are answered
below one second, and what was taken is judged and readable afterwards. Exit status 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.crowd import Log, Visitor, make_form, number_jpeg
from benchmarks.flood import ANSWER_LIMIT_S, MAX_HEALTH_S, Probes, Shot, send
from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Student, wait_until
from benchmarks.rush import INSTITUTION, count_judged, drain, quantiles, run_service, write_roster

MAX_CALLBACK_P99_S = 1.0
DRAINED = 18
"""Below what a queue takes from which no verdict has come for long: 60 s at 3 s each."""
STUDENTS = 250
"""Each stays below the limits of a minute and of a day."""


@dataclass(frozen=True)
class Crowd:
    """Uploads at a steady rate, the students taking turns, each with bytes of its own.

    ``addressed``: path and headers of each student's uploads.
    """

    port: int
    addressed: list[tuple[str, dict[str, str]]]
    photo: bytes
    per_s: float
    count: int

    def run(self) -> Counter[str]:
        """Send them and count the statuses; in a process of its own, which slows no probe down."""
        return asyncio.run(self._send_all())

    async def _send_all(self) -> Counter[str]:
        answers: Counter[str] = Counter()

        async def ask(number: int) -> None:
            await asyncio.sleep(number / self.per_s)
            path, headers = self.addressed[number % len(self.addressed)]
            shot = Shot("POST", path, headers, make_form(number_jpeg(self.photo, number)))
            wire = shot.render(f"10.1.{number % 250}.7")
            try:
                answers[await asyncio.wait_for(send(self.port, wire), ANSWER_LIMIT_S)] += 1
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                answers["none"] += 1

        await asyncio.gather(*(ask(number) for number in range(self.count)))
        return answers


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    photo = phone_photo_bytes()
    with run_service(1, is_distributed=False, is_open=False) as stack:
        people = write_roster(stack.folder / "roster.csv", DRAINED + STUDENTS)
        roster = str(stack.folder / "roster.csv")
        stack.flask("roster", "import", roster, "--institution", INSTITUTION, "--create-centres")
        payer = Student(stack, stack.students()[0]).sign_in().bind()
        payer.wait_for_verdict(payer.upload(photo).json()["data"]["id"])
        order = payer.open_order()
        payer.pay(order)
        payer.wait_for_status("uploaded")
        per_s = drain(stack, people[:DRAINED], photo, has_own_cores=False)
        addressed = []
        for person in people[DRAINED:]:
            visitor = Visitor(stack.port, stack.sandbox_port, person, Log())
            visitor.arrive()
            visitor.close()
            addressed.append(visitor.address_upload())
        before = count_judged(stack)
        offered = options.times * per_s
        crowd = Crowd(stack.port, addressed, photo, offered, int(offered * options.seconds))
        # The crowd has machines of its own: here it leaves the processor to the service.
        spawn = multiprocessing.get_context("spawn")
        apart = ProcessPoolExecutor(1, spawn, initializer=os.nice, initargs=(10,))
        with Probes(stack, payer, order) as probes, apart:
            answers = apart.submit(crowd.run).result()
        taken = answers["200"] + answers["202"]
        wait_until(lambda: count_judged(stack) - before >= taken, 120, "what was taken is judged")
        problems = stack.flask("check", "--read-files").strip()
    p50, p99 = quantiles(probes.callback_s)
    print(f"one worker judges {per_s:.1f} a second; offered {offered:.0f} a second")
    print(
        "uploads  ", ", ".join(f"{status} x {count}" for status, count in sorted(answers.items()))
    )
    print(f"callbacks {len(probes.callback_s)}: p50 {p50:.2f} s, p99 {p99:.2f} s (below 1)")
    print(f"health    {len(probes.health_s)}: worst {max(probes.health_s):.2f} s (below 1)")
    print(f"afterwards: all {taken} judged, {problems}")
    is_kept = set(answers) <= {"200", "202", "503"} and problems == "0 problems"
    is_quick = p99 < MAX_CALLBACK_P99_S and max(probes.health_s) < MAX_HEALTH_S
    return 0 if is_kept and is_quick else 1


if __name__ == "__main__":
    raise SystemExit(main())
