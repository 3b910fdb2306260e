"""How well faces are told apart, and how fast they are searched: the figures of docs/faces.md.

    .venv/bin/python benchmarks/faces.py [--only search|people]

``search`` needs nothing: it compares one face with 20,000 and 100,000 drawn ones, and with the
plain way (one subtraction a row), so that a slow machine tells the same ratio. ``people`` reads
../shared/photobench beside this folder (47 people, some of them smiling) and says so where it is
not there. Portraits of other sources are not for recognition and are never read.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import statistics
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np

from benchmarks.rig.tails import (
    bound_over_people,
    extrapolate_chi_square,
    extrapolate_normal,
    extrapolate_pareto,
)
from imagecheck.examination import examine
from imagecheck.faces.encoder import encode_face
from server.services.faces.limits import LIKE, UNLIKE
from server.services.faces.search import LENGTH, Encoding, Faces

PEOPLE = ROOT.parent / "shared" / "photobench" / "people"
COLLEGE = 20_000
SIZES = (COLLEGE, 100_000)
ROUNDS = 20
Found = dict[str, Encoding]
TAILS = {
    "normal": extrapolate_normal,
    "chi square": extrapolate_chi_square,
    "Pareto": extrapolate_pareto,
}


def time_search() -> None:
    """Print milliseconds of one search, and how much faster it is than the plain way."""
    dice = np.random.default_rng(1)
    for size in SIZES:
        rows = dice.normal(0, 0.11, (size, LENGTH)).astype(np.float32)
        faces = Faces()
        faces.add([uuid.UUID(int=place) for place in range(size)], rows)
        ours = _median_ms(lambda faces=faces, rows=rows: faces.find_near(rows[7], LIKE[-1]))
        plain = _median_ms(lambda rows=rows: np.linalg.norm(rows - rows[7], axis=1) <= LIKE[-1])
        print(f"search, {size} faces = {ours:.1f} ms, {plain / ours:.1f} x faster than row by row")


def _median_ms(work: object) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()  # type: ignore[operator]
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def measure_people() -> None:
    """Print the distances of photobench by group, and what the limits make of them."""
    if not PEOPLE.is_dir():
        print(f"people: not measured, {PEOPLE} is not there")
        return
    with (PEOPLE / "people.csv").open(encoding="utf-8") as file:
        facts = {row["id"]: (row["sex"], row["ethnicity"]) for row in csv.DictReader(file)}
    neutral, originals = _measure("neutral")
    smiling, _ = _measure("smiling")
    print(f"people = {len(neutral)} standard photos, {len(smiling)} of them smiling too")
    print_line("original against standard photo", [
        _distance(originals[who], neutral[who]) for who in neutral if who in originals
    ])  # fmt: skip
    same = [_distance(neutral[who], smiling[who]) for who in smiling if who in neutral]
    print_line("one person, neutral and smiling", same)
    pairs = list(itertools.combinations(sorted(neutral), 2))
    print_line("two people", [_distance(neutral[a], neutral[b]) for a, b in pairs])
    alike = [(a, b) for a, b in pairs if facts[a] == facts[b]]
    for group in sorted({facts[a] for a, _ in alike}):
        inside = [_distance(neutral[a], neutral[b]) for a, b in alike if facts[a] == group]
        count = sum(facts[who] == group for who in neutral)
        print_line(f"  {' '.join(group)} ({count} people)", inside)
    close = [_distance(neutral[a], neutral[b]) for a, b in alike]
    print_line("two people of one sex and origin", close)
    print_tails(neutral, facts)
    for limit in LIKE:
        found = sum(each <= limit for each in same)
        print(f"found = {found} of {len(same)} within {limit}")
    unlike = sum(each > UNLIKE[-1] for each in same)
    print(f"called unlike themselves = {unlike} of {len(same)} beyond {UNLIKE[-1]}")


def _measure(folder: str) -> tuple[Found, Found]:
    """Return the faces of the standard photos made of a folder, and of the pictures themselves."""
    made: Found = {}
    as_it_is: Found = {}
    for path in sorted((PEOPLE / folder).glob("*.jpg")):
        who, data = path.name[:3], path.read_bytes()
        standard = examine(data).standard_jpeg
        for jpeg, kept in ((standard, made), (data, as_it_is)):
            values = encode_face(jpeg) if jpeg else None
            if values is not None:
                kept[who] = np.array(values, np.float32)
    return made, as_it_is


def _distance(one: Encoding, other: Encoding) -> float:
    return float(np.linalg.norm(one - other))


def print_line(name: str, values: list[float]) -> None:
    """Print count, mean, deviation and both ends."""
    spread = statistics.pstdev(values)
    print(
        f"{name} = {len(values)} pairs, mean {statistics.fmean(values):.3f}, "
        f"deviation {spread:.3f}, {min(values):.3f} to {max(values):.3f}"
    )


def print_tails(faces: Found, facts: dict[str, tuple[str, str]]) -> None:
    """Print what the lower tail of people of one sex and origin says about a college."""
    people = sorted(faces)
    rows = np.stack([faces[who] for who in people]).astype(np.float64)
    table = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    is_alike = np.array([[facts[a] == facts[b] for b in people] for a in people])
    values = table[np.triu(is_alike, 1)]
    for limit in LIKE:
        for name, tail in TAILS.items():
            expected = count_hints(tail(values, limit))
            bound = count_hints(bound_over_people(table, is_alike, tail, limit))
            print(
                f"false hints within {limit}, {name} = {expected:.3f} of 100 photos in a college "
                f"of {COLLEGE}, 95 % bound over people {bound:.2f}"
            )


def count_hints(chance: float) -> float:
    """Of 100 photos of a college, how many have somebody within the limit by chance."""
    return 100 * (1 - (1 - min(chance, 1.0)) ** COLLEGE)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("search", "people"))
    only = parser.parse_args().only
    if only != "people":
        time_search()
    if only != "search":
        measure_people()


if __name__ == "__main__":
    main()
