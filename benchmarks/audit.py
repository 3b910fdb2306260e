"""Known vulnerabilities of the locked dependencies, as `make audit` and CI ask for them.

Exit status 1: one is known that .ci/audit-accepted.txt does not name with a reason. 2: nothing
could be looked up, or with `--strict` not everything. 0 otherwise, with a line `left out: …` for
what was not. A build that must not fail with somebody else's outage says `--allow-outage`: then 2
becomes 0, and the lines still say that nobody looked. (pip-audit alone skips packages that the
service does not find and ends well.)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
ACCEPTED = ROOT / ".ci" / "audit-accepted.txt"
LOCKS = ("requirements.txt", "requirements-dev.txt")
TIMEOUT_S = 120


def read_accepted() -> set[str]:
    """Return the ids that were judged; each line is `ID reason`."""
    lines = ACCEPTED.read_text().splitlines() if ACCEPTED.exists() else []
    return {line.split()[0] for line in lines if line.strip() and not line.startswith("#")}


def ask(lock: str) -> list[dict[str, Any]] | None:
    """Return pip-audit's entries, one a dependency; None when there was no answer."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off", "-f", "json", "--timeout", "15", "-r", lock],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        entries: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return entries


def judge(
    lock: str, entries: list[dict[str, Any]] | None, accepted: set[str]
) -> tuple[int, list[str]]:
    """Return what came of one lock and the lines to print.

    0: all known and sound, 1: a known vulnerability, 2: something was left out, 3: everything was.
    """
    if entries is None:
        return 3, [f"left out: {lock}, the vulnerability service does not answer"]
    skipped = [entry for entry in entries if "skip_reason" in entry]
    found = [
        f"{lock}: {entry['name']} {entry['version']} {each['id']}"
        for entry in entries
        for each in entry.get("vulns", [])
        if not {each["id"], *each.get("aliases", [])} & accepted
    ]
    lines = [*found, f"{lock}: {len(entries) - len(skipped)} looked up, {len(found)} vulnerable"]
    if skipped:
        lines.append(f"left out: {len(skipped)} of {len(entries)} in {lock}, not known there")
    if found:
        return 1, lines
    is_blind = len(skipped) == len(entries)
    return (3 if is_blind else 2 if skipped else 0), lines


def main() -> int:
    """Audit both locks and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail when something is left out")
    parser.add_argument("--allow-outage", action="store_true", help="end well when nobody answers")
    options = parser.parse_args()
    statuses = set()
    for lock in LOCKS:
        status, lines = judge(lock, ask(lock), read_accepted())
        statuses.add(status)
        print("\n".join(lines), flush=True)
    if 1 in statuses:
        return 1
    is_blind = statuses == {3} or (options.strict and statuses != {0})
    return 2 if is_blind and not options.allow_outage else 0


if __name__ == "__main__":
    sys.exit(main())
