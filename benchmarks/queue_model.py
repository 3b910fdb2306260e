"""The queue of photos as a simulation: is it what was measured, and what does a season need?

    .venv/bin/python benchmarks/rush.py --out rush.json
    .venv/bin/python benchmarks/queue_model.py rush.json

The model is the queue as the code builds it: first come, first served; one photo at a time on each
checker; a checker is taken for as long as it was measured on that machine, from being free with a
photo waiting to the start of the check (the hand-over) and from there to the verdict; a photo that
was taken in hand while the one before was judged begins with that one's verdict. First part:
the measured arrivals of each run are served by the model from the moment at which its checkers
began, with both times drawn from those measured at about the same time, and the waits and the
throughput of the middle one of many such simulations stand beside the measured ones. Second part:
the plan of docs/scaling.md. For one college, a province and the country the model finds how many
checkers keep 99 of 100 waits below the limit in the busiest hour, and the rest follows from the
measured figures by division.

Exit status 1 when the model misses the measured throughput or median wait by more than a quarter.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
import random
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOLERANCE = 0.25
NEARBY = 5
"""Places before and after a photo from whose measured times its own are drawn."""
REPETITIONS = 201
"""One draw of a full queue says little."""
SMALLEST_WAIT_S = 0.5
"""Below this a median wait is one check, and a quarter of it is noise."""
WAIT_LIMIT_S = 10.0
BUSIEST_HOUR = 0.2
"""Share of a day's students who come in its busiest hour: the last evening."""
LAST_DAYS, LAST_SHARE = 3, 0.5
"""Half of a season comes in its last three days."""
PHOTOS_A_STUDENT = 1.5
"""Uploads until one passes."""
SCALES = {"one college": 20_000, "a province": 500_000, "the country": 12_000_000}
SPARE = 1.5
"""Machines are planned for half as much again as the busiest hour needs."""
CORES_A_MACHINE = 8
COMMITS_A_STUDENT = 12
"""Login, binding, upload, claim, verdict, order, its prepay, notice, settlement, queries."""
STORED_BYTES_A_PHOTO = 900_000


@dataclass(frozen=True)
class Outcome:
    """What a queue did: waits from arrival to verdict, and verdicts a second."""

    waits_s: list[float]
    per_s: float

    @property
    def p50_s(self) -> float:
        """Return the median wait."""
        return statistics.median(self.waits_s)

    @property
    def p99_s(self) -> float:
        """Return the wait that one in a hundred exceeds."""
        return statistics.quantiles(self.waits_s, n=100, method="inclusive")[98]


def simulate(arrivals_s: list[float], ready_s: list[float], services_s: list[float]) -> Outcome:
    """Serve sorted arrivals in their order; the n-th takes services_s[n].

    ready_s: one entry a checker, the moment from which it serves.
    """
    free_at = sorted(ready_s)
    waits, ends = [], []
    for arrival, service in zip(arrivals_s, services_s, strict=True):
        begin = max(arrival, heapq.heappop(free_at))
        heapq.heappush(free_at, begin + service)
        waits.append(begin + service - arrival)
        ends.append(begin + service)
    ends.sort()
    return Outcome(waits, (len(ends) - 1) / (ends[-1] - ends[0]))


def find_handovers(run: dict[str, Any]) -> list[float]:
    """Return, for every start but the first ones, how long a checker was free and a photo there."""
    checkers = run["workers"]
    started, freed = sorted(run["started_s"]), sorted(run["judged_s"])
    return [
        max(0.0, start - max(free, arrival))
        for arrival, start, free in zip(
            run["arrivals_s"][checkers:], started[checkers:], freed, strict=False
        )
    ]


def find_services(run: dict[str, Any]) -> list[float]:
    """Return how long each photo kept its checker."""
    checkers, freed = run["workers"], sorted(run["judged_s"])
    free_at = [-math.inf] * checkers + freed
    return [
        max(0.0, end - max(start, free))
        for start, end, free in zip(run["started_s"], run["judged_s"], free_at, strict=False)
    ]


def draw_services(
    handovers: list[float], services: list[float], draw: random.Random
) -> list[float]:
    """Draw for every photo how long it takes a checker; the first photos have no hand-over."""
    first = [0.0] * (len(services) - len(handovers))
    return [
        handover + service
        for handover, service in zip(
            first + draw_nearby(handovers, draw), draw_nearby(services, draw), strict=True
        )
    ]


def draw_nearby(values: list[float], draw: random.Random) -> list[float]:
    """Draw for every place one of the values about it.

    A check takes longer while web and clients want the same cores: in the middle of the rush more
    than at its end.
    """
    return [
        draw.choice(values[max(0, place - NEARBY) : place + NEARBY + 1])
        for place in range(len(values))
    ]


def reproduce(run: dict[str, Any], draw: random.Random) -> bool:
    """Print measured and simulated figures of one run; tell whether they agree."""
    arrivals, judged = run["arrivals_s"], run["judged_s"]
    services = find_services(run)
    waits = [end - start for end, start in zip(judged, arrivals, strict=True)]
    ends = sorted(judged)
    measured = Outcome(waits, (len(ends) - 1) / (ends[-1] - ends[0]))
    handovers = find_handovers(run)
    ready = sorted(run["started_s"])[: run["workers"]]
    models = [
        simulate(arrivals, ready, draw_services(handovers, services, draw))
        for _ in range(REPETITIONS)
    ]
    model = sorted(models, key=lambda each: each.p50_s)[REPETITIONS // 2]
    print(f"\n{run['name']}: {len(arrivals)} photos, {run['workers']} checkers")
    print(
        f"  on average one check {statistics.mean(services):.2f} s"
        f" and one hand-over {statistics.mean(handovers):.2f} s"
    )
    for name, each in (("measured", measured), ("simulated", model)):
        print(
            f"  {name:<10}{each.per_s:>7.2f} verdicts/s   wait p50 {each.p50_s:>6.2f} s"
            f"   p99 {each.p99_s:>6.2f} s"
        )
    is_throughput_right = abs(model.per_s / measured.per_s - 1) <= TOLERANCE
    difference_s = abs(model.p50_s - measured.p50_s)
    return is_throughput_right and difference_s <= max(SMALLEST_WAIT_S, TOLERANCE * measured.p50_s)


def find_checkers(photos_a_s: float, service_s: float, draw: random.Random) -> tuple[int, Outcome]:
    """Return the fewest checkers that hold the limit for an hour of random arrivals."""
    count = min(20_000, max(2_000, int(photos_a_s * 600)))
    arrivals, moment = [], 0.0
    for _ in range(count):
        moment += draw.expovariate(photos_a_s)
        arrivals.append(moment)
    services = [draw.uniform(0.7, 1.3) * service_s for _ in arrivals]
    checkers = max(1, math.ceil(photos_a_s * service_s))
    while True:
        outcome = simulate(arrivals, [0.0] * checkers, services)
        if outcome.p99_s <= WAIT_LIMIT_S:
            return checkers, outcome
        checkers += max(1, checkers // 50)


def plan(run: dict[str, Any], draw: random.Random) -> None:
    """Print the table of docs/scaling.md from one measured run."""
    service_s, web_s = run["check_cpu_s"], run["web_cpu_s"]
    print(f"\nplan: a check costs a core {service_s:.2f} s, a request {web_s * 1000:.1f} ms")
    print(f"{'':<14}{'students/h':>11}{'photos/s':>10}{'requests/s':>12}{'commits/s':>11}", end="")
    print(f"{'MB/s in':>9}{'checkers':>10}{'p99 s':>7}{'web cores':>11}{'machines':>10}")
    for name, season in SCALES.items():
        students_h = season * LAST_SHARE / LAST_DAYS * BUSIEST_HOUR
        photos = students_h / 3600 * PHOTOS_A_STUDENT
        requests = students_h / 3600 * run["requests_per_student"]
        checkers, outcome = find_checkers(photos, service_s, draw)
        web_cores = math.ceil(requests * web_s)
        machines = math.ceil((checkers + web_cores) * SPARE / CORES_A_MACHINE)
        print(
            f"{name:<14}{students_h:>11,.0f}{photos:>10.1f}{requests:>12.1f}"
            f"{students_h / 3600 * COMMITS_A_STUDENT:>11.0f}"
            f"{photos * STORED_BYTES_A_PHOTO / 1e6:>9.1f}{checkers:>10}{outcome.p99_s:>7.1f}"
            f"{web_cores:>11}{machines:>10}"
        )


def main() -> int:
    """Compare with the runs of a file, then plan from the last of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", type=Path, help="what benchmarks/rush.py --out wrote")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    runs = json.loads(options.figures.read_text())
    agrees = [reproduce(run, draw) for run in runs.values()]
    plan(list(runs.values())[-1], draw)
    return 0 if all(agrees) else 1


if __name__ == "__main__":
    raise SystemExit(main())
