"""How fast imagecheck is, and how often it errs.

    python benchmarks/imagecheck.py                  time per stage, ratios, memory
    python benchmarks/imagecheck.py --bench DIR      errors per code and per group, people never
                                                     used for tuning (--people tuning|all)

Speed is measured on one core with a drawn 12-megapixel phone photo. The floor is what nobody can
avoid: a reduced decode, one HOG pass at 480x640, the landmarks. Naive is face_recognition called
on the full picture. DIR is a folder with `manifest.jsonl` as photobench's make_bench.py writes it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # the script's own folder would hide the package of the same name

HELD_OUT_PEOPLE = frozenset(
    "007 008 011 020 021 027 032 034 061 067 068 092 099 107 121 128 134".split()  # noqa: SIM905
)
"""Every third person by ethnicity, sex and number; no limit was derived from them."""

_NAIVE = """
import sys, time, face_recognition
picture = face_recognition.load_image_file(sys.argv[1])
start = time.perf_counter()
picture = face_recognition.load_image_file(sys.argv[1])
boxes = face_recognition.face_locations(picture)
face_recognition.face_landmarks(picture, boxes)
print(time.perf_counter() - start)
"""


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bench", type=Path, metavar="DIR", help="error rates instead of speed")
    parser.add_argument("--people", default="held-out", choices=["held-out", "tuning", "all"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--skip-naive", action="store_true", help="naive use takes a minute")
    options = parser.parse_args()
    if options.bench:
        return print_errors(options.bench, options.people)
    return print_speed(options.rounds, with_naive=not options.skip_naive)


# -- speed ----------------------------------------------------------------------------------


def print_speed(rounds: int, *, with_naive: bool) -> int:
    """Stages of a check, ratio to the floor and to the naive way, and memory."""
    photo = ROOT / "var" / "benchmark-12mp.jpg"
    photo.parent.mkdir(exist_ok=True)
    _draw_phone_photo(photo)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    data = photo.read_bytes()
    stages, floor_s, final_s, capture_s = _measure_stages(data, rounds)
    print(f"12-megapixel JPEG, {len(data) // 1024} KB, best of {rounds}, one core")
    for name, seconds in stages:
        print(f"  {name:<34}{seconds * 1000:8.1f} ms")
    print(f"  {'floor':<34}{floor_s * 1000:8.1f} ms")
    _print_ratio("check, final", final_s, floor_s)
    _print_ratio("examine, capture (with files)", capture_s, floor_s)
    if with_naive:
        naive_s = float(_run([sys.executable, "-W", "ignore", "-c", _NAIVE, str(photo)]))
        print(f"  {'face_recognition, full picture':<34}{naive_s * 1000:8.1f} ms")
        print(f"  {'':<34}{naive_s / final_s:8.1f} times a final check")
    _print_memory(photo)
    return 0


def _print_ratio(name: str, seconds: float, floor_s: float) -> None:
    print(f"  {name:<34}{seconds * 1000:8.1f} ms = {seconds / floor_s:.2f} x floor")


def _draw_phone_photo(path: Path) -> None:
    from tests.portraits import phone_photo_bytes

    path.write_bytes(phone_photo_bytes())


def _measure_stages(
    data: bytes, rounds: int
) -> tuple[list[tuple[str, float]], float, float, float]:
    import cv2

    import imagecheck
    from imagecheck import faces
    from imagecheck.analysis import Analysis, fit_to_frame
    from imagecheck.check import judge
    from imagecheck.decode import decode
    from imagecheck.profile import find_profile
    from imagecheck.rules import RULES

    cv2.setNumThreads(1)
    faces.load_models()
    profile = find_profile("moe-2017")
    picture = decode(data)
    view = fit_to_frame(picture.pixels)
    box = faces.detect_boxes(view)[0]

    def analyse() -> Analysis:
        fresh = Analysis(
            view, picture.facts, profile=profile, search=faces.Search((box,)), factor=1.0
        )
        _ = fresh.patch_lab, fresh.lab, fresh.wall.mask
        return fresh

    stages = [
        ("reduced decode", _best(lambda: decode(data), rounds)),
        ("fit to 480x640", _best(lambda: fit_to_frame(picture.pixels), rounds)),
        ("HOG, one pass", _best(lambda: faces.detect_boxes(view), rounds)),
        ("landmarks", _best(lambda: faces.locate_landmarks(view, box), rounds)),
        ("landmarks, patch, Lab, wall", _best(analyse, rounds)),
        (f"{len(RULES)} rules and their measurements", _best_rules(analyse, judge, rounds)),
    ]
    times = dict(stages)
    floor_s = times["reduced decode"] + times["HOG, one pass"] + times["landmarks"]
    final_s = _best(lambda: imagecheck.check(data), rounds)
    capture_s = _best(lambda: imagecheck.examine(data), rounds)
    return stages, floor_s, final_s, capture_s


def _best_rules(analyse: Callable[[], Any], judge: Callable[..., Any], rounds: int) -> float:
    """Best time of all rules on an analysis whose shared quantities exist already."""
    best = float("inf")
    for _ in range(rounds):
        analysis = analyse()
        start = time.perf_counter()
        judge(analysis, start)
        best = min(best, time.perf_counter() - start)
    return best


def _best(work: Callable[[], object], rounds: int) -> float:
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _print_memory(photo: Path) -> None:
    for mode in ("final", "capture"):
        code = (
            "import resource, sys, imagecheck; data = open(sys.argv[1], 'rb').read();"
            f"imagecheck.examine(data, mode='{mode}');"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
        )
        peak_mb = _run([sys.executable, "-c", code, str(photo)])
        print(f"  {'peak memory, ' + mode:<34}{int(peak_mb):8d} MB")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


# -- errors ---------------------------------------------------------------------------------


def print_errors(bench: Path, people: str) -> int:
    """Miss rate per code; false rejects and warnings per group."""
    rows = [row for row in _read_manifest(bench) if _is_chosen(row["person"], people)]
    missed: dict[str, list[bool]] = defaultdict(list)
    passed: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    persons: dict[str, bool] = {}
    for row, found in _judge_all(bench, rows):
        if row["expect_status"] != "pass":
            missed[row["expect"][0]].append(not _is_caught(row, found))
            continue
        rejected = "fail" in found.values()
        stray = {c for c, s in found.items() if s == "warn"} - set(row["allow"])
        persons[row["person"]] = persons.get(row["person"], False) or rejected
        for group in ("all", *_groups(row)):
            passed[group].append((rejected, bool(stray)))
    _print_missed(missed)
    print(f"\n{'compliant photos':<24}{'n':>6}{'failed':>8}{'%':>7}{'warned %':>10}")
    for group, results in sorted(passed.items()):
        failed, warned = (sum(r[i] for r in results) for i in (0, 1))
        share, of = 100 / len(results), len(results)
        print(f"{group:<24}{of:>6}{failed:>8}{failed * share:>7.1f}{warned * share:>10.1f}")
    print(f"people with a failed compliant photo: {sum(persons.values())} of {len(persons)}")
    return 0


def _print_missed(missed: dict[str, list[bool]]) -> None:
    print(f"{'code':<24}{'cases':>6}{'missed':>8}{'%':>7}")
    for code, results in sorted(missed.items()):
        share = 100 * sum(results) / len(results)
        print(f"{code:<24}{len(results):>6}{sum(results):>8}{share:>7.1f}")
    every = [result for results in missed.values() for result in results]
    print(f"{'all faults':<24}{len(every):>6}{sum(every):>8}{100 * sum(every) / len(every):>7.1f}")


def _read_manifest(bench: Path) -> list[dict[str, Any]]:
    lines = (bench / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _is_chosen(person: str, people: str) -> bool:
    return people == "all" or (person in HELD_OUT_PEOPLE) is (people == "held-out")


def _judge_all(
    bench: Path, rows: list[dict[str, Any]]
) -> Iterable[tuple[dict[str, Any], dict[str, str]]]:
    import imagecheck

    for n, row in enumerate(rows, 1):
        if sys.stderr.isatty():
            print(f"\r{n}/{len(rows)}", end="", file=sys.stderr)
        report = imagecheck.check((bench / row["file"]).read_bytes())
        yield row, {f.code: f.status for f in report.findings if f.status in ("fail", "warn")}


def _is_caught(row: dict[str, Any], found: dict[str, str]) -> bool:
    wanted = ("fail",) if row["expect_status"] == "fail" else ("fail", "warn")
    return any(found.get(code) in wanted for code in row["expect"])


def _groups(row: dict[str, Any]) -> list[str]:
    group = row.get("group") or {}
    return [f"ground {row['ground']}", *(f"{key} {value}" for key, value in group.items() if value)]


if __name__ == "__main__":
    sys.exit(main())
