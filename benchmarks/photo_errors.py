"""How often imagecheck errs on a labelled benchmark: per code, per group, and on people unseen.

Used by ``benchmarks/imagecheck.py``. The benchmark is photobench, which stands beside the project
and not in it: its photographs are other people's.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
BESIDE = ROOT.parent / "shared" / "photobench"
PORTRAITS = ROOT.parent / "shared" / "portraits"
"""Ordinary photos of other cameras, none of them made for the standard; ``portraits.csv`` says for
each which codes about the person may be raised."""
_NOT_OF_PORTRAITS = ("file.", "geometry.", "background.", "face.cut_off", "focus.low_resolution")
FOLDS = 5

Row = dict[str, Any]
"""One picture: its line of the manifest, ``found`` (code: status) and ``values``."""


def find_bench(given: str | None, per_case: int) -> Path | str:
    """The folder with the pictures, made if need be; else why there is none.

    Args:
        given: folder of photobench, or of pictures that it has made.
        per_case: pictures of every fault when they have to be made.
    """
    home = Path(given or os.environ.get("PHOTOBENCH") or BESIDE)
    if (home / "manifest.jsonl").is_file():
        return home
    if not (home / "make_bench.py").is_file():
        return f"no photobench at {home}: point to it with --photobench DIR or PHOTOBENCH=DIR"
    made = ROOT / "var" / f"photobench-{per_case}"
    if not (made / "manifest.jsonl").is_file():
        print(f"making pictures in {made}, some minutes once", file=sys.stderr)
        options = ["--out", str(made), "--per-case", str(per_case), "--seed", "1"]
        command = [sys.executable, str(home / "make_bench.py"), *options]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return made


def judge_bench(bench: Path) -> list[Row]:
    """Judge every picture of the benchmark in final mode."""
    lines = (bench / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    rows: list[Row] = [json.loads(line) for line in lines]
    with ProcessPoolExecutor() as pool:
        reports = pool.map(_judge, [str(bench / row["file"]) for row in rows], chunksize=8)
        for row, report in zip(rows, reports, strict=True):
            row["found"] = {f["code"]: f["status"] for f in report["findings"]}
            row["values"] = report["measurements"]
    return rows


def judge_portraits(folder: Path = PORTRAITS) -> list[Row]:
    """Portraits of other sources with their measurements; empty where there are none."""
    if not (folder / "portraits.csv").is_file():
        return []
    with (folder / "portraits.csv").open(encoding="utf-8", newline="") as lines:
        rows: list[Row] = list(csv.DictReader(lines))
    with ProcessPoolExecutor() as pool:
        reports = pool.map(_judge, [str(folder / row["file"]) for row in rows], chunksize=8)
        for row, report in zip(rows, reports, strict=True):
            row["allow"], row["values"] = row["allow"].split(), report["measurements"]
    return rows


def _judge(path: str) -> dict[str, Any]:
    import cv2

    import imagecheck

    cv2.setNumThreads(1)
    return imagecheck.check(Path(path).read_bytes()).to_dict()


def print_rates(rows: Sequence[Row]) -> None:
    """Missed faults per code; failed and warned compliant photos per group."""
    missed: dict[str, list[bool]] = defaultdict(list)
    passed: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    persons: dict[str, bool] = {}
    for row in rows:
        if row["expect_status"] != "pass":
            missed[row["expect"][0]].append(not is_caught(row))
            continue
        result = "fail" in row["found"].values(), bool(row["found"])
        persons[row["person"]] = persons.get(row["person"], False) or result[0]
        for group in ("all", *_groups(row)):
            passed[group].append(result)
    print(f"{'code':<24}{'cases':>6}{'missed':>8}{'%':>7}")
    for code, results in sorted(missed.items()):
        print(f"{code:<24}{len(results):>6}{sum(results):>8}{_percent(results):>7.1f}")
    every = [result for results in missed.values() for result in results]
    print(f"{'all faults':<24}{len(every):>6}{sum(every):>8}{_percent(every):>7.1f}")
    print(f"\n{'compliant photos':<24}{'n':>6}{'failed':>8}{'%':>7}{'warned %':>10}")
    for group, both in sorted(passed.items()):
        failed, warned = [r[0] for r in both], [r[1] and not r[0] for r in both]
        counts = f"{group:<24}{len(both):>6}{sum(failed):>8}"
        print(f"{counts}{_percent(failed):>7.1f}{_percent(warned):>10.1f}")
    print(f"people with a failed compliant photo: {sum(persons.values())} of {len(persons)}")


def _percent(results: Sequence[bool]) -> float:
    return 100 * sum(results) / max(1, len(results))


def is_caught(row: Row) -> bool:
    """Whether one of the expected codes was found, gravely enough."""
    wanted = ("fail",) if row["expect_status"] == "fail" else ("fail", "warn")
    return any(row["found"].get(code) in wanted for code in row["expect"])


def _groups(row: Row) -> list[str]:
    group = row.get("group") or {}
    return [f"ground {row['ground']}", *(f"{key} {value}" for key, value in group.items() if value)]


# -- people unseen ----------------------------------------------------------------------------


def refit_and_judge(rows: Sequence[Row], portraits: Sequence[Row] = ()) -> list[Row]:
    """Judge every person by limits set anew without that person, in five folds of people.

    Only limits that were calibrated are set anew, halfway between the worst compliant photos and
    the mildest faults of the other people. The result tells how far such limits carry, not how
    good the ones of the profile are.

    Args:
        rows: pictures of one studio with their labels.
        portraits: other people from other cameras, who count as compliant wherever a code may not
            be raised.
    """
    people = sorted({row["person"] for row in rows})
    judged: list[Row] = []
    for fold in range(FOLDS):
        held = set(people[fold::FOLDS])
        limits = _fit_limits([row for row in rows if row["person"] not in held], portraits)
        judged += [_judge_again(row, limits) for row in rows if row["person"] in held]
    return judged


def _fit_limits(
    rows: Iterable[Row], portraits: Sequence[Row]
) -> dict[str, tuple[str, float, float, str]]:
    """By code: the measurement, the sign of its bad side, the limit, the status beyond it."""
    from imagecheck.profile import find_profile
    from imagecheck.rules import RULES

    rows = list(rows)
    fitted = {}
    for rule in RULES:
        limit = find_profile("moe-2017").limits.get(rule.code)
        if limit is None or "calibrated" not in limit.source:
            continue
        status, band = ("warn", limit.warn) if limit.fail == (None, None) else ("fail", limit.fail)
        if None not in band:
            continue  # two-sided ones stay: one fault seldom shows both ends
        sign = 1.0 if band[0] is None else -1.0
        good = [sign * v for v in _values(rows, rule.measurement, None)]
        if status == "fail":  # what only asks for a look was not labelled that closely
            good += [sign * v for v in _values_of_portraits(portraits, rule.measurement, rule.code)]
        bad = [sign * v for v in _values(rows, rule.measurement, rule.code)]
        if len(good) < 50 or len(bad) < 4:
            continue
        worst, mildest = np.percentile(good, 99), np.percentile(bad, 10)
        middle = float(worst + max(0.0, mildest - worst) / 2)
        fitted[rule.code] = rule.measurement, sign, sign * middle, status
    return fitted


def _values(rows: Iterable[Row], measurement: str, code: str | None) -> list[float]:
    return [
        row["values"][measurement]
        for row in rows
        if measurement in row["values"]
        and (row["expect_status"] == "pass" if code is None else row["expect"][:1] == [code])
    ]


def _values_of_portraits(rows: Iterable[Row], measurement: str, code: str) -> list[float]:
    if code.startswith(_NOT_OF_PORTRAITS):
        return []
    return [
        row["values"][measurement]
        for row in rows
        if measurement in row["values"] and code not in row["allow"]
    ]


def _judge_again(row: Row, limits: Mapping[str, tuple[str, float, float, str]]) -> Row:
    found = {code: status for code, status in row["found"].items() if code not in limits}
    for code, (measurement, sign, limit, status) in limits.items():
        value = row["values"].get(measurement)
        if value is not None and sign * value > sign * limit:
            found[code] = status
    return row | {"found": found}
