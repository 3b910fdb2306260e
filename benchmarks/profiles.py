"""What the photos of other uses cost, as shares of one check.

    python benchmarks/profiles.py [--rounds 9]

Processor time on one core, for a drawn 12-megapixel phone photo. A check is `examine` in capture
mode: what the worker does with every upload. Goal: each further profile costs at most 0.15 of it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

GOAL = 0.15


def main() -> int:
    """Print the table; exit status 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description="What further photo profiles cost.")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()

    import cv2

    from benchmarks.rig.portraits import BLUE, phone_photo_bytes, phone_portrait
    from imagecheck import examine, make
    from imagecheck.faces import load_models
    from imagecheck.profiles.shipped import SHIPPED

    cv2.setNumThreads(1)
    load_models()
    # low enough in the picture that every profile finds room above the head
    portrait = phone_portrait().but(eye_y=720.0, face_width=270.0, wall=BLUE)
    data = phone_photo_bytes(portrait)
    uses = [profile for profile in SHIPPED.values() if not profile.is_standard]
    changed = [profile.with_wall("white") for profile in uses]
    made = sum(cut.jpeg is not None for cut in make(data, changed))

    names = ("check", "one", "all", "changed")
    works: list[Callable[[], object]] = [
        lambda: examine(data),
        lambda: make(data, uses[-1:]),
        lambda: make(data, uses),
        lambda: make(data, changed),
    ]
    times: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(options.rounds):  # in turn, so that a busy moment meets all of them
        for name, work in zip(names, works, strict=True):
            begin = time.process_time()
            work()
            times[name].append(time.process_time() - begin)
    check_s, one_s, all_s, changed_s = (statistics.median(times[name]) for name in names)
    further = (all_s - one_s) / (len(uses) - 1) / check_s
    further_changed = (changed_s - one_s) / (len(uses) - 1) / check_s
    print(f"a check {check_s * 1000:.0f} ms; {made} of {len(uses)} profiles made")
    print(f"  the first profile        {one_s / check_s:.2f} of a check")
    print(f"  each further             {further:.3f} of a check, goal {GOAL}")
    print(f"  each with a changed wall {further_changed:.3f} of a check")
    return 0 if further <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
