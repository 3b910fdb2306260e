"""Real people, where photobench stands beside the project: the targets on a small sample.

Pictures are made in memory. The full table of error rates is that of ``benchmarks/imagecheck.py``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import imagecheck
from tests.rounds import few

# photobench reads its files without closing them
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

PHOTOBENCH = Path(
    os.environ.get("PHOTOBENCH") or Path(__file__).parents[3] / "shared" / "photobench"
)
PEOPLE = ("005", "042", "006", "014")
"""East Asian, black, west Asian, white; two women, two men."""

CASES = {
    "off_left": "geometry.off_centre",
    "eyes_too_low": "geometry.eye_line",
    "eyes_closed": "eyes.closed",
    "mouth_open": "mouth.open",
    "blur_gauss": "focus.blurred",
    "dark_person": "light.dark",
    "cast_green": "colour.unnatural",
    "bg_red": "background.colour",
    "border_black": "frame.border",
    "sunglasses": "glasses.tinted",
    "yaw_left": "pose.yaw",
    "roll_whole": "pose.roll",
}

Maker = Callable[[str, list[str]], list[tuple[str, str, bytes]]]


@pytest.fixture(scope="module")
def make() -> Iterator[Maker]:
    """Makes a compliant photo and some faults of a person; nothing is written."""
    if not (PHOTOBENCH / "make_bench.py").is_file():
        pytest.skip(f"no photobench at {PHOTOBENCH}: set PHOTOBENCH to judge real people")
    sys.path.insert(0, str(PHOTOBENCH))
    try:
        bench: Any = importlib.import_module("make_bench")
        folder = str(PHOTOBENCH / "people")
        people = bench.load_people(folder)

        def photos_of(person: str, cases: list[str]) -> list[tuple[str, str, bytes]]:
            todo = [("pass_base", "white"), *((case, "blue") for case in cases)]
            made: list[tuple[str, str, bytes]] = bench.one(
                folder, people[person], todo, 1, (), None
            )
            return made

        yield photos_of
    finally:
        sys.path.remove(str(PHOTOBENCH))
        for name in ("make_bench", "cases", "paint", "engine"):
            sys.modules.pop(name, None)


@pytest.mark.parametrize("turn", few(range(len(PEOPLE)), lambda turn: turn == 0))
def test_compliant_people_pass_and_their_faults_are_found(make: Maker, turn: int) -> None:
    person, cases = PEOPLE[turn], list(CASES)[turn :: len(PEOPLE)]
    made = make(person, cases)
    assert len(made) == len(cases) + 1
    for name, ground, data in made:
        failed = {f.code for f in imagecheck.check(data).findings if f.status == "fail"}
        if name == "pass_base":
            assert failed == set(), f"{person} on {ground}"
        else:
            assert CASES[name] in failed, f"{name} of {person}"
