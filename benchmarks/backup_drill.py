"""Backup drill: back up a college under load, wipe it, restore it elsewhere, compare.

    make backup-drill                      # embedded: SQLite and a folder, in under two minutes
    .venv/bin/python benchmarks/backup_drill.py --seconds 20

Starts an own demo on free ports in a temporary folder, lets phones upload while `flask backup`
runs, deletes everything, restores into another folder with the keys that were kept apart, runs
`flask check --read-files` and compares counts and hashes. Ends with status 1 when they differ.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import httpx

from benchmarks.rig.portraits import phone_photo_bytes
from benchmarks.rig.stack import Stack, Student
from server.transfer.backup_folder import BackupFolder

PHONES = 4


class Load(threading.Thread):
    """One phone after the other: sign in, bind, upload, until told to stop."""

    def __init__(self, stack: Stack, people: itertools.count[int], photo: bytes) -> None:
        super().__init__()
        self.stack = stack
        self.people = people
        self.photo = photo
        self.stopping = threading.Event()
        self.acknowledged = 0

    def run(self) -> None:
        """Take the next student until there is none or it is told to stop."""
        roster = self.stack.students()
        for place in self.people:
            if self.stopping.is_set() or place >= len(roster):
                return
            try:
                self._submit(roster[place], place)
            except (AssertionError, httpx.HTTPError):
                continue  # some demo students may not collect

    def _submit(self, person: dict[str, str], place: int) -> None:
        student = Student(self.stack, person).sign_in().bind()
        for number in range(3):
            own = self.photo[:-2] + place.to_bytes(2) + bytes([number]) + b"\xff\xd9"
            self.acknowledged += student.upload(own).status_code in {200, 202}


def drill(folder: Path, load_s: float) -> bool:
    """Run the whole drill in ``folder``; returns whether the restore equals the original."""
    first = Stack(folder / "first")
    first.folder.mkdir()
    first.prepare()
    people, photo = itertools.count(), phone_photo_bytes()
    loads = [Load(first, people, photo) for _ in range(PHONES)]
    try:
        first.start()
        for load in loads:
            load.start()
        time.sleep(load_s * 2 / 3)
        began = time.monotonic()
        print(first.flask("backup", str(folder / "backup")).strip(), flush=True)
        print(f"backup under load             {time.monotonic() - began:.1f} s")
        time.sleep(load_s / 3)
    finally:
        for load in loads:
            load.stopping.set()
            load.join()
        first.stop()
    print(f"acknowledged uploads in all   {sum(load.acknowledged for load in loads)}")
    second = move_keys(first, folder / "second")
    shutil.rmtree(first.folder)
    return restore_and_compare(folder, second)


def move_keys(first: Stack, folder: Path) -> Stack:
    """Return another machine that has the keys, which an operator keeps apart, and nothing else."""
    shutil.copytree(first.folder / "keys", folder / "keys")
    keys = (first.folder / "demo.env").read_text()
    (folder / "demo.env").write_text(keys.replace(str(first.folder), str(folder)))
    return Stack(folder)


def restore_and_compare(folder: Path, second: Stack) -> bool:
    """Restore, check, and back up once more: both manifests must tell the same."""
    began = time.monotonic()
    second.flask("restore", str(folder / "backup"))
    print(f"restore and check             {time.monotonic() - began:.1f} s")
    checked = second.flask("check", "--read-files").strip().splitlines()[-1]
    second.flask("backup", str(folder / "again"))
    wanted, found = read_tables(folder / "backup"), read_tables(folder / "again")
    # Each backup notes its own beginning among the heartbeats.
    differing = {name for name in wanted if wanted[name] != found[name]} - {"heartbeat"}
    print(f"rows compared                 {sum(count for count, _ in wanted.values())}")
    print(f"submissions in the backup     {wanted['photo'][0]}")
    print(f"flask check --read-files      {checked}")
    print(f"tables that differ            {', '.join(sorted(differing)) or 'none'}")
    return checked == "0 problems" and not differing


def read_tables(backup: Path) -> dict[str, tuple[int, str]]:
    """Return count and hash of each table of the newest snapshot."""
    entries = BackupFolder(backup).open().manifest.tables
    return {each["shape"]["name"]: (each["rows"], each["digest"]) for each in entries}


def main() -> int:
    """Run the drill in a temporary folder and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=16, help="how long the load runs")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="caiji-drill-"))
    try:
        return 0 if drill(folder, options.seconds) else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
