"""Whether two versions of imagecheck say the same about the same pictures.

    python benchmarks/verdicts.py write OUT.jsonl FOLDER...        judge every picture, both modes
    python benchmarks/verdicts.py compare BEFORE.jsonl AFTER.jsonl [--sheet SHEET.jpg]

``write`` is run in the folder of each version; ``compare`` prints every status that changed and how
far measured values moved, and ends with status 1 if a status changed. A sheet shows the pictures
that changed, to be looked at by eye. In ``capture`` mode the standard photo is judged once more as
a finished file: it may have no failure that the first verdict did not have.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # the script's own folder would hide the package of the same name

_FORMS = frozenset({".jpg", ".jpeg", ".png", ".heic", ".avif", ".webp"})
_THUMB_PX = (150, 200)
_COLUMNS = 8

Row = dict[str, Any]
"""``file``, ``mode``, ``found`` (code: status), ``values``, and in capture ``handed_on`` (hash of
the standard photo), ``is_original`` and ``contradicted`` (failures that only its own check has)."""


def main() -> int:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write")
    write.add_argument("out", type=Path)
    write.add_argument("folders", type=Path, nargs="+")
    write.add_argument("--jobs", type=int, default=1)
    compare = commands.add_parser("compare")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    compare.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    if options.command == "write":
        return write_verdicts(options.out, options.folders, options.jobs)
    return compare_verdicts(options.before, options.after, options.sheet)


# -- judging --------------------------------------------------------------------------------


def write_verdicts(out: Path, folders: Iterable[Path], jobs: int) -> int:
    """Judge every picture below the folders; 1 when a standard photo contradicts its verdict."""
    files = sorted(file for folder in folders for file in _find_pictures(folder))
    contradicted = 0
    with ProcessPoolExecutor(jobs) as pool, out.open("w", encoding="utf-8") as lines:
        for rows in pool.map(_judge, files, chunksize=4):
            for row in rows:
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                if row.get("contradicted"):
                    contradicted += 1
                    print(f"{row['file']}: only the standard photo fails as {row['contradicted']}")
    print(f"{len(files)} pictures, {contradicted} standard photos fail where their verdict did not")
    return 1 if contradicted else 0


def _find_pictures(folder: Path) -> Iterator[Path]:
    return (file for file in folder.resolve().rglob("*") if file.suffix.lower() in _FORMS)


def _judge(file: Path) -> list[Row]:
    import cv2

    import imagecheck

    cv2.setNumThreads(1)
    data = file.read_bytes()
    rows = [{"file": str(file), "mode": "final", **_tell(imagecheck.check(data))}]
    examined = imagecheck.examine(data)
    row: Row = {"file": str(file), "mode": "capture", **_tell(examined.report)}
    if examined.standard_jpeg is not None:
        again = _tell(imagecheck.check(examined.standard_jpeg))["found"]
        row["handed_on"] = hashlib.sha256(examined.standard_jpeg).hexdigest()[:16]
        row["is_original"] = examined.standard_jpeg == data
        row["contradicted"] = sorted(
            code
            for code, status in again.items()
            if status == "fail" and row["found"].get(code) != "fail"
        )
    return [*rows, row]


def _tell(report: Any) -> Row:
    return {
        "found": {finding.code: finding.status for finding in report.findings},
        "values": dict(report.measurements),
    }


# -- comparing ------------------------------------------------------------------------------


def compare_verdicts(before: Path, after: Path, sheet: Path | None) -> int:
    """Print what changed; 1 when a status did."""
    old, new = _read(before), _read(after)
    shared = sorted(old.keys() & new.keys())
    changed: dict[str, list[str]] = defaultdict(list)
    moved: dict[str, float] = defaultdict(float)
    for key in shared:
        for line in _differ(old[key]["found"], new[key]["found"]):
            changed[key[0]].append(f"{key[1]:8}{line}")
        for name, value in new[key]["values"].items():
            moved[name] = max(moved[name], abs(value - old[key]["values"].get(name, value)))
    for file, lines in changed.items():
        for line in lines:
            print(f"{Path(file).name:44}{line}")
    print(f"\n{len(shared)} verdicts compared, {sum(map(len, changed.values()))} statuses changed")
    for name, most in sorted(moved.items()):
        if most:
            print(f"  {name:28} moved by at most {most:.4g}")
    if sheet is not None and changed:
        _draw_sheet(sheet, changed)
    return 1 if changed else 0


def _read(path: Path) -> dict[tuple[str, str], Row]:
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {(row["file"], row["mode"]): row for row in rows}


def _differ(old: dict[str, str], new: dict[str, str]) -> list[str]:
    return [
        f"{code:24}{old.get(code, 'pass'):>8} -> {new.get(code, 'pass')}"
        for code in sorted(old.keys() | new.keys())
        if old.get(code) != new.get(code)
    ]


def _draw_sheet(path: Path, changed: dict[str, list[str]]) -> None:
    """Every changed picture with the codes that changed below it."""
    from PIL import Image, ImageDraw

    rows = -(-len(changed) // _COLUMNS)
    cell = _THUMB_PX[0] + 10, _THUMB_PX[1] + 62
    sheet = Image.new("RGB", (_COLUMNS * cell[0], rows * cell[1]), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (file, lines) in enumerate(changed.items()):
        x, y = number % _COLUMNS * cell[0], number // _COLUMNS * cell[1]
        with Image.open(file) as picture:
            picture.thumbnail(_THUMB_PX)
            sheet.paste(picture.convert("RGB"), (x, y))
        shown = [f"{line[0]} " + " ".join(line[8:].split()) for line in lines]
        draw.multiline_text((x, y + _THUMB_PX[1]), "\n".join(shown[:5]), fill="black", font_size=9)
    sheet.save(path, quality=88)


if __name__ == "__main__":
    sys.exit(main())
