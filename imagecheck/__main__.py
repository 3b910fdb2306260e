"""The command: ``python -m imagecheck check|standardise|make|annotate|rules``.

Exit status: 0 when every photo passes or only needs a look, 1 when one fails, 2 for bad usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from imagecheck.profile import ALIASES, OPEN, PROFILES, Limit, Profile, find_profile
from imagecheck.profiles.photo_profile import WALLS
from imagecheck.profiles.shipped import SHIPPED
from imagecheck.report import Band, Report

OK, FAILED, BAD_USAGE = 0, 1, 2
_VERDICTS = {"pass": "通过", "warn": "需人工复核", "fail": "不通过"}
_STATUSES = {"fail": "不符合", "warn": "待复核", "unknown": "无法判断"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Chinese also where the terminal claims plain ASCII
            stream.reconfigure(encoding="utf-8", errors="replace")
    options = _make_parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("imagecheck"):
            raise
        print(
            f"imagecheck: this Python has no {error.name}. Use the one that has it: "
            ".venv/bin/python -m imagecheck … (make install makes .venv)",
            file=sys.stderr,
        )
        return BAD_USAGE
    except RuntimeError as error:
        from imagecheck.faces import UnknownBackendError
        from imagecheck.faces.weights import WeightsMissingError

        if not isinstance(error, WeightsMissingError | UnknownBackendError):
            raise
        print(f"imagecheck: {error}", file=sys.stderr)
        return BAD_USAGE
    except BrokenPipeError:
        # the reader has seen enough, as `head` does; keep the interpreter from flushing into it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m imagecheck", description="Judges ID photos.")
    commands = parser.add_subparsers(required=True, metavar="check|standardise|make|annotate|rules")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--profile", default="moe-2017", choices=[*PROFILES, *ALIASES])

    uses = dict.fromkeys([*PROFILES, *ALIASES, *SHIPPED])
    command = commands.add_parser("check", help="judge photos")
    command.add_argument("--profile", default="moe-2017", choices=uses)
    command.add_argument("files", nargs="+", metavar="FILE")
    command.add_argument("--mode", default="final", choices=["final", "capture"])
    command.add_argument("--json", action="store_true", help="one JSON object a line")
    command.set_defaults(run=_run_check)

    command = commands.add_parser("standardise", parents=[shared], help="make the standard photo")
    command.add_argument("file", metavar="FILE")
    command.add_argument("-o", "--output", required=True, metavar="OUT.jpg")
    command.add_argument(
        "--background", default="auto", choices=["auto", "blue", "white", "grey", "keep"]
    )
    command.set_defaults(run=_run_standardise)

    command = commands.add_parser("make", help="make the photos of other uses from one shot")
    command.add_argument("file", metavar="FILE")
    command.add_argument("--profile", action="append", required=True, choices=SHIPPED)
    command.add_argument(
        "-o", "--output", required=True, metavar="FOLDER|OUT.jpg", help="OUT.jpg: one profile only"
    )
    command.add_argument(
        "--wall", choices=list(WALLS), help="give a plain wall that is not allowed this colour"
    )
    command.add_argument("--json", action="store_true", help="one JSON object a profile")
    command.set_defaults(run=_run_make)

    command = commands.add_parser("annotate", parents=[shared], help="draw what was measured")
    command.add_argument("file", metavar="FILE")
    command.add_argument("-o", "--output", required=True, metavar="OUT.png|OUT.svg")
    command.add_argument("--mode", default="final", choices=["final", "capture"])
    command.set_defaults(run=_run_annotate)

    command = commands.add_parser("rules", parents=[shared], help="print the table of rules")
    command.set_defaults(run=_run_rules)
    return parser


def _run_check(options: argparse.Namespace) -> int:
    from imagecheck.answers import check

    status = OK
    for name in options.files:
        data = _read(name)
        status = max(status, BAD_USAGE if data is None else OK)
        report = check(data or b"", mode=options.mode, profile=options.profile)
        if options.json:
            print(json.dumps(report.to_dict(name), ensure_ascii=False), flush=True)
        else:
            print("\n".join(_describe(name, report)), flush=True)
        if report.verdict == "fail":
            status = max(status, FAILED)
    return status


def _read(name: str) -> bytes | None:
    """The bytes of a file; ``None``, after saying why, when it cannot be read."""
    try:
        return Path(name).read_bytes()
    except (OSError, ValueError) as error:
        print(f"imagecheck: {name}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return None


def _write(name: str, data: bytes) -> int:
    try:
        Path(name).write_bytes(data)
    except (OSError, ValueError) as error:
        print(f"imagecheck: {name}: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return BAD_USAGE
    return OK


def _is_same_file(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _describe(name: str, report: Report) -> Iterable[str]:
    yield f"{name}: {_VERDICTS[report.verdict]}"
    for finding in report.findings:
        yield f"  [{_STATUSES[finding.status]}] {finding.message} ({finding.code})"


def _run_standardise(options: argparse.Namespace) -> int:
    from imagecheck.answers import standardise

    data = _read(options.file)
    if data is None:
        return BAD_USAGE
    if _is_same_file(options.file, options.output):
        print(f"imagecheck: {options.output}: the original is never overwritten", file=sys.stderr)
        return BAD_USAGE
    made = standardise(data, background=options.background, profile=options.profile)
    if made.jpeg is None:
        reason = made.finding.message if made.finding else "无法生成标准照片"
        print(f"imagecheck: {options.file}: {reason}", file=sys.stderr)
        return FAILED
    if options.background != "keep" and not (made.wall_replaced or made.is_original):
        print(f"imagecheck: {options.file}: 背景不是纯色墙面，保持原样", file=sys.stderr)
    return _write(options.output, made.jpeg)


def _run_make(options: argparse.Namespace) -> int:
    from imagecheck.profiles.make import make

    out = Path(options.output)
    is_file = out.suffix.lower() in (".jpg", ".jpeg")
    names = list(dict.fromkeys(options.profile))
    if is_file and len(names) > 1:
        print("imagecheck: several profiles need a folder", file=sys.stderr)
        return BAD_USAGE
    data = _read(options.file)
    if data is None:
        return BAD_USAGE
    if _is_same_file(options.file, options.output):
        print(f"imagecheck: {options.output}: the original is never overwritten", file=sys.stderr)
        return BAD_USAGE
    if not is_file:
        out.mkdir(parents=True, exist_ok=True)
    status = OK
    profiles = [SHIPPED[name].with_wall(options.wall) for name in names]
    for cut in make(data, profiles):
        place = str(out if is_file else out / f"{cut.profile.key}.jpg")
        if options.json:
            print(json.dumps(cut.report.to_dict(place), ensure_ascii=False), flush=True)
        else:
            print("\n".join(_describe(f"{cut.profile.title} {place}", cut.report)), flush=True)
        status = max(status, FAILED if cut.jpeg is None else _write(place, cut.jpeg))
    return status


def _run_annotate(options: argparse.Namespace) -> int:
    from imagecheck.answers import annotate

    form = Path(options.output).suffix.lower()
    if form not in (".png", ".svg"):
        print("imagecheck: the output must be a .png or .svg file", file=sys.stderr)
        return BAD_USAGE
    data = _read(options.file)
    if data is None:
        return BAD_USAGE
    drawn = annotate(
        data,
        form="svg" if form == ".svg" else "png",
        mode=options.mode,
        profile=options.profile,
    )
    return _write(options.output, drawn)


def _run_rules(options: argparse.Namespace) -> int:
    rows = [("code", "clause", "limit", "status", "source"), *_rule_rows(options.profile)]
    widths = [max(_width(row[i]) for row in rows) for i in range(4)]
    for row in rows:
        cells = [
            text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=False)
        ]
        print("  ".join((*cells, row[4])))
    return OK


def _rule_rows(profile_name: str) -> Iterable[tuple[str, str, str, str, str]]:
    from imagecheck.profile import STANDARD
    from imagecheck.rules import RULES

    profile = find_profile(profile_name)
    yield "file.unreadable", "完整的照片文件", "decodable", "fail", STANDARD
    for rule in RULES:
        limit = profile.limits.get(rule.code)
        if limit is None:
            yield rule.code, rule.clause, rule.wanted, "/".join(rule.states), STANDARD
        else:
            yield (rule.code, rule.clause, *_limit_columns(rule.code, limit, profile))


def _limit_columns(code: str, limit: Limit, profile: Profile) -> tuple[str, str, str]:
    statuses = [name for name in ("fail", "warn") if _band(limit, name) != OPEN]
    if limit.fail == limit.warn:
        statuses = ["fail"]
    bands = "; ".join(f"{name} {_format_band(_band(limit, name))}" for name in statuses)
    unit = f" {limit.unit}" if limit.unit else ""
    grounds = ""
    if code == "background.colour":
        tolerances = profile.ground_tolerances
        grounds = " x " + ", ".join(f"{name} {tolerances[name]:g} dE" for name in profile.grounds)
    return f"{bands}{unit}{grounds}", "/".join(statuses), limit.source


def _band(limit: Limit, status: str) -> Band:
    return limit.fail if status == "fail" else limit.warn


def _format_band(band: Band) -> str:
    low, high = band
    if low is None:
        return f"<= {high:g}" if high is not None else "any"
    return f">= {low:g}" if high is None else f"{low:g}..{high:g}"


def _width(text: str) -> int:
    """Columns of a terminal that the text takes: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


if __name__ == "__main__":
    sys.exit(main())
