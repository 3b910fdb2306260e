"""How fast imagecheck is, and how often it errs.

    python benchmarks/imagecheck.py                      speed, memory and error rates
    python benchmarks/imagecheck.py --only speed         time per stage, ratios, memory
    python benchmarks/imagecheck.py --only errors --photobench DIR

Speed is processor time on one core, for a drawn 12-megapixel phone photo. The floor is what nobody
can avoid: reduced decode, the short-range detector, landmarks, one after the other on that photo as
in a check; floor and checks are timed in turn, so that other work slows all of them. Stages are
timed one by one, each over and over, which keeps its data in the cache: their sum is less. Naive:
face_recognition called on the full picture. DIR is photobench itself, or a folder that its
make_bench.py has written; it is looked for beside the project, and in PHOTOBENCH.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # the script's own folder would hide the package of the same name

_NAIVE = """
import sys, time, face_recognition
picture = face_recognition.load_image_file(sys.argv[1])
start = time.process_time()
picture = face_recognition.load_image_file(sys.argv[1])
boxes = face_recognition.face_locations(picture)
face_recognition.face_landmarks(picture, boxes)
print(time.process_time() - start)
"""


def main() -> int:
    """Run what the options ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["speed", "errors"])
    parser.add_argument("--photobench", metavar="DIR", help="labelled photographs, or their maker")
    parser.add_argument("--per-case", type=int, default=6, help="pictures of every fault")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--skip-naive", action="store_true", help="naive use takes a minute")
    options = parser.parse_args()
    if options.only != "errors":
        print_speed(options.rounds, with_naive=not options.skip_naive)
    if options.only != "speed":
        print_errors(options.photobench, options.per_case)
    return 0


# -- speed ----------------------------------------------------------------------------------


def print_speed(rounds: int, *, with_naive: bool) -> None:
    """Stages of a check, ratio to the floor and to the naive way, and memory."""
    photo = ROOT / "var" / "benchmark-12mp.jpg"
    photo.parent.mkdir(exist_ok=True)
    _draw_phone_photo(photo)
    everywhere = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everywhere)})
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
    os.sched_setaffinity(0, everywhere)


def _print_ratio(name: str, seconds: float, floor_s: float) -> None:
    print(f"  {name:<34}{seconds * 1000:8.1f} ms = {seconds / floor_s:.2f} x floor")


def _draw_phone_photo(path: Path) -> None:
    from benchmarks.rig.portraits import phone_photo_bytes

    path.write_bytes(phone_photo_bytes())


def _measure_stages(
    data: bytes, rounds: int
) -> tuple[list[tuple[str, float]], float, float, float]:
    import cv2

    import imagecheck
    from imagecheck import faces
    from imagecheck.analysis import Analysis, fit_to_frame
    from imagecheck.decode import decode
    from imagecheck.faces.mediapipe import load_short_range
    from imagecheck.faces.mesh import load_mesh_model
    from imagecheck.judge import judge
    from imagecheck.profile import find_profile
    from imagecheck.rules import RULES

    cv2.setNumThreads(1)
    faces.load_models()
    profile = find_profile("moe-2017")
    picture = decode(data)
    view = fit_to_frame(picture.pixels)
    detect, locate = load_short_range().detect, load_mesh_model().locate
    box, search = detect(view)[0], faces.choose_backend().search(view)

    def analyse() -> Analysis:
        fresh = Analysis(view, picture.facts, profile=profile, search=search, factor=1.0)
        _ = fresh.patch_lab, fresh.wall.mask
        return fresh

    stages = [
        ("reduced decode", _best(lambda: decode(data), rounds)),
        ("fit to 480x640", _best(lambda: fit_to_frame(picture.pixels), rounds)),
        ("short-range detector", _best(lambda: detect(view), rounds)),
        ("landmarks", _best(lambda: locate(view, box), rounds)),
        ("patch, Lab, wall", _best(analyse, rounds)),
        (f"{len(RULES)} rules and their measurements", _best_rules(analyse, judge, rounds)),
    ]

    def reach_floor() -> None:
        decode(data)
        locate(view, detect(view)[0])

    floor_s, final_s, capture_s = _best_in_turn(
        [reach_floor, lambda: imagecheck.check(data), lambda: imagecheck.examine(data)], rounds
    )
    return stages, floor_s, final_s, capture_s


def _best_in_turn(works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Best time of each; every round runs all of them."""
    return [
        min(times)
        for times in zip(*([_time(w) for w in works] for _ in range(rounds)), strict=True)
    ]


def _best_rules(analyse: Callable[[], Any], judge: Callable[..., Any], rounds: int) -> float:
    """Best time of all rules on an analysis whose shared quantities exist already."""
    best = float("inf")
    for _ in range(rounds):
        analysis = analyse()
        start = time.process_time()
        judge(analysis, 0.0)
        best = min(best, time.process_time() - start)
    return best


def _best(work: Callable[[], object], rounds: int) -> float:
    return min(_time(work) for _ in range(rounds))


def _time(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _print_memory(photo: Path) -> None:
    for mode in ("final", "capture"):
        code = (
            "import re, sys, imagecheck; data = open(sys.argv[1], 'rb').read();"
            f"imagecheck.examine(data, mode='{mode}');"
            # not ru_maxrss: a child inherits the peak of the process that started it
            "status = open('/proc/self/status').read();"
            "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)"
        )
        peak_mb = _run([sys.executable, "-c", code, str(photo)])
        print(f"  {'peak memory, ' + mode:<34}{int(peak_mb):8d} MB")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


# -- errors ---------------------------------------------------------------------------------


def print_errors(photobench: str | None, per_case: int) -> None:
    """Error rates on photobench, or why they are left out."""
    from benchmarks.photo_errors import (
        FOLDS,
        find_bench,
        judge_bench,
        judge_portraits,
        print_rates,
        refit_and_judge,
    )

    bench = find_bench(photobench, per_case)
    if isinstance(bench, str):
        print(f"\nerror rates left out: {bench}")
        return
    rows = judge_bench(bench)
    print(f"\nlimits of moe-2017 on {bench}")
    print_rates(rows)
    portraits = judge_portraits()
    print(f"\nlimits set anew without the person who is judged, {FOLDS} folds of people,")
    print(f"and from {len(portraits)} portraits of other sources")
    print_rates(refit_and_judge(rows, portraits))


if __name__ == "__main__":
    sys.exit(main())
